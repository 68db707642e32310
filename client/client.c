/*
 * client - the load generator: drives the servers of this suite, and others of their protocol, and
 * tells who served whom, how fast, and what failed.
 *
 * ask/ - The options (this file) become a load: schedule, work, misbehaviour, message, gates.
 *
 * engine/ - This process forks -c client processes, opens a gate for all of them at once, and waits
 * (processes.c). Each makes its connections (worker.c: one at a time; event_loop.c: many) when it
 * is time for them (pacing.c), step by step (connection.c), and verifies every byte (verify.c),
 * by HTTP behind a head (head.c).
 *
 * figures/ - Each process counts in shared memory, which it alone writes (tally.h), and sends
 * through a pipe how often it met which child of the server (distribution.c). This process adds all
 * up (totals.c).
 *
 * report/ - This process says what the figures mean (advice.c) and prints them.
 *
 * Without -r it is a closed loop: the next connection begins when one has ended. It shows the speed
 * of a server, not the waiting of users when more of them come than it can serve. With -r it is an
 * open loop: connections begin when they are due, and the time that they were late counts.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../common/address.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/options.h"
#include "ask/get.h"
#include "ask/message.h"
#include "ask/number.h"
#include "engine/idle.h"
#include "engine/local_address.h"
#include "engine/processes.h"
#include "engine/search.h"
#include "report/report.h"

static void take_options(int argc, char **argv);
static void take_message(void);
static void complete_load(void);
static void open_histogram(void);
static void raise_descriptors(void);
static struct trial *run_once(void);
static int finish(struct trial *trial);

enum {
    SPARE_DESCRIPTORS = 16, /* besides those of connections */
    MOST_IN_FLIGHT = 65536,
    MOST_HELD = 65536,
    MOST_COUNT = 1000 * 1000 * 1000,
    MOST_LABEL = 80,
    BYTES_DEFAULT = 3000,
    CONNECTIONS_DEFAULT = 500,
    IN_FLIGHT_OPEN = 100 /* without -m: an open loop needs room for slow connections */
};

