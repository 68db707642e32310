/*
 * fuzz_clock - server05_spawn_pool/handlers/handler_clock.c: the parser of JSON.
 *
 * The oracle is a parser of another kind: it cuts the text into tokens, and reduces them on a stack
 * as the grammar of RFC 8259 allows, without recursion. Both must agree on what is an object. The
 * reply must be that object with the new member, and be refused if it is sent again.
 */
#include "handled.h"

#include "../../server05_spawn_pool/handlers/handler_clock.c"

#undef main

enum { LENGTH_MOST = 4096, LEVELS = 64, STACK = 3 * LEVELS + 8 };

/* Tokens: { } [ ] , : as themselves, and these. 0 is the end. */
enum { STRING = 's', VALUE = 'v', WRONG = '!' };

struct tokens {
    const char *text;
    size_t length, at, start;
};

/* --- the oracle ------------------------------------------------------------------------------ */

static bool
one_of(const struct tokens *tokens, const char *set)
{
    return tokens->at < tokens->length && tokens->text[tokens->at] != '\0' &&
           strchr(set, tokens->text[tokens->at]);
}

static size_t
run_of(struct tokens *tokens, const char *set)
{
    size_t count = 0;

    while (one_of(tokens, set)) {
        tokens->at++;
        count++;
    }
    return count;
}

static const char decimal[] = "0123456789";

static int
number_token(struct tokens *tokens)
{
    size_t whole;

    tokens->at += one_of(tokens, "-");
    if (one_of(tokens, "0")) {
        tokens->at++;
        whole = 1;
    } else {
        whole = run_of(tokens, decimal);
    }
    if (whole == 0) {
        return WRONG;
    }
    if (one_of(tokens, ".")) {
        tokens->at++;
        if (run_of(tokens, decimal) == 0) {
            return WRONG;
        }
    }
    if (one_of(tokens, "eE")) {
        tokens->at++;
        tokens->at += one_of(tokens, "+-");
        if (run_of(tokens, decimal) == 0) {
            return WRONG;
        }
    }
    return VALUE;
}

static int
string_token(struct tokens *tokens)
{
    for (tokens->at++; tokens->at < tokens->length; tokens->at++) {
        unsigned char byte = (unsigned char)tokens->text[tokens->at];

        if (byte == '"') {
            tokens->at++;
            return STRING;
        }
        if (byte < 0x20) {
            return WRONG;
        }
        if (byte != '\\') {
            continue;
        }
        tokens->at++;
        if (one_of(tokens, "u")) {
            for (int i = 0; i < 4; i++) {
                tokens->at++;
                if (!one_of(tokens, "0123456789abcdefABCDEF")) {
                    return WRONG;
                }
            }
        } else if (!one_of(tokens, "\"\\/bfnrt")) {
            return WRONG;
        }
    }
    return WRONG;
}

static int
next_token(struct tokens *tokens)
{
    static const char *const words[] = {"true", "false", "null"};

    run_of(tokens, " \t\r\n");
    tokens->start = tokens->at;
    if (tokens->at == tokens->length) {
        return 0;
    }
    if (one_of(tokens, "{}[],:")) {
        return tokens->text[tokens->at++];
    }
    if (one_of(tokens, "\"")) {
        return string_token(tokens);
    }
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(words[i]);

        if (tokens->length - tokens->at >= length &&
            memcmp(tokens->text + tokens->at, words[i], length) == 0) {
            tokens->at += length;
            return VALUE;
        }
    }
    return number_token(tokens);
}

/* What stands on the stack when a value is complete: `[` or `,` of an array, `:` of an object. The
 * states of containers: '[' begun, 'a' has a value, ',' wants one; '{' begun, 's' has a name, ':'
 * wants a value, 'o' has a member, ';' wants a name. */
static char
after_value(char state)
{
    return state == '[' || state == ',' ? 'a' : state == ':' ? 'o' : WRONG;
}

/* A comma, a colon, or a name: the next state. */
static char
after_token(char state, int token)
{
    if (token == ',') {
        return state == 'a' ? ',' : state == 'o' ? ';' : WRONG;
    }
    if (token == ':') {
        return state == 's' ? ':' : WRONG;
    }
    if (token == STRING && (state == '{' || state == ';')) {
        return 's';
    }
    return token == STRING || token == VALUE ? after_value(state) : WRONG;
}

