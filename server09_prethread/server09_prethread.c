/*
 * server09_prethread - threads created beforehand share one listening socket.
 *
 * It is server03_prefork_accept with threads. The first thread opens the socket, creates -n threads
 * and from then on sleeps, but for the statistics. Each does what server00_iterative does: accept,
 * serve, close. -a says how they share the work:
 *     accept  all of them block in accept(), and the kernel wakes one for each connection;
 *     mutex   one at a time: only the thread that holds the mutex may be inside accept();
 *     queue   a further thread, the acceptor, accepts for all; they take from its queue.
 *
 * Cost: no thread is created per connection. It breaks when all threads are busy: then everybody
 * else waits. And a thread that crashes takes the process with it. Compare with server06_thread (a
 * thread per connection) and server03_prefork_accept (the same with processes).
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/server.h"
#include "../common/signals.h"
#include "../common/threads.h"

static void *thread_main(void *place);
static int next_by_accept(struct slot *slot);
static int next_by_mutex(struct slot *slot);
static void accept_for_all(struct slot *slot);
static int next_by_queue(struct slot *slot);
static void start_thread(unsigned place);

static const char help[] =
    "Threads created beforehand share one listening socket.\n\n"
    "  -n N        threads (default 10)\n"
    "  -a WAY      how they share the work: accept (default), mutex, queue\n";

enum { THREADS = 10, THREADS_MAX = 10000, NOBODY = THREADS_MAX + 2, STACK = 64 << 10 };

/* With -a queue the second thread started is the acceptor: so one thread already serves when it
 * accepts. */
static const char *const names[] = {"accept", "mutex", "queue", NULL};
static const struct way {
    int (*next)(struct slot *slot); /* waits for a connection; -1: no more will come */
    unsigned acceptor;              /* its place, or NOBODY: this way has no acceptor */
} ways[] = {{next_by_accept, NOBODY}, {next_by_mutex, NOBODY}, {next_by_queue, 2}};

static struct server server = {.stats = {.threads = true}};
static const struct way *way = ways;
static pthread_attr_t attributes;
static bool accepting;               /* there is an acceptor */
static char places[THREADS_MAX + 2]; /* an address in here tells a thread its place */

/* A ring of descriptors, with room for two for each thread. Two semaphores count: glibc's
 * condition variables lost wake-ups for years (BZ 25847). Invariant: a connection is put in before
 * its item is posted, and an item is taken before its connection. So a thread with an item finds a
 * connection, or the queue has ended. A place is read under the lock: otherwise the acceptor could
 * fill it before it was read. */
static struct {
    int connfds[2 * THREADS_MAX];
    uint64_t in, out; /* how many have been put there, and taken */
    pthread_mutex_t lock;
    sem_t room, items;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

int
main(int argc, char **argv)
{
    unsigned nthreads, place;

    server.options = options_default(THREADS);
    while (server_option(&server, argc, argv, "n:a:", help, THREADS_MAX) != -1) {
        way = &ways[options_word('a', optarg, names)];
    }
    nthreads = (unsigned)server.options.children;
    server_open(&server, names[way - ways], false);
    server.listenfd = listen_open(&server.options);
    descriptors_allow(nthreads, way->acceptor == NOBODY ? 0 : 2 * nthreads); /* served, queued */
    if (sem_init(&queue.room, 0, 2 * nthreads) == -1 || sem_init(&queue.items, 0, 0) == -1) {
        die("semaphores");
    }
    threads_attributes(&attributes, STACK);
    threads_open(&server, nthreads + (way->acceptor != NOBODY));
    server_ready(&server); /* the kernel queues clients already */

    while (!signals_stop) { /* start whoever is missing; with all there, sleep */
        if ((place = threads_place()) != 0) {
            start_thread(place);
        }
    }

    /* Wakes the acceptor; if none was ever started, posts the last item instead of it. */
    sem_post(accepting ? &queue.room : &queue.items);
    listen_remove();
    threads_close();
    return server_close(&server, EXIT_SUCCESS);
}

/* Serving threads are numbered 1 to -n, without the acceptor, which is 0. */
static void *
thread_main(void *argument)
{
    unsigned place = (unsigned)((char *)argument - places);
    unsigned number = place < way->acceptor ? place : place > way->acceptor ? place - 1 : 0;
    struct worker worker = conn_worker(0, number, &server.board.slots[number]);
    int connfd;

    threads_began(place, &worker);
    if (number == 0) {
        accept_for_all(worker.slot);
    }
    while (number > 0 && (connfd = way->next(worker.slot)) != -1) {
        conn_serve(&worker, connfd);
        close(connfd);
    }
    threads_free(place);
    return NULL;
}

/* -a accept. A stop signal may come just before accept(): the timekeeper sends another one. */
static int
next_by_accept(struct slot *slot)
{
    while (!signals_stop) {
        int connfd = accept(server.listenfd, NULL, NULL);

        if (connfd != -1) {
            counter_add(&slot->wakeups, 1);
            return connfd;
        }
        listen_again(server.listenfd);
    }
    return -1;
}

/* -a mutex: one at a time waits in accept(). No signal ends the wait for a mutex, and none must:
 * when the server stops, the thread inside accept() is woken, and lets in the next one, which sees
 * the flag before it calls accept(). */
static int
next_by_mutex(struct slot *slot)
{
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    int connfd;

    pthread_mutex_lock(&turn);
    counter_add(&slot->wakeups, 1); /* from the wait for the mutex; below, from accept() */
    connfd = next_by_accept(slot);
    pthread_mutex_unlock(&turn);
    return connfd;
}

/* -a queue: the acceptor waits for room before it accepts: with none, clients stay in the kernel's
 * backlog. At the end it posts one item more, with which no connection comes. */
static void
accept_for_all(struct slot *slot)
{
    int connfd;

    while (!signals_stop) {
        if (sem_wait(&queue.room) == 0 && (connfd = next_by_accept(slot)) != -1) {
            pthread_mutex_lock(&queue.lock);
            queue.connfds[queue.in++ % (2 * THREADS_MAX)] = connfd;
            pthread_mutex_unlock(&queue.lock);
            sem_post(&queue.items);
        }
    }
    sem_post(&queue.items);
}

/* -a queue: no signal ends this wait, for what is in the queue when the server stops is served; but
 * the item without a connection does, and goes on to the next thread. Room is given back when all
 * could have taken one: else a full queue would wake the acceptor for each connection. */
static int
next_by_queue(struct slot *slot)
{
    int connfd = -1, room = 0;

    while (sem_wait(&queue.items) == -1) {
    }
    pthread_mutex_lock(&queue.lock);
    if (queue.out != queue.in) {
        connfd = queue.connfds[queue.out++ % (2 * THREADS_MAX)];
        room = queue.out % (uint64_t)server.options.children == 0 ? server.options.children : 0;
    }
    pthread_mutex_unlock(&queue.lock);
    while (room-- > 0) {
        sem_post(&queue.room);
    }
    if (connfd == -1) {
        sem_post(&queue.items);
    }
    counter_add(&slot->wakeups, connfd != -1);
    return connfd;
}

/* If it fails, those that are there serve, and main() tries again. */
static void
start_thread(unsigned place)
{
    static atomic_llong quiet_until;
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, thread_main, &places[place]);

    if (error != 0) {
        threads_free(place);
        errno = error;
        warn_seldom(&quiet_until, "pthread_create, trying again");
        listen_pause();
    } else if (place == way->acceptor) {
        accepting = true;
    }
}