static const char help[] =
    "Makes connections to a server and tells who served them, how fast, and what\n"
    "failed.\n"
    "\n"
    "  -i HOST     address, name, or a path containing '/' for a Unix socket\n"
    "              (default 127.0.0.1); shm:PATH: by memory, from server12 -S PATH\n"
    "  -p PORT     TCP port (default 2000)\n"
    "  -c N        client processes (default 5)\n"
    "  -t N        connections of each process (default 500)\n"
    "  -d TIME     run for so long, such as 10 or 500ms, in place of -t\n"
    "  -r RATE     open loop: begin so many connections per second, in all, whatever\n"
    "              the server does; FROM:TO grows from one rate to the other in\n"
    "              the time of -d; max@BOUND, such as max@p99<5ms, looks for the\n"
    "              highest rate that keeps a bound (see -f)\n"
    "  -m N        connections that each process keeps in flight (default 1; 100\n"
    "              with -r)\n"
    "  -b SIZE     bytes of each reply (default 3000)\n"
    "  -k N        requests on each connection, one after the other (default 1)\n"
    "  -W WORK     ask for work, CPU[:WAIT][@SHARE]: time to compute, and to wait,\n"
    "              before the reply, in microseconds or with a unit, in SHARE of the\n"
    "              requests (default 1); up to 7 times, and the rest is plain\n"
    "  -P PROTOCOL lines (default) or http\n"
    "  -u PATH     ask for PATH, by HTTP, in place of BYTES; what has no stamp is\n"
    "              only counted\n"
    "  -x HOW      misbehave on some connections, HOW[@SHARE], reported apart; up to\n"
    "              8 times: slow-send=BYTES, slow-read=BYTES (per second),\n"
    "              half-close, reset, silent, garbage\n"
    "  -H N        hold N idle connections open beside all others\n"
    "  -S SEED     which requests and connections -W and -x are for; the same seed\n"
    "              is the same choice (default 1)\n"
    "  -M TEXT     send TEXT, or what is in @FILE, as a frame, in place of the line\n"
    "              with BYTES\n"
    "  -E TEXT     what the reply to -M must be: TEXT, or what is in @FILE (default:\n"
    "              anything but nothing)\n"
    "  -T TIME     give up on a connection if connecting and a reply take longer\n"
    "              (default 10, 0 never); every further request has as long again\n"
    "  -f GATE     fail unless it holds, such as 'p99<50ms', 'failed==0' or\n"
    "              'rate>=1000'; up to 16 times. Times, in us, ms or s: min mean p25\n"
    "              p50 p75 p90 p95 p99 p999 p9999 max, of service (-r: response);\n"
    "              of another one with connect. first_byte. service. or response. in\n"
    "              front. Numbers: failed unsent completed rate children jain held\n"
    "  -L LABEL    the run's name, in the report\n"
    "  -o FORMAT   the report as text (default), json, csv or live (json, behind a\n"
    "              line per half second); hdr=FILE writes a histogram file as well\n"
    "  -q          say only what went wrong\n"
    "  -v          say more: percentiles, client processes, seconds; with -M print\n"
    "              the replies\n"
    "  -h          this help, as --help\n"
    "  -V          the version, as --version\n"
    "\n"
    "A TIME is in seconds, or has a unit: us, ms, s, m. A SIZE, and BYTES of -x, may\n"
    "have k, M or G (1024).\n"
    "\n"
    "Every byte of every reply is verified; of replies to -M, if there is -E. Ctrl-C\n"
    "stops the load and still reports: connections under way get a second, then they\n"
    "count as failed (other); a second Ctrl-C ends at once.\n"
    "Exit status: 0 all good, 1 something failed, a gate is broken or it was\n"
    "interrupted, 2 wrong usage, 3 nothing could connect, 4 this machine was the\n"
    "limit.\n"
    "\n"
    "  client -c 15 -t 100 -b 4k              15 processes, 100 each\n"
    "  client -r 2000 -d 10                   an open loop: how long do users wait?\n"
    "  client -r 'max@p99<5ms'                how many per second can it serve so?\n"
    "  client -i ::1 -P http -k 1000 -t 1     few connections, many requests\n"
    "  client -i ./a.sock -o json             a Unix socket, a report for programs\n"
    "  client -t 2000 -W 20ms@0.01            20 ms of work in 1 % of the requests\n"
    "  client -d 10 -x silent@0.01 -H 100     does it protect its good clients?\n"
    "  client -p 80 -u /index.html            any server of HTTP\n"
    "  client -c 4 -M @question -E @answer    frames, and what must come back\n"
    "  client -q -v -c 1 -t 1 -M hello        one frame, and its reply on stdout\n";

static struct load load = {
    .host = "127.0.0.1",
    .port = 2000,
    .processes = 5,
    .requests = 1,
    .timeout_ns = (int64_t)10 * NUMBER_BILLION,
    .seed = 1,
};
static bool seeded;     /* there is a -S */
static bool formatted;  /* there is a -o that is not hdr=FILE */
static FILE *histogram; /* of -o hdr=FILE; NULL: there is none */

int
main(int argc, char **argv)
{
    struct trial *trial;

    die_begin(argv[0]);
    take_options(argc, argv);
    get_complete(&load);
    take_message();
    complete_load();
    address_resolve(&load.target, load.host, load.port);
    open_histogram();
    processes_catch_signals();
    raise_descriptors();
    local_address_open(&load);

    idle_start(&load);
    trial = load.schedule.kind == SCHEDULE_SEARCH ? search_run(&load) : run_once();
    processes_end();
    idle_end();
    return finish(trial);
}

/* --- the command line ------------------------------------------------------------------------ */

