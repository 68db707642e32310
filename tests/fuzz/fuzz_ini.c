/*
 * fuzz_ini - watch/ini.c: the file of services.
 *
 * The oracle, from man/watch.1, says of each line and of each section whether it is allowed. The
 * message must name the first line that is not; if all are, the services have what stands there.
 */
#include <string.h>

#include "dying.h"

#include "../../watch/ini.c"

struct service services[SERVICES_MOST];
int services_count;
const char *const service_cans[] = {"hup", "more", "fewer", NULL};

/* --- the oracle ------------------------------------------------------------------------------ */

/* Of options there is a blank in front of each word, and one behind the last: " -n 4 ". */
static struct section {
    char name[SERVICE_NAME + 1], program[SERVICE_PROGRAM + 1], options[LINE_MOST + 3];
    uint64_t min, max;
    unsigned can;
    bool autostart, restart;
} wanted[SERVICES_MOST + 1];

static int count;

struct service *
services_find(const char *name)
{
    for (int i = 0; i < services_count; i++) {
        if (strcmp(services[i].name, name) == 0) {
            return &services[i];
        }
    }
    return NULL;
}

static bool
is_number(const char *text, uint64_t *number)
{
    return text && fuzz_number(text, strcspn(text, " "), 100000, number) && *number > 0;
}

/* The value of the last option of that letter, which may be the next word; NULL: there is none. */
static const char *
option(const char *words, char letter)
{
    const char *found = NULL, *end = strstr(words, " -- ");

    for (const char *at = words; (at = strstr(at, " -")) != NULL && (!end || at < end); at++) {
        const char *behind = at + 2 + strspn(at + 2, "v");

        if (*behind == letter) {
            found = behind[1] == ' ' ? behind + 2 : behind + 1;
        }
    }
    return found;
}

static bool
section_is_good(const struct section *is)
{
    uint64_t n, x;

    return *is->program != '\0' &&
           ((is->min == 0 && is->max == 0) ||
            ((is->can & 6) != 0 && is->min > 0 && is_number(option(is->options, 'n'), &n) &&
             is_number(option(is->options, 'x'), &x) && is->min <= n && n <= is->max &&
             is->max <= x));
}

static bool
begin_section(const char *text)
{
    char *name = wanted[count].name;
    int end = 0;

    if (count > 0 && !section_is_good(&wanted[count - 1])) {
        return false;
    }
    sscanf(text, "[%32[A-Za-z0-9_-]]%n", name, &end);
    for (int i = 0; i < count; i++) {
        end = strcmp(wanted[i].name, name) == 0 ? 0 : end;
    }
    return end != 0 && text[end] == '\0' && count++ < SERVICES_MOST;
}

static bool
take_cans(struct section *is, char *value)
{
    bool good = true;

    for (char *word = strtok(value, " \t"); word; word = strtok(NULL, " \t")) {
        unsigned bit = strcmp(word, "hup") == 0     ? 1
                       : strcmp(word, "more") == 0  ? 2
                       : strcmp(word, "fewer") == 0 ? 4
                                                    : 0;

        is->can |= bit;
        good = good && bit != 0;
    }
    return good;
}

static bool
take_words(struct section *is, char *value)
{
    bool before = is->options[0] != '\0' && is->options[1] != '\0';
    char *to = strcpy(is->options, " ") + 1;
    int words = 0;

    for (char *word = strtok(value, " \t"); word; word = strtok(NULL, " \t"), words++) {
        to += sprintf(to, "%s ", word);
    }
    return !before && words <= SERVICE_WORDS && !option(is->options, 'o') &&
           !option(is->options, 'q');
}

static bool
take_key(struct section *is, const char *key, char *value)
{
    bool start = strcmp(key, "autostart") == 0, yes = strcmp(value, "yes") == 0;

    if (strcmp(key, "program") == 0) {
        return *is->program == '\0' && *value != '\0' && strlen(value) <= SERVICE_PROGRAM &&
               strcpy(is->program, value) == is->program;
    }
    if (strcmp(key, "min") == 0 || strcmp(key, "max") == 0) {
        return is_number(value, key[1] == 'i' ? &is->min : &is->max) && !strchr(value, ' ');
    }
    if (start || strcmp(key, "restart") == 0) {
        *(start ? &is->autostart : &is->restart) = yes;
        return yes || strcmp(value, "no") == 0;
    }
    return strcmp(key, "options") == 0 ? take_words(is, value)
                                       : strcmp(key, "can") == 0 && take_cans(is, value);
}

/* Without the blanks around it. */
static char *
bare(char *text)
{
    while (*text != '\0' && strchr(" \t\r\n", text[strlen(text) - 1])) {
        text[strlen(text) - 1] = '\0';
    }
    return text + strspn(text, " \t\r\n");
}

static bool
line_is_good(const char *from, size_t length)
{
    static char line[LINE_MOST + 1];
    char *text, *equals;

    if (length > LINE_MOST || memchr(from, '\0', length)) {
        return false;
    }
    memcpy(line, from, length);
    line[length] = '\0';
    text = bare(line);
    equals = strchr(text, '=');
    if (*text == '\0' || strchr("#;[", *text)) {
        return *text != '[' || begin_section(text);
    }
    if (equals) {
        *equals = '\0';
    }
    return equals && count > 0 && take_key(&wanted[count - 1], bare(text), bare(equals + 1));
}

/* The first line that is not allowed, or the last if something lacks at the end; -1: all are. */
static int
first_wrong(const char *text, const char *end)
{
    int line = 0;

    memset(wanted, 0, sizeof wanted);
    for (count = 0; text < end; line++) {
        const char *feed = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((feed ? feed + 1 : end) - text);

        if (!line_is_good(text, length)) {
            return line + 1;
        }
        text += length;
    }
    return count > 0 && section_is_good(&wanted[count - 1]) ? -1 : line;
}

/* --- comparing ------------------------------------------------------------------------------- */

static void
compare(struct service *service, const struct section *is)
{
    char options[LINE_MOST + 3] = " ", *end = options + 1;

    for (char **word = service->words; *word; word++) {
        end += sprintf(end, "%s ", *word);
    }
    CHECK(strcmp(service->name, is->name) == 0 && strcmp(service->program, is->program) == 0,
          "[%s] with %s", service->name, service->program);
    CHECK(strcmp(options, *is->options ? is->options : " ") == 0, "options:%s", options);
    CHECK_IS(service->can, is->can, "can");
    CHECK(service->min == (int)is->min && service->max == (int)is->max, "min, max");
    CHECK(service->autostart == is->autostart && service->restart == is->restart, "yes or no");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *volatile in = size > 0 ? fmemopen((void *)data, size, "r") : NULL;
    volatile int bad = in ? first_wrong((const char *)data, (const char *)data + size) : 0;
    char where[40];

    line_number = services_count = 0;
    memset(services, 0, sizeof services);
    if (in && dying_tries() == 0) {
        services_read("file", in);
        CHECK_IS(-1, bad, "all is taken, in spite of a line");
        CHECK_IS(services_count, count, "services");
        for (int i = 0; i < count; i++) {
            compare(&services[i], &wanted[i]);
        }
    } else if (in) {
        snprintf(where, sizeof where, "file:%d: ", bad);
        CHECK(strncmp(dying_text, where, strlen(where)) == 0, "not %s%s", where, dying_text);
        fclose(in);
    }
    for (int i = 0; i < services_count; i++) {
        for (char **word = services[i].words; *word; word++) {
            free(*word);
        }
    }
    return 0;
}
