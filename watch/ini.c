/*
 * The ini file: a [name], and below it `key = value`; docs in README.md. A mistake in it ends watch
 * before anything has started, with a message of the file, the line and what is allowed there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/decimal.h"
#include "../common/die.h"
#include "services.h"

enum { LINE_MOST = 1024, CHILDREN_MOST = 100000 };

static const char NAME_LETTERS[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const char *file;
static int line_number;

#define wrong(format, ...) diex("%s:%d: " format, file, line_number, __VA_ARGS__)

static char *
trim(char *text)
{
    size_t length;

    text += strspn(text, " \t\r\n");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1])) {
        text[--length] = '\0';
    }
    return text;
}

static char *
copy(const char *text)
{
    char *copied = strdup(text);

    if (!copied) {
        die("%s", file);
    }
    return copied;
}

static void
begin(char *text)
{
    size_t length = strspn(++text, NAME_LETTERS);
    struct service *service = &services[services_count];

    if (length == 0 || length > SERVICE_NAME || strcmp(text + length, "]") != 0) {
        wrong("'[%.60s': a name in brackets of 1 to %d letters, digits, - or _ is allowed; "
              "for example [prefork]",
              text, SERVICE_NAME);
    }
    text[length] = '\0';
    if (services_find(text)) {
        wrong("'%s': a service has that name already; another one is allowed", text);
    }
    if (services_count == SERVICES_MOST) {
        wrong("'%s': at most %d services are allowed", text, SERVICES_MOST);
    }
    memcpy(service->name, text, length + 1);
    services_count++;
}

/* Which of the words is it? */
static int
choice(const char *key, const char *value, const char *const words[], const char *allowed)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(value, words[i]) == 0) {
            return i;
        }
    }
    wrong("%s '%.60s': %s is allowed", key, value, allowed);
}

/* -o, -q: how watch reads the server. (What stands behind -- is another program's.) */
static void
take_options(struct service *service, char *value)
{
    int count = 0;
    bool own = true;

    if (service->words[0]) {
        wrong("options '%.60s': one line of options is allowed", value);
    }
    for (char *word = strtok(value, " \t"); word; word = strtok(NULL, " \t")) {
        char letter = word[*word == '-' ? 1 + strspn(word + 1, "v") : 0]; /* -vq is -v -q */

        own = own && strcmp(word, "--") != 0;
        if (own && *word == '-' && (letter == 'o' || letter == 'q')) {
            wrong("options '%.60s': any but -o and -q is allowed: watch reads the statistics and "
                  "the first line",
                  word);
        }
        if (count == SERVICE_WORDS) {
            wrong("options '%.60s': at most %d words are allowed", word, SERVICE_WORDS);
        }
        service->words[count++] = copy(word);
    }
}

/* A number of children; 0: the text is none. */
static int
children_of(const char *text)
{
    uint64_t number;

    return decimal_take(&text, text + strlen(text), CHILDREN_MOST, &number) && *text == '\0'
               ? (int)number
               : 0;
}

/* The number of children that stands behind -n, or -x, in the options; 0: none does. As for
 * getopt(3) it is the rest of the word, or the next word, and the last one counts. */
static int
option_of(const struct service *service, char letter)
{
    int number = 0;

    for (char *const *word = service->words; *word && strcmp(*word, "--") != 0; word++) {
        const char *at = **word == '-' ? *word + 1 + strspn(*word + 1, "v") : "";

        if (*at == letter) {
            number = children_of(at[1] != '\0' ? at + 1 : word[1] ? word[1] : "");
        }
    }
    return number;
}

static int
take_children(const char *key, const char *value)
{
    int number = children_of(value);

    if (number == 0) {
        wrong("%s '%.60s': a whole number from 1 to %d is allowed", key, value, CHILDREN_MOST);
    }
    return number;
}

static void
take(struct service *service, char *key, char *value)
{
    static const char *const keys[] = {"program", "options",   "can",     "min",
                                       "max",     "autostart", "restart", NULL};
    static const char *const truths[] = {"no", "yes", NULL};
    int which = choice("key", key, keys, "program, options, can, min, max, autostart or restart");

    switch (which) {
    case 0:
        if (*value == '\0' || *service->program != '\0' || strlen(value) > SERVICE_PROGRAM) {
            wrong("program '%.60s': one name or path is allowed; "
                  "for example program = server01_fork",
                  value);
        }
        memcpy(service->program, value, strlen(value) + 1);
        break;
    case 1:
        take_options(service, value);
        break;
    case 2:
        for (char *word = strtok(value, " \t"); word; word = strtok(NULL, " \t")) {
            service->can |= 1U << choice(key, word, service_cans, "hup, more or fewer");
        }
        break;
    case 3:
    case 4:
        *(which == 3 ? &service->min : &service->max) = take_children(key, value);
        break;
    default:
        *(which == 5 ? &service->autostart : &service->restart) =
            choice(key, value, truths, "yes or no") == 1;
    }
}

/* A section is over. Watch counts the children that the page asks for, from -n on; within min and
 * max, and so within -x, the server does all that is asked, and the count is right. */
static void
end_section(struct service *service)
{
    int most = option_of(service, 'x');

    service->asked = service->first = option_of(service, 'n');
    if (*service->program == '\0') {
        wrong("[%s] has no program; for example program = server01_fork is allowed", service->name);
    }
    if ((service->min > 0 || service->max > 0) &&
        (service->min == 0 || service->min > service->first || service->first > service->max ||
         service->max > most || !(service->can & (SERVICE_MORE | SERVICE_FEWER)))) {
        wrong("[%s]: min and max together are allowed, with can = more or fewer, options = "
              "-n N -x MOST, and min <= N <= max <= MOST",
              service->name);
    }
}

static void
take_line(char *line)
{
    char *text = trim(line), *equals = strchr(text, '=');

    if (*text == '\0' || *text == '#' || *text == ';') {
        return;
    }
    if (*text == '[') {
        if (services_count > 0) {
            end_section(&services[services_count - 1]);
        }
        begin(text);
    } else if (!equals) {
        wrong("'%.60s': a [name], key = value, or a comment behind # is allowed", text);
    } else if (services_count == 0) {
        wrong("'%.60s': first a [name] is allowed; for example [prefork]", text);
    } else {
        *equals = '\0';
        take(&services[services_count - 1], trim(text), trim(equals + 1));
    }
}

/* The next line, with its end; false at the end of the file. No more of it is read than is allowed:
 * a file such as /dev/zero never ends. */
static bool
read_line(FILE *in, char line[LINE_MOST + 1])
{
    int length = 0, letter = 0;

    while (letter != '\n' && (letter = getc(in)) != EOF) {
        line_number += length == 0;
        if (length == LINE_MOST || letter == '\0') {
            wrong("a line of at most %d bytes, none of them 0, is allowed", LINE_MOST);
        }
        line[length++] = (char)letter;
    }
    line[length] = '\0';
    if (ferror(in)) {
        die("%s", file);
    }
    return length > 0;
}

void
services_read(const char *path, FILE *in)
{
    char line[LINE_MOST + 1];

    file = path;
    if (!in) {
        die("%s", path);
    }
    while (read_line(in, line)) {
        take_line(line);
    }
    if (services_count == 0) {
        wrong("at least one service is needed; for example %s is allowed", "[prefork]");
    }
    end_section(&services[services_count - 1]);
    fclose(in);
}
