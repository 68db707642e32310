#include "distribution.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../common/die.h"
#include "histogram.h"

enum {
    FIRST_SIZE = 64,
    ROWS_AT_ONCE = _POSIX_PIPE_BUF / sizeof(struct share), /* a write of so many is atomic */
    ROWS_READ = 1024
};

static bool
is_same(const struct sender *one, const struct sender *other)
{
    return one->child == other->child && one->thread == other->thread && one->pid == other->pid;
}

/* The place of a key, or the free one where it belongs. */
static struct share *
find(const struct distribution *distribution, const struct sender *key)
{
    /* Multiplying by the golden ratio spreads neighbouring numbers over the upper bits. */
    const uint64_t ratio = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = (key->child * ratio ^ key->thread) * ratio ^ key->pid;
    size_t place = (size_t)((hash * ratio) >> 32);

    for (;; place++) {
        struct share *share = &distribution->places[place & (distribution->size - 1)];

        if (share->requests == 0 || is_same(&share->sender, key)) {
            return share;
        }
    }
}

static void
grow(struct distribution *distribution)
{
    struct distribution old = *distribution;

    distribution->size = old.size > 0 ? old.size * 2 : FIRST_SIZE;
    distribution->places = calloc(distribution->size, sizeof *distribution->places);
    if (!distribution->places) {
        die("no memory for %zu children of the server", old.used);
    }
    for (size_t i = 0; i < old.size; i++) {
        if (old.places[i].requests > 0) {
            *find(distribution, &old.places[i].sender) = old.places[i];
        }
    }
    free(old.places);
}

void
distribution_add(struct distribution *distribution, const struct share *share)
{
    struct share *mine;

    /* A quarter stays free: there is always a free place that ends a search. */
    if (distribution->used >= distribution->size / 4 * 3) {
        grow(distribution);
    }
    mine = find(distribution, &share->sender);
    if (mine->requests == 0) {
        mine->sender = share->sender;
        distribution->used++;
    }
    mine->connections += share->connections;
    mine->requests += share->requests;
}

/* --- through the pipe ------------------------------------------------------------------------ */

static bool
write_rows(int pipefd, const struct share *rows, size_t count)
{
    ssize_t written;

    do {
        written = write(pipefd, rows, count * sizeof *rows); /* all or nothing: it is atomic */
    } while (written == -1 && errno == EINTR);
    return written != -1;
}

bool
distribution_send(const struct distribution *distribution, int pipefd)
{
    struct share rows[ROWS_AT_ONCE];
    size_t count = 0;

    for (size_t i = 0; i < distribution->size; i++) {
        if (distribution->places[i].requests > 0) {
            rows[count++] = distribution->places[i];
        }
        if (count == ROWS_AT_ONCE && !write_rows(pipefd, rows, count)) {
            return false;
        }
        count = count == ROWS_AT_ONCE ? 0 : count;
    }
    return count == 0 || write_rows(pipefd, rows, count);
}

bool
distribution_receive(struct distribution *distribution, int pipefd)
{
    static struct share rows[ROWS_READ];
    static size_t have; /* bytes: only writers are promised whole rows */
    ssize_t count = read(pipefd, (char *)rows + have, sizeof rows - have);
    size_t whole;

    if (count == -1) {
        return errno == EINTR || errno == EAGAIN;
    }
    have += (size_t)count;
    whole = have / sizeof *rows;
    for (size_t i = 0; i < whole; i++) {
        distribution_add(distribution, &rows[i]);
    }
    have %= sizeof *rows;
    rows[0] = rows[whole < ROWS_READ ? whole : 0];
    return count > 0;
}

/* --- in the end ------------------------------------------------------------------------------ */

static int
compare(const void *left, const void *right)
{
    const struct sender *one = &((const struct share *)left)->sender;
    const struct sender *other = &((const struct share *)right)->sender;

    if (one->child != other->child) {
        return one->child < other->child ? -1 : 1;
    }
    if (one->pid != other->pid) {
        return one->pid < other->pid ? -1 : 1;
    }
    return one->thread < other->thread ? -1 : one->thread > other->thread;
}

void
distribution_sort(struct distribution *distribution)
{
    size_t count = 0;

    for (size_t i = 0; i < distribution->size; i++) {
        if (distribution->places[i].requests > 0) {
            distribution->places[count++] = distribution->places[i];
        }
    }
    if (count > 0) {
        qsort(distribution->places, count, sizeof *distribution->places, compare);
    }
}

struct evenness
distribution_evenness(const struct distribution *distribution)
{
    struct evenness evenness = {.least = distribution->used > 0 ? UINT64_MAX : 0};
    double count = (double)distribution->used, squares = 0, spread = 0;

    for (size_t i = 0; i < distribution->used; i++) {
        uint64_t connections = distribution->places[i].connections;

        evenness.threads |= distribution->places[i].sender.thread > 0;
        evenness.total += connections;
        evenness.least = connections < evenness.least ? connections : evenness.least;
        evenness.most = connections > evenness.most ? connections : evenness.most;
        squares += (double)connections * (double)connections;
    }
    if (squares > 0) {
        evenness.mean = (double)evenness.total / count;
        evenness.jain = (double)evenness.total * (double)evenness.total / (count * squares);
    }
    for (size_t i = 0; i < distribution->used; i++) {
        double off = (double)distribution->places[i].connections - evenness.mean;

        spread += off * off;
    }
    evenness.deviation = count > 0 ? histogram_root(spread / count) : 0;
    return evenness;
}

void
distribution_close(struct distribution *distribution)
{
    free(distribution->places);
    *distribution = (struct distribution){0};
}