static void
take_host(const char *host)
{
    if (*host == '\0') {
        die_usage("-i '': an address, a name or a path is allowed; for example -i 127.0.0.1");
    }
    load.attaches = strncmp(host, "shm:", 4) == 0;
    load.host = host + (load.attaches ? 4 : 0);
    if (load.attaches && !strchr(load.host, '/')) {
        die_usage("-i '%.60s': shm: and a path containing '/' is allowed; for example "
                  "-i shm:/tmp/server12",
                  host);
    }
}

static void
take_label(const char *label)
{
    if (*label == '\0' || strlen(label) > MOST_LABEL) {
        die_usage("-L '%.60s': 1 to %d bytes are allowed; for example -L before", label,
                  MOST_LABEL);
    }
    load.label = label;
}

static void
take_format(const char *format)
{
    static const char *const names[] = {"text", "json", "csv", "live"}; /* by enum format */
    static const char file[] = "hdr=";

    if (strncmp(format, file, strlen(file)) == 0 && format[strlen(file)] != '\0') {
        if (load.histogram) {
            die_usage("-o '%.60s': there is one file already, only one is allowed", format);
        }
        load.histogram = format + strlen(file);
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(format, names[i]) == 0) {
            if (formatted && load.format != (enum format)i) {
                die_usage("-o '%s' with -o %s: one report has one form", format,
                          names[load.format]);
            }
            formatted = true;
            load.format = (enum format)i;
            return;
        }
    }
    die_usage("-o '%.60s': text, json, csv, live or hdr=FILE is allowed; for example -o json",
              format);
}

static void
parse_gate(struct gate *gate, const char *option, const char *value)
{
    const char *why;

    if (!gate_parse(gate, value, &why)) {
        die_usage("%s%.60s': %s; for example %sp99<50ms'", option, value, why, option);
    }
}

static void
take_gate(const char *value)
{
    if (load.gate_count == GATES_MOST) {
        die_usage("-f '%.60s': at most %d of them are allowed", value, GATES_MOST);
    }
    parse_gate(&load.gates[load.gate_count++], "-f '", value);
}

/* How many connections, when, and what must hold. */
static void
take_schedule(int letter)
{
    switch (letter) {
    case 't':
        load.connections = (uint64_t)options_number('t', optarg, 1, MOST_COUNT);
        break;
    case 'd':
        load.schedule.duration_ns = schedule_take_time('d', optarg, 1000);
        break;
    case 'r':
        schedule_take_rate(&load.schedule, optarg);
        break;
    case 'H':
        load.held = (unsigned)options_number('H', optarg, 1, MOST_HELD);
        break;
    case 'S':
        load.seed = (uint32_t)options_quantity('S', optarg, OPTIONS_NUMBER, 0, UINT32_MAX);
        seeded = true;
        break;
    case 'f':
        take_gate(optarg);
        break;
    default:
        options_rest(letter, help);
    }
}

/* What to ask on each connection. */
static void
take_request(int letter)
{
    switch (letter) {
    case 'b':
        load.bytes = (uint64_t)options_quantity('b', optarg, OPTIONS_SIZE, 1, CONN_BYTES_MAX);
        break;
    case 'k':
        load.requests = (uint64_t)options_number('k', optarg, 1, MOST_COUNT);
        break;
    case 'W':
        work_take(&load.work, optarg);
        break;
    case 'x':
        misbehave_take(&load.misbehaviours, optarg);
        break;
    case 'P':
        get_take_protocol(&load, optarg);
        break;
    case 'u':
        get_take_path(&load, optarg);
        break;
    case 'M':
        load.message = optarg;
        break;
    case 'E':
        load.expected = optarg;
        break;
    default:
        take_schedule(letter);
    }
}

