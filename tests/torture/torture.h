/*
 * torture - what the parts of the driver have in common. A trial is one run of one program, in one
 * of its ways to work (a variant), in which one call fails; the driver talks to it as clients and
 * an operator would, and judges what it saw.
 */
#ifndef TORTURE_TORTURE_H
#define TORTURE_TORTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault.h"

enum {
    ARGUMENTS_MOST = 16,
    OUT_MOST = 1 << 18, /* bytes of standard output that are kept */
    ERR_MOST = 1 << 13,
    PROBLEMS_MOST = 1200,
    ERRORS_MOST = 32,
    FEW_FDS = 256, /* descriptors: server05 looks at each number that may be one */
    CHILDREN = 2   /* of a pool: -n */
};

enum variant_flags {
    IS_POOL = 1,      /* HUP replaces the children, and one that is killed is started again */
    IS_CREW = 2,      /* TTIN and TTOU */
    TAKES_FRAMES = 4, /* a handler with frames */
    IS_CLIENT = 8,
    ON_PATH = 16,  /* listens on a Unix socket, where a dead server has left one */
    INHERITS = 32, /* LISTEN_FDS */
    SAYS_TEXT = 64, /* no JSON on standard output */
    SHARES = 128    /* memory, at that Unix socket */
};

struct variant {
    const char *name;    /* for -s; the first word is the program's */
    const char *program; /* in the directory of programs */
    int flags;
    const char *arguments[ARGUMENTS_MOST];
};

extern const struct variant variants[]; /* ends with name NULL */

/* What is to fail. */
struct fault {
    int call, nth, what; /* what 0: nothing */
    int for_ms;
    int process;   /* the nth call in such a process, */
    uint32_t site; /* from this place; 0: wherever */
    bool mistake;  /* of the program: "!" in fault.h */
};

/* What an unfaulted run was like. */
struct usual {
    unsigned calls[FAULT_CALLS_COUNT], calls_sum;
    unsigned main_fds, child_fds; /* open descriptors before the end; the most of a child */
    int64_t cpu_us;
};

/* What the driver saw as clients. */
struct tally {
    unsigned connections, good, lost, wrong, hung;
    unsigned asked, answered; /* requests */
    bool ended_early;         /* the server, while it was being used */
    bool no_report;           /* USR1 */
    bool not_served;          /* no good connection after the fault */
    bool zombie;
    unsigned main_fds, child_fds;
    char note[160];
};

/* A running program, and what it has said. */
struct run {
    const struct variant *variant;
    struct fault fault;
    struct fault_state *state;
    char directory[64]; /* its working directory, empty but for what it leaves */
    char path[96];      /* of the Unix socket in it */
    pid_t pid;
    int out_fd, err_fd; /* -1: closed, for nobody has the other end */
    char out[OUT_MOST + 1], err[ERR_MOST + 1];
    size_t out_used, err_used;
    bool ready, ended, over_time;
    int status;
    int port;
    long long dead_socket; /* when its file was made; 0: there was none */
    int64_t began_us, cpu_us;
    int64_t end_by_us;
    struct tally tally;
};

/* --- run.c: processes */
extern const char *run_programs;  /* the directory of programs */
extern const char *run_directory; /* the driver's own, for what the runs leave */
extern bool run_verbose;
void run_open(struct run *run, unsigned worker);
void run_close(struct run *run);
void run_start(struct run *run, const struct variant *variant, const struct fault *fault,
               bool logging);
/* Reads what it says, for at most so many milliseconds; true if something came. */
bool run_listen(struct run *run, int ms);
bool run_await_ready(struct run *run);
bool run_await_end(struct run *run, int ms);
/* Takes away the Unix socket's file; true if the program had made it. */
bool run_left_socket(struct run *run);
/* Ends whatever is left; true if there was something. */
bool run_clear(struct run *run);
bool run_has_ended(struct run *run);
/* Until that process runs no more; it may be a zombie. */
void run_await_death(struct run *run, pid_t pid);
unsigned run_lines(const char *text, size_t used);
/* Zombies, and open descriptors, into its tally. */
void run_look(struct run *run);

/* --- scenario.c */
void scenario_server(struct run *run, const struct usual *usual);
void scenario_client(struct run *run);

/* --- judge.c: writes what is wrong, nothing if all is well */
void judge(struct run *run, const struct usual *usual, char problems[PROBLEMS_MOST]);

/* --- names.c */
const char *name_of_process(int process);
int process_named(const char *name);
const char *name_of_call(int call);
int call_named(const char *name);
const char *errors_of_call(int call);
const char *name_of_error(int what);
const char *text_of_error(int what);
/* What that call may fail with, with what only mistakes bring about or without; how many. */
int faults_of_call(int call, bool mistakes, struct fault faults[ERRORS_MOST]);
/* True if `word` is one of the words of `list`. */
bool has_word(const char *list, const char *word);

#endif
