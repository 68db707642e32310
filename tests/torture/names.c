/* The names of calls, errors and variants. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/die.h"
#include "torture.h"

#define CALL_NAME(name, errors) #name,
#define CALL_ERRORS(name, errors) errors,

static const char *const calls[] = {FAULT_CALLS(CALL_NAME)};
static const char *const errors[] = {FAULT_CALLS(CALL_ERRORS)};

#define ERROR(name)                                                                                \
    {                                                                                              \
#name, name                                                                                \
    }

static const struct error_name {
    const char *name;
    int what;
} names[] = {
    ERROR(EOPNOTSUPP), /* on Linux ENOTSUP has the same number */
    ERROR(EACCES),          ERROR(EADDRINUSE),      ERROR(EADDRNOTAVAIL),
    ERROR(EAFNOSUPPORT),    ERROR(EAGAIN),          ERROR(EBADF),
    ERROR(EBUSY),           ERROR(ECHILD),          ERROR(ECONNABORTED),
    ERROR(ECONNREFUSED),    ERROR(ECONNRESET),      ERROR(EDEADLK),
    ERROR(EEXIST),          ERROR(EFBIG),           ERROR(EHOSTUNREACH),
    ERROR(EINTR),           ERROR(EINVAL),          ERROR(EIO),
    ERROR(EMFILE),          ERROR(ENETDOWN),        ERROR(ENETUNREACH),
    ERROR(ENFILE),          ERROR(ENOBUFS),         ERROR(ENOENT),
    ERROR(ENOLCK),          ERROR(ENOMEM),          ERROR(ENOPROTOOPT),
    ERROR(ENOSPC),          ERROR(ENOSYS),          ERROR(ENOTCONN),
    ERROR(ENOTRECOVERABLE), ERROR(ENOTSOCK),        ERROR(ENOTSUP),
    ERROR(EOVERFLOW),       ERROR(EPERM),           ERROR(EPIPE),
    ERROR(EPROTO),          ERROR(EROFS),           ERROR(ESRCH),
    ERROR(ETIMEDOUT),       ERROR(ETXTBSY),         ERROR(EAI_AGAIN),
    ERROR(EAI_FAIL),        ERROR(EAI_MEMORY),      ERROR(EAI_NONAME),
    ERROR(EAI_SYSTEM),
#ifdef EHOSTDOWN
    ERROR(EHOSTDOWN),
#endif
#ifdef ENONET
    ERROR(ENONET),
#endif
#ifdef ETOOMANYREFS
    ERROR(ETOOMANYREFS),
#endif
    {"SHORT", FAULT_SHORT}, {"TRUNC", FAULT_TRUNC},
};

enum { NAMES = sizeof names / sizeof names[0] };

static const char *const processes[] = {"parent", "child", "handler"};

static int
index_of(const char *name, const char *const *list, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(list[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *
name_of_process(int process)
{
    return processes[process];
}

int
process_named(const char *name)
{
    return index_of(name, processes, FAULT_HANDLER + 1);
}

const char *
name_of_call(int call)
{
    return calls[call];
}

int
call_named(const char *name)
{
    return index_of(name, calls, FAULT_CALLS_COUNT);
}

const char *
errors_of_call(int call)
{
    return errors[call];
}

const char *
name_of_error(int what)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (names[i].what == what) {
            return names[i].name;
        }
    }
    return "?";
}

static int
error_named(const char *name)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return names[i].what;
        }
    }
    return 0;
}

/* What a message about it says. */
const char *
text_of_error(int what)
{
    if (strncmp(name_of_error(what), "EAI_", 4) == 0) {
        return what == EAI_SYSTEM ? strerror(EMFILE) : gai_strerror(what);
    }
    return what >= FAULT_SHORT ? "" : strerror(what);
}

/* Those that this system does not have are left out; any other is a slip of the pen. */
static const char not_everywhere[] = "EHOSTDOWN ENONET ETOOMANYREFS";

int
faults_of_call(int call, bool mistakes, struct fault faults[ERRORS_MOST])
{
    const char *at = errors[call];
    char word[32];
    int count = 0;

    for (int used; sscanf(at, " %31s%n", word, &used) == 1; at += used) {
        bool mistake = word[0] == '!';
        int what = error_named(word + mistake);

        if (what == 0 && !has_word(not_everywhere, word)) {
            diex("fault.h has the error %s, and names.c does not know it", word);
        }
        if (what != 0 && count < ERRORS_MOST && (mistakes || !mistake)) {
            faults[count++] = (struct fault){.call = call, .what = what, .mistake = mistake};
        }
    }
    return count;
}

bool
has_word(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length) {
        if ((at == list || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' ')) {
            return true;
        }
    }
    return false;
}

