/*
 * distribution - who served whom: connections and requests per child of the server, or per thread
 * of its children, as the stamps in the replies tell. A hash table that grows: some servers start a
 * child or a thread for each connection.
 */
#ifndef CLIENT_FIGURES_DISTRIBUTION_H
#define CLIENT_FIGURES_DISTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who sends replies: a child, or a thread of it (0: the child has no threads that serve). */
struct sender {
    uint64_t child, thread, pid;
};

struct share {
    struct sender sender; /* the key */
    uint64_t connections; /* whose first reply it sent */
    uint64_t requests;    /* 0: the place is free */
};

struct distribution {
    struct share *places; /* `size` of them, a power of two; once sorted, the first `used` */
    size_t size, used;
};

/* How even it is, in connections per sender. */
struct evenness {
    bool threads; /* there are threads among the senders */
    uint64_t total, least, most;
    double mean, deviation;
    double jain; /* 1: all served the same; 1/senders: one served all */
};

bool distribution_same(const struct sender *one, const struct sender *other);

/* Adds to a sender's row; dies if there is no memory. */
void distribution_add(struct distribution *distribution, const struct share *share);

/* Writes all rows into a pipe that other processes write into too. Each write is whole rows and at
 * most PIPE_BUF bytes, so they never mix. False if the reader has gone. */
bool distribution_send(const struct distribution *distribution, int pipefd);

/* Reads some rows from the pipe: false at its end. */
bool distribution_receive(struct distribution *distribution, int pipefd);

/* Sorts by child, pid, thread. Nothing can be added after that. */
void distribution_sort(struct distribution *distribution);

struct evenness distribution_evenness(const struct distribution *distribution);

void distribution_close(struct distribution *distribution);

#endif
