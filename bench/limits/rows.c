#include "rows.h"

#include <string.h>

/* In this order they are measured and printed. */
const struct row rows[] = {
    {"tcp_connect", "connect, accept, close: one process", connect_measure, 0},
    {"serve_1_1", "4 KiB served: 1 client, 1 server", serve_measure, 0},
    {"serve_n_1", "the same: n clients, 1 server", serve_measure, SERVE_MANY_CLIENTS},
    {"serve_1_n", "the same: 1 client, n servers", serve_measure, SERVE_MANY_SERVERS},
    {"serve_n_n", "the same: n clients, n servers", serve_measure,
     SERVE_MANY_CLIENTS | SERVE_MANY_SERVERS},
    {"fork", "fork, exit, wait: a small process", fork_measure, 0},
    {"fork_static", "the same, statically linked", fork_static_measure, 0},
    {"fork_16m", "fork with 16 MiB in memory", fork_measure, 16},
    {"fork_128m", "fork with 128 MiB in memory", fork_measure, 128},
    {"spawn", "posix_spawn, exit, wait", spawn_measure, 0},
    {"spawn_static", "the same, statically linked", spawn_measure, 1},
    {"thread", "pthread_create, pthread_join", thread_measure, 0},
    {"fdpass", "descriptors passed, one way", pass_measure, 0},
    {"fdpass_answer", "the same, each answer awaited", pass_measure, 1},
    {"trip_tcp", "round trips over TCP", trip_measure, TRIP_TCP},
    {"trip_unix", "round trips over a Unix socket", trip_measure, TRIP_UNIX},
    {"trip_pipe", "round trips over two pipes", trip_measure, TRIP_PIPE},
    {"trip_semaphore", "round trips by shared semaphores", trip_semaphore_measure, 0},
    {"trip_spin", "round trips, spinning on memory", trip_spin_measure, 0},
    {"switch_1", "context switches, 1 pair over pipes", switch_measure, 0},
    {"switch_n", "the same, n pairs: no CPU sleeps", switch_measure, 1},
    {"stream_4k", "MiB over TCP, writes of 4 KiB", stream_measure, 4 * 1024},
    {"stream_256k", "MiB over TCP, writes of 256 KiB", stream_measure, 256 * 1024},
};
const size_t rows_count = sizeof rows / sizeof rows[0];

const struct row *
rows_find(const char *name)
{
    for (size_t i = 0; i < rows_count; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}
