/*
 * obedient - a handler that does what a request says, a number of words:
 *
 *     hold FILE    answers when FILE is there
 *     bytes N      answers by N bytes
 *     deny         says that it has not received this request
 *     die FILE     dies, and leaves a process that has the connection open until FILE is there
 *
 * In this order. Without "bytes" the answer is its pid.
 */
#include "../../handlers/handler.c"

enum { LOOK_NS = 10 * 1000 * 1000, PIECE = 1000, REQUEST_MOST = 1000 };

static void
hold(const char *path)
{
    const struct timespec look = {.tv_nsec = LOOK_NS};

    while (access(path, F_OK) != 0) {
        nanosleep(&look, NULL);
    }
}

static void
add_bytes(struct handler_reply *reply, unsigned long bytes)
{
    char piece[PIECE];

    memset(piece, 'x', sizeof piece);
    for (unsigned long left = bytes; left > 0; left -= left < PIECE ? left : PIECE) {
        handler_add(reply, piece, left < PIECE ? left : PIECE);
    }
}

static _Noreturn void
die_before(const char *path)
{
    if (fork() == 0) {
        hold(path);
        _exit(EXIT_SUCCESS);
    }
    for (;;) {
        kill(getpid(), SIGKILL);
    }
}

static bool
obey(const unsigned char *request, size_t length, struct handler_reply *reply)
{
    char text[REQUEST_MOST + 1], *rest = NULL;

    if (length > REQUEST_MOST) {
        return handler_fail(reply, "%zu bytes are no order", length);
    }
    memcpy(text, request, length);
    text[length] = '\0';
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (strcmp(word, "hold") == 0) {
            hold(strtok_r(NULL, " ", &rest));
        } else if (strcmp(word, "deny") == 0) {
            atomic_fetch_sub(&seat->received, 1);
        } else if (strcmp(word, "die") == 0) {
            die_before(strtok_r(NULL, " ", &rest));
        } else if (strcmp(word, "bytes") == 0) {
            add_bytes(reply, strtoul(strtok_r(NULL, " ", &rest), NULL, 10));
        } else {
            return handler_fail(reply, "'%s' is no order", word);
        }
    }
    if (reply->length == 0) {
        handler_print(reply, "%ld", (long)getpid());
    }
    return true;
}

int
main(int argc, char **argv)
{
    return handler_main(argc, argv, obey);
}