static void
take_option(int letter)
{
    switch (letter) {
    case 'i':
        take_host(optarg);
        break;
    case 'p':
        load.port = (int)options_number('p', optarg, 1, 65535);
        break;
    case 'c':
        load.processes = (unsigned)options_number('c', optarg, 1, PROCESSES_MOST);
        break;
    case 'm':
        load.in_flight = (unsigned)options_number('m', optarg, 1, MOST_IN_FLIGHT);
        break;
    case 'T':
        load.timeout_ns = schedule_take_time('T', optarg, 0);
        break;
    case 'L':
        take_label(optarg);
        break;
    case 'o':
        take_format(optarg);
        break;
    case 'q':
        load.quiet = true;
        break;
    case 'v':
        load.verbose = true;
        break;
    default:
        take_request(letter);
    }
}

static void
take_options(int argc, char **argv)
{
    static const char letters[] = ":i:p:c:t:d:r:m:b:k:W:P:u:x:H:S:M:E:T:f:L:o:qvhV";
    int letter;

    while ((letter = options_next(argc, argv, letters)) != -1) {
        take_option(letter);
    }
    options_end(argc, argv);
}

/* -M and -E, and the options that do not go with them. */
static void
take_message(void)
{
    if (!load.message && load.expected) {
        die_usage("-E '%.60s' without -M: only the reply to a message is compared with it",
                  load.expected);
    }
    if (!load.message) {
        load.bytes = load.bytes > 0 || load.path ? load.bytes : BYTES_DEFAULT;
        return;
    }
    if (load.work.lots.count > 0) {
        die_usage("-W with -M: a message does not ask for work");
    }
    if (load.misbehaviours.lots.count > 0) {
        die_usage("-x with -M: only the clients of requests for bytes misbehave");
    }
    if (load.bytes > 0) {
        die_usage("-b with -M: a message does not ask for a number of bytes");
    }
    if (load.requests > 1) {
        die_usage("-k with -M: a connection carries one message, only -k 1 is allowed");
    }
    message_open(&load);
}

/* -r max: its steps need a length, and its bound must be one. */
static void
complete_search(void)
{
    if (load.connections > 0) {
        die_usage("-t with -r max: a step lasts a time, not a number of connections; for example "
                  "-d 1");
    }
    if (load.schedule.duration_ns == 0) {
        load.schedule.duration_ns = (int64_t)SEARCH_SECONDS * 1000000000;
    }
    parse_gate(&load.bound, "-r 'max@", load.schedule.bound);
    if (!gate_is_bound(&load.bound)) {
        die_usage("-r 'max@%.60s': a bound is a time, or failed, with < or <= (failed "
                  "also with ==); for example -r 'max@p99<5ms'",
                  load.schedule.bound);
    }
    if (gate_unfit(&load.bound, &load)) {
        die_usage("-r 'max@%.60s': %s", load.schedule.bound, gate_unfit(&load.bound, &load));
    }
}

/* Gates that no run of this load could pass. */
static void
complete_gates(void)
{
    for (unsigned i = 0; i < load.gate_count; i++) {
        const char *why = gate_unfit(&load.gates[i], &load);

        if (why) {
            die_usage("-f '%.60s': %s", load.gates[i].text, why);
        }
    }
}

/* An open loop with -t must end within a day. */
static void
complete_count(void)
{
    uint64_t seconds = load_total(&load) / load.schedule.rate;

    if (seconds > SCHEDULE_SECONDS_MOST) {
        die_usage("-t with -r: that would take %llu s, more than a day; for example -d 10",
                  (unsigned long long)seconds);
    }
}

