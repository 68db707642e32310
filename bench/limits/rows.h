/* rows - what can be measured: the table, and a function for each kind of row. */
#ifndef LIMITS_ROWS_H
#define LIMITS_ROWS_H

#include <stddef.h>

struct row {
    const char *name;
    const char *what; /* what is counted: at most 36 columns */
    void (*measure)(int argument);
    int argument;
};

extern const struct row rows[];
extern const size_t rows_count;

/* The row of that name, or NULL. */
const struct row *rows_find(const char *name);

/* Each runs in a process of its own between bench_open() and bench_report(). */

/* connect.c */
enum { SERVE_MANY_CLIENTS = 1, SERVE_MANY_SERVERS = 2 }; /* -n of them, and not one */
void connect_measure(int unused);
void serve_measure(int many);

/* process.c; `mib` is what the process has in memory beside itself */
void fork_measure(int mib);
void fork_static_measure(int unused);
void spawn_measure(int is_static);
void thread_measure(int unused);
extern const char process_exit_name[]; /* argv[0] of a program that is to end at once */
extern const char process_row_name[];  /* and of one that is to measure a row */

/* pass.c */
void pass_measure(int answered);

/* trip.c */
enum trip_way { TRIP_TCP, TRIP_UNIX, TRIP_PIPE };
void trip_measure(int way);
void trip_semaphore_measure(int unused);
void trip_spin_measure(int unused);
void switch_measure(int many);

/* stream.c; `bytes` is the size of each write */
void stream_measure(int bytes);

#endif