/* One line each: the program, what its name has behind it for -s, flags, arguments. */
#define VARIANT(program, name, flags, ...)                                                         \
    {                                                                                              \
        program name, program, flags,                                                              \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define SERVER "-p", "0", "-o", "json", "-T", "2", "-g", "6"
#define POOL SERVER, "-n", "2" /* CHILDREN of torture.h */
#define CREW (IS_POOL | IS_CREW)
#define CLIENT "-o", "json", "-T", "3", "-c", "2"

/* "piped" has -x 3, the most handlers that the scenario asks for: in server05 a seat that has once
 * had a handler keeps its channel. Without the limit the number of descriptors would depend on how
 * many handlers start and leave at the same moment.
 * "auto" has -M 2: a look that came while handlers were busy has started more, and else they would
 * stay. */
const struct variant variants[] = {
    VARIANT("server00_iterative", "", 0, SERVER),
    VARIANT("server00_iterative", " unix", ON_PATH, SERVER, "-i", "./socket"),
    VARIANT("server01_fork", "", 0, SERVER, "-n", "3"),
    VARIANT("server02_select", "", 0, SERVER, "-v"),
    VARIANT("server02_select", " unix", ON_PATH, SERVER, "-i", "./socket"),
    VARIANT("server02_select", " inherited", INHERITS, SERVER),
    VARIANT("server03_prefork_accept", "", IS_POOL, POOL),
    VARIANT("server03_prefork_accept", " select", IS_POOL, POOL, "-a", "select"),
    VARIANT("server03_prefork_accept", " poll", IS_POOL, POOL, "-a", "poll"),
    VARIANT("server03_prefork_accept", " lock-file", IS_POOL, POOL, "-a", "lock-file"),
    VARIANT("server03_prefork_accept", " lock-mutex", IS_POOL, POOL, "-a", "lock-mutex"),
#ifdef __linux__
    VARIANT("server03_prefork_accept", " epoll", IS_POOL, POOL, "-a", "epoll"),
    VARIANT("server03_prefork_accept", " epoll-exclusive", IS_POOL, POOL, "-a", "epoll-exclusive"),
    VARIANT("server03_prefork_accept", " reuseport", IS_POOL, POOL, "-a", "reuseport"),
#endif
    VARIANT("server04_fdpass", "", IS_POOL, POOL),
    VARIANT("server04_fdpass", " round-robin", IS_POOL, POOL, "-P", "round-robin"),
    VARIANT("server04_fdpass", " queue", IS_POOL, POOL, "-Q", "2"),
    VARIANT("server05_spawn_pool", "", CREW, POOL),
    VARIANT("server05_spawn_pool", " piped", CREW, POOL, "-d", "piped", "-x", "3"),
    VARIANT("server05_spawn_pool", " auto", CREW, POOL, "-s", "auto", "-M", "2"),
    VARIANT("server05_spawn_pool", " frames", CREW | TAKES_FRAMES, POOL, "-e", "handler_echo"),
    VARIANT("server06_thread", "", 0, SERVER, "-n", "3"),
    VARIANT("server06_thread", " unix", ON_PATH, SERVER, "-i", "./socket", "-v"),
    VARIANT("server07_poll", "", 0, SERVER, "-v"),
    VARIANT("server07_poll", " unix", ON_PATH, SERVER, "-i", "./socket"),
    VARIANT("server07_poll", " inherited", INHERITS, SERVER),
#ifdef __linux__
    VARIANT("server08_epoll", "", IS_POOL, POOL),
    VARIANT("server08_epoll", " edge", IS_POOL, POOL, "-a", "edge"),
    VARIANT("server08_epoll", " reuseport", IS_POOL, POOL, "-a", "reuseport"),
#endif
    VARIANT("server09_prethread", "", 0, SERVER, "-n", "2"),
    VARIANT("server09_prethread", " mutex", 0, SERVER, "-n", "2", "-a", "mutex"),
    VARIANT("server09_prethread", " queue", 0, SERVER, "-n", "2", "-a", "queue"),
    VARIANT("server10_process_threads", "", IS_POOL, POOL, "-t", "2"),
    VARIANT("server10_process_threads", " mutex", IS_POOL, POOL, "-t", "2", "-a", "mutex"),
    VARIANT("server11_event_workers", "", IS_POOL, POOL),
    VARIANT("server11_event_workers", " queue", IS_POOL, POOL, "-Q", "2", "-v"),
    VARIANT("server11_event_workers", " frames", IS_POOL | TAKES_FRAMES, POOL, "-e",
            "handler_echo"),
    VARIANT("server12_shared_memory", "", IS_POOL, POOL),
    VARIANT("server12_shared_memory", " memory", IS_POOL | SHARES, POOL, "-S", "./socket"),
#ifdef __linux__
    VARIANT("server13_io_uring", "", IS_POOL, POOL),
#endif
    VARIANT("client", "", IS_CLIENT, CLIENT, "-t", "4", "-k", "2", "-m", "2"),
    VARIANT("client", " open", IS_CLIENT, CLIENT, "-t", "4", "-r", "400", "-m", "2", "-W",
            "100:100@0.5"),
    VARIANT("client", " hold", IS_CLIENT, CLIENT, "-t", "4", "-H", "3"),
    VARIANT("client", " manners", IS_CLIENT, CLIENT, "-t", "6", "-x", "reset@0.2", "-x",
            "half-close@0.2", "-x", "garbage@0.2"),
    VARIANT("client", " text", IS_CLIENT | SAYS_TEXT, "-T", "3", "-c", "2", "-t", "4", "-v"),
    {.name = NULL},
};
