/*
 * server10_process_threads - children forked beforehand, each with threads, share one listening
 * socket.
 *
 * It is server03_prefork_accept whose children are server09_prethread: the parent opens the socket,
 * forks -n children and never sees a connection; each child creates -t threads, and each thread
 * does what server00_iterative does: accept, serve, close. -a says how the threads of a child share
 * the socket:
 *     accept  all of them block in accept(), and the kernel wakes one for each connection;
 *     mutex   one of each child at a time: the thread that holds the child's mutex.
 * A child forks no more once it has threads, and the parent has none: fork() copies only the thread
 * that calls it, with all the locks that others hold.
 *
 * Cost: as server03, and less memory, for threads share it. As many requests can wait at once as
 * there are threads; a crash takes the connections of one child, not all. It breaks when all
 * threads are busy: then everybody else waits. Compare with its two parents.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/pool.h"
#include "../common/server.h"
#include "../common/signals.h"
#include "../common/threads.h"
#include "letters.h"

static void take_options(int argc, char **argv);
static void start_child(unsigned number);
static _Noreturn void child_main(unsigned number);
static void start_thread(unsigned place);
static void *thread_main(void *place);
static int next_connection(struct slot *slot);
static int accept_one(struct slot *slot);

static const char help[] =
    "Children forked beforehand, each with threads, share one listening socket.\n\n"
    "  -n N        children (default 10); HUP replaces them one by one\n"
    "  -t N        threads of each (default 10); 10,000 in all at most\n"
    "  -a WAY      how the threads of a child wait: accept (default), mutex\n";

enum { CHILDREN = 10, THREADS = 10, MOST = 1000, MOST_IN_ALL = 10000, STACK = 64 << 10 };

static struct server server = {.stats = {.threads = true}, .board = {.threads = THREADS}};
static struct pool *pool;
static bool by_mutex; /* -a */
static pthread_attr_t attributes;
static unsigned own_number;   /* of this child */
static char places[MOST + 1]; /* an address in here tells a thread its place */

int
main(int argc, char **argv)
{
    int status = EXIT_SUCCESS;
    unsigned number;

    take_options(argc, argv);
    server_open(&server, by_mutex ? "mutex" : "accept", true);
    server.listenfd = listen_open(&server.options);
    descriptors_allow(server.board.threads, 0);
    threads_attributes(&attributes, STACK);
    pool = pool_open((unsigned)server.options.children);
    server_ready(&server); /* the kernel queues clients already */

    while (!signals_stop) { /* start whoever is missing, sleep until a signal comes */
        if ((number = pool_due(pool)) != 0) {
            start_child(number);
        }
        pool_look(pool, &server);
        if (signals_report) { /* the letters are as new as the rows */
            server.stats.more = letters_text(&server, pool);
        }
        server_report_if_asked(&server);
        pool_wait(pool, &server, -1, -1, -1);
    }

    listen_remove();
    close(server.listenfd);
    while (pool_ending(pool, &server, false, &status)) {
    }
    server.stats.more = letters_text(&server, pool);
    return server_close(&server, status);
}

static void
take_options(int argc, char **argv)
{
    static const char *const ways[] = {"accept", "mutex", NULL};
    int letter;

    server.options = options_default(CHILDREN);
    while ((letter = server_option(&server, argc, argv, "n:t:a:", help, MOST)) != -1) {
        if (letter == 't') {
            server.board.threads = (unsigned)options_number('t', optarg, 1, MOST);
        } else {
            by_mutex = options_word('a', optarg, ways) == 1;
        }
    }
    if ((unsigned)server.options.children * server.board.threads > MOST_IN_ALL) {
        die_usage("-n %d -t %u: at most %d threads in all are allowed", server.options.children,
                  server.board.threads, MOST_IN_ALL);
    }
}

static void
start_child(unsigned number)
{
    pid_t pid = fork();

    if (pid == 0) {
        child_main(number);
    }
    pool_started(pool, number, pid);
}

/* The child's first thread starts the others, then sleeps; SIGALRM wakes it, to see whether the
 * parent lives. After HUP or TERM each thread leaves between two connections, and then the child.
 */
static _Noreturn void
child_main(unsigned number)
{
    struct slot *slots = scoreboard_child(&server.board, number); /* one for each thread */
    unsigned place;

    own_number = number;
    server_child(&server, number, slots);
    signals_block(&server.waiting);
    threads_open(&server, server.board.threads);
    while (!signals_stop && !signals_replace) {
        if ((place = threads_place()) != 0) {
            start_thread(place);
        }
        scoreboard_publish(slots);
    }
    threads_close();
    scoreboard_publish(slots);
    _exit(EXIT_SUCCESS);
}

/* If it fails, those that are there serve, and child_main() tries again. */
static void
start_thread(unsigned place)
{
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, thread_main, &places[place]);

    if (error != 0) {
        threads_free(place);
        errno = error;
        warn_seldom(&pool->quiet_until, "pthread_create, trying again"); /* one child, for all */
        listen_pause();
    }
}

static void *
thread_main(void *argument)
{
    unsigned place = (unsigned)((char *)argument - places);
    struct slot *slot = scoreboard_child(&server.board, own_number) + place - 1;
    struct worker worker = conn_worker(own_number, place, slot);
    int connfd;

    threads_began(place, &worker);
    while ((connfd = next_connection(slot)) != -1) {
        conn_serve(&worker, connfd);
        close(connfd);
    }
    threads_free(place);
    return NULL;
}

/* Returns -1 when the child must leave. No signal ends the wait for the mutex, and none must: then
 * the thread inside accept() is woken, and lets in the next one, which sees the flag. The mutex is
 * one child's: that of all children (server03 -a lock-mutex) a stopped child could hold. */
static int
next_connection(struct slot *slot)
{
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    int connfd;

    if (!by_mutex) {
        return accept_one(slot);
    }
    pthread_mutex_lock(&turn);
    counter_add(&slot->wakeups, 1); /* from the wait for the mutex; below, from accept() */
    connfd = accept_one(slot);
    pthread_mutex_unlock(&turn);
    return connfd;
}

/* A signal may come just before accept(): the timekeeper sends another one. */
static int
accept_one(struct slot *slot)
{
    while (!signals_stop && !signals_replace) {
        int connfd = accept(server.listenfd, NULL, NULL);

        if (connfd != -1) {
            counter_add(&slot->wakeups, 1);
            return connfd;
        }
        listen_again(server.listenfd);
    }
    return -1;
}
