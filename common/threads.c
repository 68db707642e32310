#include "threads.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/select.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "signals.h"

enum { SECOND_US = 1000 * 1000, STOP_US = 100 * 1000 };

/* Invariant: the free places form a list, from `next_free` on by `next`, the last one freed first:
 * its memory, and its thread's stack, are the warmest. */
static struct place {
    pthread_t thread;
    const struct worker *worker; /* of the thread, which may be sent a signal; NULL: no thread */
    unsigned next;
} * places;
static unsigned next_free, places_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the above */

static sem_t free_places; /* not a condition variable: glibc's lost wake-ups for years (BZ 25847) */
static struct server *server;
static pthread_t opener, timekeeper;
static atomic_bool closing;

/* All when this process must leave, else those whose connection has had its time; and the opener,
 * when statistics are asked for. The signal may come when its thread is about to block, too early;
 * the next one does not. */
static void
wake_threads(void)
{
    bool stops = signals_stop || signals_replace;
    int64_t now = clock_us();

    if (stops || signals_report) {
        pthread_kill(opener, SIGALRM);
    }
    pthread_mutex_lock(&lock);
    for (unsigned i = 1; i <= places_count; i++) {
        const struct place *place = &places[i];

        if (place->worker && (stops || now >= place->worker->due)) {
            pthread_kill(place->thread, SIGALRM);
        }
    }
    pthread_mutex_unlock(&lock);
}

/* SIGALRM is blocked here but within pselect(), as all others are: so that of threads_close() is
 * not lost. Nothing else in here may wait: who would wake the others, and this thread? */
static void *
keep_time(void *unused)
{
    sigset_t alarm;

    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, NULL);
    while (!closing) {
        bool hurries = signals_stop || signals_report || signals_replace;
        const struct timespec pause = clock_timespec(hurries ? STOP_US : SECOND_US);

        if (pselect(0, NULL, NULL, NULL, &pause, &server->waiting) == -1) {
            signals_wait_failed(&server->waiting);
        }
        wake_threads();
    }
    return unused;
}

void
threads_open(struct server *of, unsigned most)
{
    int error;

    server = of;
    opener = pthread_self();
    places_count = most;
    places = calloc(most + 1, sizeof *places);
    if (!places || sem_init(&free_places, 0, 0) == -1) {
        die("places for %u threads", most);
    }
    for (unsigned i = most; i > 0; i--) {
        threads_free(i);
    }
    error = pthread_create(&timekeeper, NULL, keep_time, NULL);
    if (error != 0) {
        die_error(error, "pthread_create");
    }
}

void
threads_attributes(pthread_attr_t *attributes, size_t stack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE); /* POSIX allows systems to insist on whole ones */
    int error = pthread_attr_init(attributes);

    if (error == 0) {
        error = pthread_attr_setdetachstate(attributes, PTHREAD_CREATE_DETACHED);
    }
    if (error == 0) {
        error = pthread_attr_setstacksize(attributes, (stack + page - 1) / page * page);
    }
    if (error != 0) {
        die_error(error, "a stack of %zu bytes", stack);
    }
}

unsigned
threads_place(void)
{
    unsigned place;

    server_report_if_asked(server);
    if (sem_wait(&free_places) == -1) {
        return 0;
    }
    if (signals_stop || signals_replace) { /* which has made the place free, perhaps */
        sem_post(&free_places);
        return 0;
    }
    pthread_mutex_lock(&lock);
    place = next_free;
    next_free = places[place].next;
    pthread_mutex_unlock(&lock);
    return place;
}

void
threads_free(unsigned place)
{
    pthread_mutex_lock(&lock);
    places[place].worker = NULL;
    places[place].next = next_free;
    next_free = place;
    pthread_mutex_unlock(&lock);
    sem_post(&free_places);
}

void
threads_began(unsigned place, const struct worker *worker)
{
    pthread_mutex_lock(&lock);
    places[place].thread = pthread_self();
    places[place].worker = worker;
    pthread_mutex_unlock(&lock);
}

void
threads_close(void)
{
    pthread_kill(timekeeper, SIGALRM); /* it has not seen the flag, if the tick has set it */
    for (unsigned free = 0; free < places_count;) {
        free += sem_wait(&free_places) == 0;
    }
    closing = true;
    pthread_kill(timekeeper, SIGALRM);
    pthread_join(timekeeper, NULL);
}
