/*
 * board - what the distributor and its handlers have in shared memory, and what a handler inherits
 * to find it. They are different programs: this file and docs/handlers.md are all they have in
 * common, so whatever is changed here needs another BOARD_MAGIC.
 */
#ifndef COMMON_BOARD_H
#define COMMON_BOARD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "scoreboard.h"

/* A handler has these two open, and 0, 1, 2. Its number, from 1, is in the environment. */
enum { HANDLER_CHANNEL = 3, HANDLER_BOARD = 4 };
#define HANDLER_SEAT "HANDLER_SEAT"

enum { BOARD_MAGIC = 0x53503503 };

enum handler_state {
    HANDLER_FREE,     /* nobody is here */
    HANDLER_STARTING, /* the program runs, but does not yet take connections */
    HANDLER_IDLE,     /* it waits for a connection */
    HANDLER_WORKING,  /* it serves one */
    HANDLER_FINISHING /* it leaves, since it has served as many requests as -R allows */
};

/* Invariant: a handler writes its seat while it lives; the distributor writes it before the start
 * and after the end. */
struct seat {
    _Alignas(SLOT_BYTES) atomic_uint state;
    atomic_uint received; /* connections, modulo 2^32 */
    atomic_uint done;     /* of these, how many are over: received - done is 0 or 1 */
};

struct board {
    /* Written by the distributor before it starts the first handler, then by nobody. */
    uint32_t magic;
    uint32_t seats;        /* seat[1..seats]; behind them slots[0..seats] of the scoreboard */
    int32_t distributor;   /* its pid */
    int32_t timeout_ms;    /* -T, rounded up */
    int32_t grace_ms;      /* for a request in progress when the distributor has died */
    uint32_t verbose;      /* -v */
    uint32_t retire_after; /* -R: requests; 0 never */
    uint32_t own_channels; /* 1: a handler that must leave first serves what is in its channel */
    /* Set by the distributor before it sleeps until a handler has changed its state; the handler
     * that sets it back sends SIGCHLD to the distributor. */
    _Alignas(SLOT_BYTES) atomic_uint waits;
    struct seat seat[];
};

static inline size_t
board_size(unsigned seats)
{
    return sizeof(struct board) + (seats + 1) * (sizeof(struct seat) + sizeof(struct slot));
}

static inline struct slot *
board_slots(struct board *board)
{
    return (struct slot *)&board->seat[board->seats + 1];
}

#endif
