/* json - see json.h. */
#include "json.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/die.h"

static const char *text; /* what is left of the input */
static const char *problem;
static FILE *lines;
static char here[512]; /* the path of the value that is read */

static bool value(void);

static bool
bad(const char *what)
{
    problem = problem ? problem : what;
    return false;
}

static void
blank(void)
{
    text += strspn(text, " \t\r");
}

static bool
digits(void)
{
    size_t count = strspn(text, "0123456789");

    text += count;
    return count > 0;
}

static bool
number(void)
{
    const char *start = text += *text == '-';

    if (!digits() || (*start == '0' && text - start > 1)) {
        return bad("not a value");
    }
    if (*text == '.') {
        text++;
        if (!digits()) {
            return bad("no digits after the point");
        }
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '+' || *text == '-';
        return digits() || bad("no exponent");
    }
    return true;
}

static bool
string(void)
{
    if (*text != '"') {
        return bad("a string is missing");
    }
    for (text++; *text != '"'; text++) {
        if ((unsigned char)*text < ' ') {
            return bad("control character or end in a string");
        }
        if (*text == '\\') {
            text++;
            if (*text == 'u' && strspn(text + 1, "0123456789abcdefABCDEF") >= 4) {
                text += 4;
            } else if (*text == '\0' || !strchr("\"\\/bfnrt", *text)) {
                return bad("bad escape");
            }
        }
    }
    text++;
    return true;
}

/* A member's value, one part further down the path; behind it comes a comma or `closing`. */
static bool
member(const char *name, size_t length, char closing)
{
    size_t before = strlen(here);

    snprintf(here + before, sizeof here - before, "%s%.*s", before > 0 ? "." : "", (int)length,
             name);
    if (!value()) {
        return false;
    }
    here[before] = '\0';
    blank();
    if (*text == ',') {
        text++;
        blank();
        return *text != closing || bad("a member is missing");
    }
    return *text == closing || bad("a comma or an end is missing");
}

/* The members of an object, which have names, or of an array. */
static bool
members(char closing)
{
    int count = 0;

    text++;
    for (blank(); *text != closing; count++) {
        char index[16];
        const char *name = text + 1;

        if (closing == ']') {
            snprintf(index, sizeof index, "%d", count);
            if (!member(index, strlen(index), closing)) {
                return false;
            }
            continue;
        }
        if (!string()) {
            return false;
        }
        blank();
        if (*text != ':') {
            return bad("a colon is missing");
        }
        text++;
        if (!member(name, strcspn(name, "\""), closing)) {
            return false;
        }
    }
    text++;
    fprintf(lines, "%s%s# %d\n", here, here[0] != '\0' ? "." : "", count);
    return true;
}

static bool
value(void)
{
    static const char *const words[] = {"true", "false", "null"};
    const char *start;
    size_t quote, length = 0;

    blank();
    start = text;
    quote = *text == '"';
    if (*text == '{' || *text == '[') {
        return members(*text == '{' ? '}' : ']');
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        length = strncmp(text, words[i], strlen(words[i])) == 0 ? strlen(words[i]) : length;
    }
    text += length;
    if (length == 0 && !(quote ? string() : number())) {
        return false;
    }
    fprintf(lines, "%s %.*s\n", here, (int)((size_t)(text - start) - 2 * quote), start + quote);
    return true;
}

char *
json_lines(const char *input, const char **wrong)
{
    char *found = NULL;
    size_t length;

    text = input;
    problem = NULL;
    here[0] = '\0';
    lines = open_memstream(&found, &length);
    if (!lines) {
        die("memory for JSON");
    }
    fputc('\n', lines);
    if (value()) {
        text += *text == '\n';
        if (*text != '\0') {
            bad("more behind the value, or more than a line");
        }
    }
    fclose(lines);
    *wrong = problem;
    if (problem) {
        free(found);
    }
    return problem ? NULL : found;
}

static bool
fits(const char *line, const char *path)
{
    for (; *path != '\0'; path++) {
        if (*path == '*') {
            line += strcspn(line, ".# ");
        } else if (*line++ != *path) {
            return false;
        }
    }
    return *line == ' ';
}

const char *
json_find(const char **at, const char *path)
{
    while ((*at = strchr(*at, '\n')) != NULL) {
        ++*at;
        if (fits(*at, path)) {
            *at = strchr(*at, ' ');
            return *at + 1;
        }
    }
    return NULL;
}
