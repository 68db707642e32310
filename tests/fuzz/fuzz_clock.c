/*
 * fuzz_clock - handlers/handler_clock.c: the parser of JSON.
 *
 * The oracle is a parser of another kind: a regular expression cuts the text into tokens, and they
 * are reduced on a stack by the rules of RFC 8259, without recursion. Both must agree on what is an
 * object. The reply must be that object with the new member, and be refused if it is sent again.
 */
#include <regex.h>

#include "handled.h"

#include "../../handlers/handler_clock.c"

enum { LENGTH_MOST = 4096, LEVELS = 64 };

/* Tokens: { } [ ] , : as themselves, and these. 0 is the end. */
enum { STRING = 'S', VALUE = 'V', WRONG = '!' };

/* --- the oracle ------------------------------------------------------------------------------ */

/* Takes blanks and the next token off the front of *text; *start is where the token begins. */
static int
next_token(const char **text, const char **start)
{
    static regex_t expression;
    static const char form[] =
        "^([][{},:]|true|false|null|-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?|"
        "\"([^\"\\\001-\037]|\\\\([\"\\/bfnrt]|u[0-9a-fA-F]{4}))*\")";
    regmatch_t match;

    if (expression.re_nsub == 0) {
        CHECK(regcomp(&expression, form, REG_EXTENDED) == 0, "regcomp: %s", form);
    }
    *start = *text += strspn(*text, " \t\r\n");
    if (**text == '\0' || regexec(&expression, *text, 1, &match, 0) != 0) {
        return **text == '\0' ? 0 : WRONG;
    }
    *text += match.rm_eo;
    return **start == '"' ? STRING : strchr("{}[],:", **start) ? **start : VALUE;
}

static bool
ends_with(const char *stack, size_t depth, const char *end)
{
    return depth >= strlen(end) && memcmp(stack + depth - strlen(end), end, strlen(end)) == 0;
}

/* Reduces the top of the stack as long as a rule fits; E are the elements of an array, M the
 * members of an object. Returns how much is left. */
static size_t
reduce(char *stack, size_t depth)
{
    static const char *const rules[][2] = {{"[]", "V"},  {"[S", "[V"}, {"[V", "[E"}, {"E,S", "E,V"},
                                           {"E,V", "E"}, {"[E]", "V"}, {"{}", "V"},  {":S", ":V"},
                                           {"S:V", "M"}, {"M,M", "M"}, {"{M}", "V"}};
    size_t rule = 0;

    while (rule < sizeof rules / sizeof rules[0]) {
        if (ends_with(stack, depth, rules[rule][0])) {
            depth -= strlen(rules[rule][0]);
            memcpy(stack + depth, rules[rule][1], strlen(rules[rule][1]));
            depth += strlen(rules[rule][1]);
            rule = 0;
        } else {
            rule++;
        }
    }
    return depth;
}

/* Is this string "time_received", perhaps with letters as escapes? */
static bool
is_the_name(const char *text)
{
    static regex_t expression;
    char form[512] = "^\"", *end = form + 2;

    for (const char *byte = "time_received"; expression.re_nsub == 0 && *byte != '\0'; byte++) {
        end += snprintf(end, (size_t)(form + sizeof form - end), "(%c|\\\\u00%x(%x|%X))", *byte,
                        *byte / 16u, *byte % 16u, *byte % 16u);
    }
    if (expression.re_nsub == 0) {
        strcpy(end, "\"");
        CHECK(regcomp(&expression, form, REG_EXTENDED) == 0, "regcomp: %s", form);
    }
    return regexec(&expression, text, 0, NULL, 0) == 0;
}

/* Is the text an object that the handler takes? Notes where it begins and ends. */
static bool
is_object(const char *text, const char **first, const char **last, bool *empty)
{
    static char stack[LENGTH_MOST + 1];
    size_t depth = 0, levels = 0;
    const char *rest = text, *start;
    int token = next_token(&rest, first);

    *empty = true;
    if (token != '{') {
        return false;
    }
    for (start = *first; token != 0; token = next_token(&rest, &start)) {
        if (token == STRING && levels == 1 &&
            (ends_with(stack, depth, "{") || ends_with(stack, depth, "M,"))) {
            *empty = false;
            if (is_the_name(start)) {
                return false;
            }
        }
        levels += token == '{' || token == '[';
        if (token == WRONG || levels > LEVELS) {
            return false;
        }
        levels -= token == '}' || token == ']';
        stack[depth++] = (char)token;
        depth = reduce(stack, depth);
        *last = rest;
    }
    return depth == 1 && stack[0] == VALUE;
}

/* --- comparing ------------------------------------------------------------------------------- */

/* {...,"time_received":"2026-11-21T14:03:05.123456Z"} and a line feed. */
static void
check_reply(const struct handler_reply *reply, const char *object, size_t length, bool empty)
{
    static const char form[] = "\"time_received\":\"0000-00-00T00:00:00.000000Z\"}\n";
    const char *text = reply->bytes;
    size_t body = length - 1; /* without the brace that closes */

    CHECK_IS(reply->length, body + !empty + strlen(form), "bytes");
    CHECK(memcmp(text, object, body) == 0, "the object is another");
    text += body;
    CHECK(empty || *text == ',', "no comma");
    text += !empty;
    for (size_t i = 0; i < strlen(form); i++) {
        CHECK(form[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i],
              "not the new member: %s", text);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct handler_reply reply, again;
    static char text[LENGTH_MOST + 1];
    const char *first, *last;
    bool empty, good, valid;

    if (size == 0 || size > LENGTH_MOST) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0'; /* no zero byte is allowed, in front of that */
    good = handled_ask(data, size, &reply);
    valid = strlen(text) == size && is_object(text, &first, &last, &empty);
    CHECK(good == valid, "%s: %s", valid ? "refused, but it is an object" : "taken, but it is none",
          reply.message);
    if (good) {
        check_reply(&reply, first, (size_t)(last - first), empty);
        CHECK(!handled_ask(reply.bytes, reply.length, &again), "the reply is taken again");
    } else {
        CHECK(strstr(reply.message, "offset "), "no offset: %s", reply.message);
    }
    return 0;
}
