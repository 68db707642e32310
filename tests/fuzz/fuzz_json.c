/*
 * fuzz_json - watch/json.c: which lines of a service are taken for statistics.
 *
 * The oracle knows no recursion: it takes strings and other values away, and then again and again
 * what is empty or has only values in it, until nothing more can be taken. Of an object one value
 * is left.
 */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#include "../../watch/json.c"

enum { TEXT_MOST = 500 };

/* What becomes an S, a string, or a V, any other value. What holds blanks is a string, so these
 * are left out of the rest. */
#define STRING "\"([^\"\\]|\\\\([\"\\/bfnrt]|u[0-9a-fA-F]{4}))*\""
#define NUMBER "-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?"
#define OBJECT "[{](S:[SV](,S:[SV])*)?[}]"
#define ARRAY "[[]([SV](,[SV])*)?[]]"

/* Puts a letter in place of the longest match at `at`; true if there is one. */
static bool
shorten(char *at, const char *form, char letter)
{
    static struct {
        const char *form;
        regex_t expression;
    } known[8];
    regmatch_t match;
    int i = 0;

    while (known[i].form && strcmp(known[i].form, form) != 0) {
        i++;
    }
    if (!known[i].form) {
        CHECK(regcomp(&known[i].expression, form, REG_EXTENDED) == 0, "regcomp: %s", form);
        known[i].form = form;
    }
    if (regexec(&known[i].expression, at, 1, &match, 0) != 0) {
        return false;
    }
    *at = letter;
    memmove(at + 1, at + match.rm_eo, strlen(at + match.rm_eo) + 1);
    return true;
}

/* Tokens in place of strings, numbers and words; without blanks. False: there is something else. */
static bool
cut(char *text)
{
    for (; *text != '\0'; text++) {
        while (*text == ' ') {
            memmove(text, text + 1, strlen(text));
        }
        if (*text != '\0' && !strchr("{}[],:", *text) && !shorten(text, "^" STRING, 'S') &&
            !shorten(text, "^(" NUMBER "|true|false|null)", 'V')) {
            return false;
        }
        if (*text == '\0') {
            return true;
        }
    }
    return true;
}

/* The innermost objects and arrays become values, all at once: so often, so deep. */
static bool
is_object(char *text)
{
    int depth = 0;
    bool object = *text == '{', found = true;

    for (; found && depth <= JSON_DEPTH; depth += found) {
        found = false;
        for (char *at = text; *at != '\0'; at++) {
            /* A small v is of this round: what holds it has to wait for the next. */
            found = (strchr("{[", *at) && shorten(at, "^(" OBJECT "|" ARRAY ")", 'v')) || found;
        }
        for (char *at = text; (at = strchr(at, 'v')) != NULL;) {
            *at = 'V';
        }
    }
    return object && depth <= JSON_DEPTH && strcmp(text, "V") == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    char *text = input_text(&input, TEXT_MOST), *copy = input_text(&input, TEXT_MOST);
    bool printable = true;

    if (text && copy) {
        for (const char *byte = text; *byte != '\0'; byte++) {
            printable = printable && *byte >= ' ' && *byte <= '~';
        }
        check_subject = text;
        CHECK_IS(json_valid(text), printable && cut(copy) && is_object(copy), "an object");
    }
    free(text);
    free(copy);
    return 0;
}