static bool
may_close(char state, int token)
{
    return token == '}' ? state == '{' || state == 'o' : state == '[' || state == 'a';
}

/* Does a string token say "time_received", perhaps with escapes? */
static bool
is_the_name(const char *text, size_t length)
{
    char name[64] = "";
    size_t used = 0;

    for (size_t i = 1; i + 1 < length; i++) {
        unsigned code = (unsigned char)text[i];

        if (code == '\\' && text[i + 1] != 'u') {
            return false; /* no other escape stands for a letter of it */
        }
        if (code == '\\') {
            char hex[5] = {text[i + 2], text[i + 3], text[i + 4], text[i + 5], '\0'};

            code = (unsigned)strtoul(hex, NULL, 16);
            i += 5;
        }
        if (used == sizeof name - 1 || code > 127 || code == 0) {
            return false;
        }
        name[used++] = (char)code;
    }
    return strcmp(name, "time_received") == 0;
}

/* Is the text an object that the handler takes? Notes where it begins and ends. */
static bool
is_object(const char *text, size_t length, size_t *first, size_t *last, bool *empty)
{
    struct tokens tokens = {.text = text, .length = length};
    char stack[LEVELS + 1];
    size_t depth = 0;
    int token = next_token(&tokens);

    *first = tokens.start;
    *empty = true;
    if (token != '{') {
        return false;
    }
    stack[depth++] = '{';
    while (depth > 0) {
        token = next_token(&tokens);
        if (token == '}' || token == ']') {
            if (!may_close(stack[depth - 1], token)) {
                return false;
            }
            depth--;
            continue;
        }
        if (depth == 1 && token == STRING && (stack[0] == '{' || stack[0] == ';')) {
            *empty = false;
            if (is_the_name(text + tokens.start, tokens.at - tokens.start)) {
                return false;
            }
        }
        if (token == '{' || token == '[') {
            stack[depth - 1] = after_value(stack[depth - 1]);
            if (depth == LEVELS || stack[depth - 1] == WRONG) {
                return false;
            }
            stack[depth++] = (char)token;
            continue;
        }
        stack[depth - 1] = after_token(stack[depth - 1], token);
        if (stack[depth - 1] == WRONG) {
            return false;
        }
    }
    *last = tokens.at;
    return next_token(&tokens) == 0;
}

/* --- comparing ------------------------------------------------------------------------------- */

/* {...,"time_received":"2026-11-21T14:03:05.123456Z"} and a line feed. */
static void
check_reply(const struct handler_reply *reply, const char *object, size_t length, bool empty)
{
    static const char member[] = "\"time_received\":\"",
                      form[] = "0000-00-00T00:00:00.000000Z\"}\n";
    const char *text = reply->bytes;
    size_t body = length - 1; /* without the brace that closes */

    CHECK(reply->length == body + !empty + strlen(member) + strlen(form), "%zu bytes",
          reply->length);
    CHECK(memcmp(text, object, body) == 0, "the object is another");
    text += body;
    CHECK(empty || *text == ',', "no comma");
    text += !empty;
    CHECK(memcmp(text, member, strlen(member)) == 0, "no new member");
    text += strlen(member);
    for (size_t i = 0; i < strlen(form); i++) {
        CHECK(form[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i],
              "not a time: %s", text);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t first, last = 0;
    struct handler_reply reply, again;
    bool empty, good, valid;

    if (size == 0 || size > LENGTH_MOST) {
        return 0;
    }
    good = handled_ask(data, size, &reply);
    valid = is_object(text, size, &first, &last, &empty);
    CHECK(good == valid, "%s: %s", valid ? "refused, but it is an object" : "taken, but it is none",
          good ? "" : reply.message);
    if (good) {
        check_reply(&reply, text + first, last - first, empty);
        CHECK(!handled_ask(reply.bytes, reply.length, &again), "the reply is taken again");
        free(again.bytes);
    } else {
        CHECK(strstr(reply.message, "offset "), "no offset: %s", reply.message);
    }
    free(reply.bytes);
    return 0;
}