/* Checks and completes options that depend on each other. */
static void
complete_load(void)
{
    struct schedule *schedule = &load.schedule;

    if (seeded && load.work.lots.count == 0 && load.misbehaviours.lots.count == 0) {
        die_usage("-S without -W or -x: nothing else is drawn by lot");
    }
    if (schedule->kind == SCHEDULE_SEARCH) {
        complete_search();
    }
    if (schedule->duration_ns > 0 && load.connections > 0) {
        die_usage("-d with -t: a run lasts a time or a number of connections, not both");
    }
    if (schedule->kind == SCHEDULE_RAMP && schedule->duration_ns == 0) {
        die_usage("-r FROM:TO without -d: how long is the rate to take for it? For example -d 10");
    }
    if (schedule->duration_ns == 0 && load.connections == 0) {
        load.connections = CONNECTIONS_DEFAULT;
    }
    if (load_is_open(&load) && load.connections > 0) {
        complete_count();
    }
    if (load.in_flight == 0) {
        load.in_flight = load_is_open(&load) ? IN_FLIGHT_OPEN : 1;
    }
    if (load.attaches && (load.in_flight > 1 || load_is_open(&load) || load.message ||
                          load.held > 0 || load.misbehaviours.lots.count > 0)) {
        die_usage("-i shm:PATH with -m, -r, -x, -H or -M: a process shares the memory of one "
                  "child, for one connection at a time");
    }
    complete_gates();
}

/* --- before the start ------------------------------------------------------------------------ */

/* Before the load, so that nobody waits for a run whose file cannot be written. */
static void
open_histogram(void)
{
    if (load.histogram) {
        histogram = fopen(load.histogram, "w");
        if (!histogram) {
            die("cannot write '%s'", load.histogram);
        }
    }
}

/* Asks for as many as are needed. If fewer are allowed and do not suffice, the report says so. */
static void
raise_descriptors(void)
{
    rlim_t beside = load.misbehaviours.lots.count > 0 ? MISBEHAVE_AT_ONCE : 0;
    rlim_t needed = (rlim_t)load.in_flight + beside;
    struct rlimit limit;

    needed = (load.held > needed ? load.held : needed) + SPARE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= needed) {
        return;
    }
    limit.rlim_cur =
        limit.rlim_max == RLIM_INFINITY || limit.rlim_max > needed ? needed : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static struct trial *
run_once(void)
{
    static struct trial trial;

    trial.load = load;
    trial.tallies = tallies_open(&load);
    processes_run(&trial.load, trial.tallies, &trial.totals);
    return &trial;
}

/* --- the report ------------------------------------------------------------------------------ */

static void
judge(struct trial *trial)
{
    for (unsigned i = 0; i < load.gate_count; i++) {
        struct judgement *judgement = &trial->totals.judgements[i];

        *judgement = gate_judge(&load.gates[i], &trial->load, &trial->totals);
        trial->totals.broken += !judgement->holds;
    }
}

/* A table has no place for broken gates. */
static void
warn_of_gates(const struct trial *trial)
{
    char found[GATE_TEXT];

    for (unsigned i = 0; i < load.gate_count; i++) {
        const struct judgement *judgement = &trial->totals.judgements[i];

        if (!judgement->holds) {
            warnx("gate broken: %s, but it is %s", load.gates[i].text,
                  gate_found(&load.gates[i], judgement, found));
        }
    }
}

static void
report(const struct trial *trial)
{
    switch (load.format) {
    case FORMAT_TEXT:
        report_text(&trial->load, &trial->totals, trial->tallies);
        break;
    case FORMAT_JSON:
    case FORMAT_LIVE:
        report_json(&trial->load, &trial->totals, trial->tallies);
        break;
    case FORMAT_CSV:
        report_csv(&trial->load, &trial->totals);
        break;
    }
    if (fflush(stdout) == EOF || ferror(stdout)) {
        die("cannot write the report");
    }
    if (load.format == FORMAT_CSV) {
        warn_of_gates(trial);
    }
}

static int
finish(struct trial *trial)
{
    const struct histogram *times = &trial->totals.latencies[tally_latency(&load)];
    int status;

    judge(trial);
    report(trial);
    if (histogram && !report_hdr(histogram, times)) {
        die("cannot write '%s'", load.histogram);
    }
    for (unsigned i = 0; i < load.processes; i++) {
        if (trial->tallies[i].unprinted != 0) {
            die_error(trial->tallies[i].unprinted, "cannot print the replies");
        }
    }
    status = totals_status(&trial->totals);
    totals_close(&trial->totals);
    tallies_close(&load, trial->tallies);
    return status;
}
