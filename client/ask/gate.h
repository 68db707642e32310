/*
 * gate - -f: a condition that a run must meet, such as p99<50ms; also the bound of -r max@.
 *
 *     [connect.|first_byte.|service.|response.] METRIC OPERATOR VALUE
 *
 * The metrics of a time are min, mean, p25 ... p9999 and max, and their values need a unit: us, ms
 * or s. Which time is meant is said by the word in front; without it the response time in the open
 * loop, the service time in the closed one. The other metrics are numbers without a unit.
 */
#ifndef CLIENT_ASK_GATE_H
#define CLIENT_ASK_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load;
struct totals;

enum {
    GATES_MOST = 16,
    GATE_TEXT = 32 /* room for a value with its unit */
};

enum gate_operator { GATE_LESS, GATE_AT_MOST, GATE_MORE, GATE_AT_LEAST, GATE_EQUAL };

struct gate {
    const char *text; /* as it was given */
    unsigned metric;  /* its place in the table of metrics */
    int latency;      /* enum latency, -1: that of the loop; unused where it is no time */
    enum gate_operator operator;
    double value; /* us where it is a time */
};

/* The value that was found in a run. */
struct judgement {
    bool known;   /* there is a value: without a success, there is no time */
    double value; /* us where it is a time */
    bool holds;   /* false if it is not known */
};

/* Reads `text`, which must outlive the gate; blanks between its parts do not matter. False if it is
 * none: then `*why` is the reason, a static string without a point at its end. */
bool gate_parse(struct gate *gate, const char *text, const char **why);

/* The time that a gate is about ("response"); NULL if it is about a number. */
const char *gate_time(const struct gate *gate, const struct load *load);

/* Looks at a finished run. */
struct judgement gate_judge(const struct gate *gate, const struct load *load,
                            const struct totals *totals);

/* The same, had the client itself begun no connection late. */
struct judgement gate_judge_punctual(const struct gate *gate, const struct load *load,
                                     const struct totals *totals);

/* How many connections a run must have before it tells whether the gate holds: 20 of them beyond
 * its percentile, and enough to see whether a queue grows. */
uint64_t gate_connections(const struct gate *gate);

/* The found value for people, with its unit: "61.2 ms", "0.9931", "980.0/s", "none". It has as many
 * digits as it takes to see on which side of the gate's value it lies: 50.004 ms is not "50.0 ms"
 * where 50 ms is the limit. */
const char *gate_found(const struct gate *gate, const struct judgement *judgement,
                       char text[GATE_TEXT]);

/* True if it can be the bound of a search: its metric gets worse as the rate grows. */
bool gate_is_bound(const struct gate *gate);

/* Why a run of this load cannot have that value at all; NULL if it can. */
const char *gate_unfit(const struct gate *gate, const struct load *load);

/* True if the gate is about failures: then a search allows as many as it says. */
bool gate_is_about_failures(const struct gate *gate);

#endif
