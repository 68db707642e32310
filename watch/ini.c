/*
 * The ini file: a [name], and below it `key = value`; docs in README.md. A mistake in it ends watch
 * before anything has started, with a message of the file, the line and what is allowed there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/die.h"
#include "services.h"

enum { LINE_MOST = 1024 };

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

static void
take(struct service *service, char *key, char *value)
{
    static const char *const keys[] = {"program", "options", "can", "autostart", "restart", NULL};
    static const char *const truths[] = {"no", "yes", NULL};
    int which = choice("key", key, keys, "program, options, can, autostart or restart");

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
    default:
        *(which == 3 ? &service->autostart : &service->restart) =
            choice(key, value, truths, "yes or no") == 1;
    }
}

static void
need_program(void)
{
    if (services_count > 0 && *services[services_count - 1].program == '\0') {
        wrong("[%s] has no program; for example program = server01_fork is allowed",
              services[services_count - 1].name);
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
        need_program();
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

void
services_read(const char *path, FILE *in)
{
    char line[LINE_MOST + 2];

    file = path;
    if (!in) {
        die("%s", path);
    }
    while (fgets(line, sizeof line, in)) {
        line_number++;
        if (strlen(line) > LINE_MOST || (!strchr(line, '\n') && !feof(in))) {
            wrong("a line of at most %d bytes, none of them 0, is allowed", LINE_MOST);
        }
        take_line(line);
    }
    if (ferror(in)) {
        die("%s", path);
    }
    fclose(in);
    need_program();
    if (services_count == 0) {
        wrong("at least one service is needed; for example %s is allowed", "[prefork]");
    }
}
