/*
 * advice_test - what the client says of figures: whether a server kept up, and for whom
 * connections waited. Says what is wrong and fails, or says nothing.
 */
#include <string.h>

#include "../../client/report/advice.h"
#include "../helpers/check.h"

enum { EACH = 100 }; /* connections in a quarter */

static struct load load = {.host = "x", .processes = 2, .in_flight = 5};

/* An open loop of two seconds whose response times are so many ms in each quarter: the first half
 * of it, and the second. */
static void
check_kept_up(const char *what, const int ms[2 * QUARTERS], bool kept)
{
    static struct totals totals;

    check_subject = what;
    for (int i = 0; i < QUARTERS; i++) {
        totals.quarters[i] = (struct histogram){.count = 0};
        for (int n = 0; n < EACH; n++) {
            histogram_record(&totals.quarters[i],
                             (int64_t)ms[2 * i + (n >= EACH / 2)] * 1000000 + n);
        }
    }
    CHECK_IS(advice_kept_up(&totals, &load), kept, "kept up");
}

static void
check_queues(void)
{
    load.schedule =
        (struct schedule){.kind = SCHEDULE_OPEN, .rate = 200, .duration_ns = 2000000000};
    check_kept_up("steady", (int[]){50, 50, 50, 50, 50, 50, 50, 50}, true);
    check_kept_up("a queue", (int[]){0, 50, 100, 150, 200, 250, 300, 350}, false);
    check_kept_up("a queue from the middle on", (int[]){5, 5, 5, 5, 50, 100, 150, 200}, false);
    check_kept_up("a queue in steps", (int[]){50, 50, 700, 750, 900, 1400, 1300, 2000}, false);
    check_kept_up("slower from the middle on", (int[]){5, 5, 5, 5, 200, 200, 200, 200}, true);
    check_kept_up("slower a little later", (int[]){5, 5, 5, 5, 5, 200, 200, 200}, true);
    check_kept_up("slower at the end", (int[]){5, 5, 5, 5, 5, 5, 200, 200}, true);
    check_kept_up("a pause, and caught up", (int[]){5, 5, 300, 200, 100, 5, 5, 5}, true);
    check_kept_up("too small to tell", (int[]){5, 5, 6, 6, 7, 7, 8, 8}, true);
}

/* Is there a sentence with these words? */
static bool
says(const struct totals *totals, const char *words)
{
    char text[ADVICE_TEXT];

    for (unsigned i = 0; advice_any(totals, &load, ADVICE_ALL, i, text); i++) {
        if (strstr(text, words)) {
            return true;
        }
    }
    return false;
}

/* How many connections it takes to say something, and nothing is said twice. */
static void
check_counts(void)
{
    static struct totals totals = {.scheduled = 1040, .completed = 998, .room_s = 2541.2};

    check_subject = "few connections";
    for (int i = 0; i < 998; i++) {
        histogram_record(&totals.quarters[i % 2], 1000000);
    }
    CHECK(says(&totals, "in each quarter of the schedule, and the third had 0."), "no quarter");
    for (int i = 0; i < 40; i++) {
        CHECK(!says(&totals, "times service"), "%d response times are enough", i);
        histogram_record(&totals.latencies[LATENCY_SERVICE], 1000000);
        histogram_record(&totals.latencies[LATENCY_RESPONSE], 5000000);
        histogram_record(&totals.latencies[LATENCY_PUNCTUAL], 5000000);
    }
    CHECK(says(&totals, "Response p50 is 5.0 times service p50. Of the 2,541 s that"), "no ratio");
    totals.unsent = 42;
    CHECK(says(&totals, "at 499/s and not at 520/s. Of the 2,541 s that"), "no waiting");
    CHECK(says(&totals, "Response p50 is 5.0 times service p50. Users "), "waiting twice");
}

/* How to start a server is said where this user can. */
static void
check_starting(const char *host, int port, bool said)
{
    static const struct totals totals = {.errors[FAILURE_REFUSED] = 1};

    check_subject = load.host = host;
    load.port = port;
    address_resolve(&load.target, host, port);
    CHECK(says(&totals, "Nobody listens on "), "not even who is not there");
    CHECK_IS(says(&totals, "Start a server there first"), said, "how to start one");
}

/* The server is not blamed for what a client without a processor did not read. */
static void
check_starved(void)
{
    static struct totals totals = {.scheduled = 1000, .unsent = 500, .room_s = 100, .seconds = 2};

    check_subject = "without a processor";
    CHECK(says(&totals, "So the limit was the server"), "no limit");
    totals.starved_s = 1.5; /* of two processes in two seconds */
    CHECK(says(&totals, "So it cannot be told"), "blamed the server");
    CHECK(says(&totals, "(A place counts as taken until"), "room without a reservation");
    CHECK(advice_client_is_limit(&totals, &load), "a search would blame the server");
    totals.starved_s = 3.5;
    CHECK(says(&totals, "this machine was the limit: others had"), "not even this machine");
}

/* What is a moment in a run of a second is half a step of 0.1 s. */
static void
check_moments(void)
{
    struct load search = load;
    struct totals totals = {.scheduled = 100, .last_begun_s = 0.14};

    check_subject = "late at the end";
    search.schedule.duration_ns = 100000000;
    CHECK(advice_on_schedule(&totals, &search), "a short run is late");
    search.bound.text = "max<1s";
    CHECK(!advice_on_schedule(&totals, &search), "a short step of a search is not late");
}

/* That there were many connections is no evidence: connecting must have become slower. */
static void
check_ports(void)
{
    static struct totals totals = {.scheduled = 20000,
                                   .completed = 20000,
                                   .connected = 20000,
                                   .seconds = 1,
                                   .early_connects = 2000};

    load.schedule = (struct schedule){.kind = SCHEDULE_CLOSED};
    for (int i = 0; i < 20000; i++) {
        histogram_record(&totals.latencies[LATENCY_CONNECT], 30000);
    }
    totals.early_connect_us = 2000 * 28;
    CHECK(!says(&totals, "free local port"), "a search that nothing shows");
    totals.early_connect_us = 2000 * 14;
    CHECK(says(&totals, "Connecting took 30 us on average, but 14 us for the first"), "no search");
}

int
main(void)
{
    check_queues();
    check_counts();
    check_starved();
    check_moments();
    check_starting("127.0.0.1", 1024, true);
    check_starting("::1", 1023, false);
    check_starting("192.0.2.1", 2000, false);
    check_ports();
    return EXIT_SUCCESS;
}
