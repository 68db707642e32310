/*
 * server06_thread - the first thread accepts, and creates a thread for each connection.
 *
 * It is server01_fork with threads. All threads share the memory and the descriptors of the one
 * process: so nobody closes a copy, nobody must be reaped, and whatever a thread forgets (a
 * descriptor, memory, a lock) stays forgotten. The new thread serves its one client, closes the
 * connection and ends; it is detached, for nobody asks how it ended.
 *
 * A thread costs a fraction of a fork: no memory is copied, only a stack is made; -s says how large
 * (README.md shows what that is worth). The model breaks when more clients come than threads can be
 * had: at -n threads the listener waits until one has ended. And no client is safe from another
 * one: a thread that crashes takes the process with it. Compare with server01_fork (the same with
 * processes), and server09_prethread, which creates its threads beforehand.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/options.h"
#include "../common/server.h"
#include "../common/signals.h"
#include "../common/threads.h"

static void serve_clients(void);
static void serve_client(unsigned place, int connfd);
static bool start_thread(unsigned place, int connfd);
static void *thread_main(void *visit);

static const char help[] = "The first thread accepts, and creates a thread for each connection.\n\n"
                           "  -n N        most threads alive at once (default 256)\n"
                           "  -s KIB      stack of a thread, 32 to 1048576 (default 64)\n";

/* STACK_LEAST: 15 KiB were used at most, with a signal's frame of AVX-512; a second one may come on
 * top of it, and AMX would make both larger. */
enum { THREADS = 256, THREADS_MAX = 30000, STACK = 64 << 10, STACK_LEAST = 32 << 10 };

static struct server server = {.stats = {.one_each = true, .threads = true}};
static pthread_attr_t attributes;
static int status = EXIT_SUCCESS;

/* What a new thread must know, by its place, which no other thread has before this one has ended.
 */
static struct visit {
    unsigned place, serial;
    int connfd;
} * visits;

int
main(int argc, char **argv)
{
    int64_t stack = STACK;

    server.options = options_default(THREADS);
    while (server_option(&server, argc, argv, "n:s:", help, THREADS_MAX) != -1) {
        stack = options_quantity('s', optarg, OPTIONS_KIB, STACK_LEAST, 1 << 30);
    }
    server_open(&server, "", false);
    descriptors_raise(2 * THREADS_MAX); /* one table for all threads: as long as it may be */
    server.listenfd = listen_open(&server.options);
    visits = calloc((size_t)server.options.children + 1, sizeof *visits);
    if (!visits) {
        die("memory for %d threads", server.options.children);
    }
    threads_attributes(&attributes, (size_t)stack);
    threads_open(&server, (unsigned)server.options.children);
    server_ready(&server);

    serve_clients();

    listen_remove();
    close(server.listenfd);
    threads_close();
    return server_close(&server, status);
}

/* With -n threads alive it does not come to accept(): the kernel queues, and the end of a thread
 * wakes it. Both calls end when the server is told to stop. */
static void
serve_clients(void)
{
    while (!signals_stop) {
        unsigned place = threads_place();
        int connfd = place > 0 ? accept(server.listenfd, NULL, NULL) : -1;

        if (connfd != -1) {
            counter_add(&server.board.slots[0].wakeups, 1);
            serve_client(place, connfd);
        } else if (place > 0) {
            threads_free(place);
            listen_again(server.listenfd);
        }
    }
}

/* If no thread can be had, the client waits: nobody would be better off if the next one were
 * accepted. */
static void
serve_client(unsigned place, int connfd)
{
    while (!start_thread(place, connfd)) {
        if (signals_over()) {
            warnx("a connection that had been accepted was not served");
            status = EXIT_FAILURE;
            shutdown(connfd, SHUT_WR); /* the client sees the end, not a reset */
            close(connfd);
            threads_free(place);
            return;
        }
        listen_pause();
        server_report_if_asked(&server);
    }
}

static bool
start_thread(unsigned place, int connfd)
{
    static atomic_llong quiet_until;
    static unsigned serial; /* in the stamp: each thread has one of its own */
    struct visit *visit = &visits[place];
    pthread_t thread;
    int error;

    *visit = (struct visit){.place = place, .serial = serial + 1, .connfd = connfd};
    error = pthread_create(&thread, &attributes, thread_main, visit);
    if (error != 0) {
        errno = error;
        warn_seldom(&quiet_until, "pthread_create, trying again");
        return false;
    }
    serial++;
    return true;
}

static void *
thread_main(void *argument)
{
    struct visit visit = *(struct visit *)argument;
    struct worker worker = conn_worker(0, visit.serial, &server.board.slots[visit.place]);

    threads_began(visit.place, &worker); /* now the timekeeper can wake this thread out of read() */
    conn_serve(&worker, visit.connfd);
    close(visit.connfd);
    threads_free(visit.place); /* the last: the next thread may have the place now */
    return NULL;
}
