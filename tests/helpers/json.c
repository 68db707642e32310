/*
 * json - checks that standard input is one JSON value (RFC 8259) on one line, prints parts.
 *
 *     json                            only checks
 *     json connections children.2.pid children.*.pid children.#
 *     json -a                         all values and numbers of members, each behind its path
 *
 * A path goes through objects by name and through arrays by index; * stands for each, # for the
 * number of members. Strings are printed without their quotes. Fails if a path leads nowhere.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text; /* what is left of the input */

static void value(const char *path);

static long found;

static bool all;       /* -a */
static char here[512]; /* for it: the path of the value that is read */

static _Noreturn void
bad(const char *what)
{
    fprintf(stderr, "json: %s at: %.40s\n", what, text);
    exit(EXIT_FAILURE);
}

static void
blank(void)
{
    text += strspn(text, " \t\r\n");
}

static void
expect(char wanted)
{
    blank();
    if (*text != wanted) {
        fprintf(stderr, "json: '%c' is missing\n", wanted);
        bad("error");
    }
    text++;
}

static size_t
digits(void)
{
    size_t count = strspn(text, "0123456789");

    text += count;
    return count;
}

static void
number(void)
{
    const char *start = text += *text == '-';

    if (digits() == 0 || (*start == '0' && text - start > 1)) {
        bad("not a number");
    }
    if (*text == '.') {
        text++;
        if (digits() == 0) {
            bad("no digits after the point");
        }
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '+' || *text == '-';
        if (digits() == 0) {
            bad("no exponent");
        }
    }
}

static void
string(void)
{
    for (expect('"'); *text != '"'; text++) {
        if ((unsigned char)*text < ' ') {
            bad("control character or end in a string");
        }
        if (*text == '\\') {
            text++;
            if (*text == 'u' && strspn(text + 1, "0123456789abcdefABCDEF") >= 4) {
                text += 4;
            } else if (*text == '\0' || !strchr("\"\\/bfnrt", *text)) {
                bad("bad escape");
            }
        }
    }
    text++;
}

/* The path below this member if `path` goes through it, else NULL. */
static const char *
through(const char *path, const char *name, size_t length)
{
    size_t part = path ? strcspn(path, ".") : 0;

    if (!path || part == 0 ||
        !((part == 1 && *path == '*') || (part == length && strncmp(path, name, length) == 0))) {
        return NULL;
    }
    return path[part] == '.' ? path + part + 1 : path + part;
}

/* Reads the value of a member; the path that was asked for, and the one here, go through it. */
static void
member(const char *path, const char *name, size_t length)
{
    size_t before = strlen(here);

    snprintf(here + before, sizeof here - before, "%s%.*s", before > 0 ? "." : "", (int)length,
             name);
    value(through(path, name, length));
    here[before] = '\0';
    blank();
}

static void
say_count(const char *path, int count)
{
    if (all) {
        printf("%s%s# %d\n", here, *here ? "." : "", count);
    } else if (path && strcmp(path, "#") == 0) {
        printf("%d\n", count);
        found++;
    }
}

static void
object(const char *path)
{
    int count = 0;

    expect('{');
    for (blank(); *text != '}'; count++) {
        const char *name;
        size_t length;

        if (count > 0) {
            expect(',');
            blank();
        }
        name = text + 1;
        string();
        length = (size_t)(text - 1 - name);
        expect(':');
        member(path, name, length);
    }
    text++;
    say_count(path, count);
}

static void
array(const char *path)
{
    int count = 0;

    expect('[');
    for (blank(); *text != ']'; count++) {
        char index[16];

        if (count > 0) {
            expect(',');
        }
        snprintf(index, sizeof index, "%d", count);
        member(path, index, strlen(index));
    }
    text++;
    say_count(path, count);
}

static void
word(const char *wanted)
{
    if (strncmp(text, wanted, strlen(wanted)) != 0) {
        bad("not a value");
    }
    text += strlen(wanted);
}

/* NULL: not on the path; empty: the path's end. */
static void
value(const char *path)
{
    const char *start;
    size_t quote;
    bool leaf;

    blank();
    start = text;
    leaf = *text != '{' && *text != '[';
    switch (*text) {
    case '{':
        object(path);
        break;
    case '[':
        array(path);
        break;
    case '"':
        string();
        break;
    case 't':
        word("true");
        break;
    case 'f':
        word("false");
        break;
    case 'n':
        word("null");
        break;
    default:
        number();
    }
    if ((path && *path == '\0') || (all && leaf)) {
        quote = *start == '"';
        printf("%s%s%.*s\n", all ? here : "", all ? " " : "", (int)(text - start - 2 * (long)quote),
               start + quote);
        found++;
    }
}

static void
whole(const char *input, const char *path)
{
    text = input;
    found = 0;
    value(path);
    if (*text == '\n') {
        text++;
    }
    if (*text != '\0') {
        bad("more behind the value, or more than a line");
    }
    if (path && found == 0) {
        fprintf(stderr, "json: there is no %s\n", path);
        exit(EXIT_FAILURE);
    }
}

int
main(int argc, char **argv)
{
    static char input[(1 << 24) + 1];
    size_t length = fread(input, 1, sizeof input - 1, stdin);

    if (length == 0 || memchr(input, '\n', length - 1) || strlen(input) != length) {
        fputs("json: not one line\n", stderr);
        return EXIT_FAILURE;
    }
    whole(input, NULL);
    all = argc > 1 && strcmp(argv[1], "-a") == 0;
    if (all) {
        whole(input, NULL);
    }
    for (int i = 1 + all; i < argc; i++) {
        whole(input, argv[i]);
    }
    return EXIT_SUCCESS;
}
