/*
 * fuzz_client - client/client.c and the readers of its options' values in client/ask: work,
 * misbehave, schedule, lottery, number, gate, get, message.
 *
 * under test: client/ask/work.c client/ask/misbehave.c client/ask/schedule.c
 * under test: client/ask/lottery.c client/ask/get.c
 *
 * An input is a command line, its arguments on lines, and the contents of the files that -M and -E
 * may name. If it is taken every value must be in range and what the options promise each other
 * must hold: shares add up to 1, schedules and their inverse agree. The same options, written anew
 * from the values, must mean the same.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dying.h"

enum { TEXT_MOST = 4000, KEPT_MOST = 64 };

/* The file that -M @ and -E @ name: there is one, whatever its name; the peer's text is in it. */
static struct {
    bool missing, broken;
    off_t size; /* as fstat() tells it, which may be wrong */
} named_file;

static void *kept[KEPT_MOST]; /* memory that the code under test keeps to its end */
static size_t kept_count;

static int
open_file_of(const char *path, ...)
{
    (void)path;
    peer.at = 0;
    return named_file.missing ? -1 : 1000;
}

static int
size_of(struct stat *status)
{
    memset(status, 0, sizeof *status);
    status->st_mode = S_IFREG;
    status->st_size = named_file.size;
    return 0;
}

static ssize_t
feed_read(void *bytes, size_t size)
{
    ssize_t count = -1;

    while (!named_file.broken && count == -1) { /* no read() of a file is interrupted */
        count = peer_read(bytes, size);
    }
    return count;
}

static void *
kept_realloc(void *old, size_t size)
{
    size_t i = 0;

    while (i < kept_count && kept[i] != old) {
        i++;
    }
    CHECK(i < KEPT_MOST, "too much is allocated");
    kept[i] = realloc(old, size);
    kept_count += i == kept_count;
    CHECK(kept[i], "no memory");
    return kept[i];
}

#define exit(status) dying_politely(status)
#define printf(...) dying_no_text(__VA_ARGS__)
#define MOST_SECONDS MOST_SECONDS_OF_SERVERS
#include "../../common/options.c"
#undef MOST_SECONDS
#undef exit
#undef printf

#define open(...) open_file_of(__VA_ARGS__)
#define fstat(fd, status) size_of(status)
#define read(fd, bytes, size) feed_read(bytes, size)
#define close(fd) (void)(fd)
#define realloc(old, size) kept_realloc(old, size)
#include "../../client/ask/message.c"
#undef open
#undef fstat
#undef read
#undef close
#undef realloc

#define main client_program
int client_program(int argc, char **argv);
#define help help_of_client
#include "../../client/client.c"
#undef main
#undef help

#include "../../client/ask/get.h"
#include "../../client/ask/number.h"
#include "../../client/ask/lottery.h"

static void
forget(void)
{
    static const struct load first = {.host = "127.0.0.1",
                                      .port = 2000,
                                      .processes = 5,
                                      .requests = 1,
                                      .timeout_ns = (int64_t)10 * 1000000000,
                                      .seed = 1};

    while (kept_count > 0) {
        free(kept[--kept_count]);
    }
    message = expected = (struct content){.length = 0};
    seeded = false;
    load = first;
}

/* --- what must hold -------------------------------------------------------------------------- */

static void
check_numbers(void)
{
    CHECK(*load.host != '\0' && load.port >= 1 && load.port <= 65535, "port %d", load.port);
    CHECK(load.processes >= 1 && load.processes <= 1000, "-c %u", load.processes);
    CHECK(load.connections <= 1000000000, "-t %" PRIu64, load.connections);
    CHECK(load.requests >= 1 && load.requests <= 1000000000, "-k %" PRIu64, load.requests);
    CHECK(load.in_flight >= 1 && load.in_flight <= 65536, "-m %u", load.in_flight);
    CHECK(load.timeout_ns >= 0 && load.timeout_ns / 1000000000 <= 86400, "-T");
    CHECK(load.held <= 65536 && load.gate_count <= GATES_MOST, "-H %u", load.held);
    CHECK(!load.label || (strlen(load.label) >= 1 && strlen(load.label) <= 80), "-L");
    CHECK(load.message || load.path || load.bytes >= 1, "-b %" PRIu64, load.bytes);
    CHECK(load.message || load.bytes <= (load.path ? 0 : 1073741824), "-b %" PRIu64, load.bytes);
    CHECK((load.connections > 0) != (load.schedule.duration_ns > 0),
          "a number and a time, or neither");
    CHECK(load.message || !load.expected, "-E without -M");
    CHECK(load.http ? !load.message : !load.path, "HTTP with -M, or -u without HTTP");
}

/* Each class of requests, or kind of misbehaviour, has its share of all draws, and all have one. */
static void
check_lots(const struct lottery *lots, unsigned most)
{
    uint64_t shares = 0, draws = 0;

    CHECK(lots->count <= most, "%u lots", lots->count);
    for (unsigned i = 0; i < lots->count; i++) {
        CHECK(lots->shares[i] > 0 && lots->below[i] >= draws, "lot %u", i);
        shares += lots->shares[i];
        draws = lots->below[i];
    }
    CHECK(shares == lottery_share(lots) && shares <= LOTTERY_WHOLE &&
              (draws == (uint64_t)1 << 32) == (shares == LOTTERY_WHOLE),
          "shares of %" PRIu64, shares);
    for (uint64_t nth = 0; nth < 8; nth++) {
        uint64_t bits = lottery_bits(shares, nth);
        unsigned lot = lottery_draw(lots, shares, nth);

        CHECK(lot <= lots->count && (lot < lots->count || bits >= draws) &&
                  (lot == lots->count || bits < lots->below[lot]) &&
                  (lot == 0 || bits >= lots->below[lot - 1]),
              "draw %" PRIu64 " is won by lot %u", bits, lot);
    }
}

static void
check_work(void)
{
    const struct work *work = &load.work;
    unsigned classes = work_classes(work);
    uint64_t shares = 0;

    check_lots(&work->lots, WORK_OPTIONS_MOST);
    CHECK(classes >= work->lots.count && classes <= work->lots.count + 1, "%u classes", classes);
    for (unsigned i = 0; i < classes; i++) {
        char line[WORK_LINE + 1];
        unsigned long long bytes, cpu_us, wait_us;
        size_t length = work_line(work, i, load.bytes, line);

        shares += work_share(work, i);
        CHECK(length < WORK_LINE && length == strlen(line) && line[length - 1] == '\n', "%s", line);
        if (i < work->lots.count) {
            CHECK(sscanf(line, "%llu %llu %llu\n", &bytes, &cpu_us, &wait_us) == 3 &&
                      bytes == load.bytes && cpu_us <= 10000000 && wait_us <= 10000000,
                  "%s", line);
        }
    }
    CHECK(classes == 0 || shares == LOTTERY_WHOLE, "shares of %" PRIu64, shares);
}

/* A slow one may move a byte when it is due, and none before. */
static void
check_misbehaviours(uint64_t bytes)
{
    check_lots(&load.misbehaviours.lots, MISBEHAVE_MOST);
    for (unsigned i = 0; i < load.misbehaviours.lots.count; i++) {
        const struct misbehaviour *kind = &load.misbehaviours.kinds[i];
        bool paced = kind->how == MISBEHAVE_SLOW_SEND || kind->how == MISBEHAVE_SLOW_READ;

        CHECK(kind->length > 0 && (size_t)kind->length <= strlen(kind->text), "%s", kind->text);
        CHECK(paced == (kind->pace > 0) && kind->pace <= 1000000000, "pace %u", kind->pace);
        if (paced) {
            int64_t due = misbehave_due(kind, bytes);

            CHECK(due >= 0 && misbehave_allowed(kind, due) > bytes, "byte %" PRIu64 " of %s", bytes,
                  kind->text);
            CHECK(due < 2 || misbehave_allowed(kind, due - 2) <= bytes + 1,
                  "byte %" PRIu64 " of %s comes early", bytes, kind->text);
        }
    }
}

/* plan_count() is the inverse of plan_due(), and times grow. */
static void
check_plan(uint64_t k, int64_t ns)
{
    const struct schedule *schedule = &load.schedule;
    uint64_t total, count;

    if (schedule->kind == SCHEDULE_CLOSED || schedule->kind == SCHEDULE_SEARCH) {
        return;
    }
    CHECK(schedule->rate >= 1 && schedule->rate <= SCHEDULE_RATE_MOST && schedule->rate_to >= 1 &&
              schedule->rate_to <= SCHEDULE_RATE_MOST,
          "-r %u:%u", schedule->rate, schedule->rate_to);
    total = load_total(&load);
    k = total > 0 ? k % total : k;
    CHECK(total > 0 && schedule_due(schedule, 0) == 0, "nothing is due at the start");
    CHECK(schedule_due(schedule, k) >= 0, "connection %" PRIu64 " was due before the start", k);
    CHECK(k == 0 || schedule_due(schedule, k - 1) <= schedule_due(schedule, k),
          "connection %" PRIu64, k);
    CHECK(schedule->duration_ns == 0 || schedule_due(schedule, total - 1) < schedule->duration_ns,
          "the last is due behind the end");
    CHECK(schedule_count(schedule, schedule_due(schedule, k)) <= k,
          "connection %" PRIu64 " counts too early", k);
    CHECK(schedule_count(schedule, schedule_due(schedule, k) + 1) > k,
          "connection %" PRIu64 " counts late", k);
    ns = load_schedule_ns(&load) > 0 ? ns % load_schedule_ns(&load) : ns;
    count = schedule_count(schedule, ns);
    CHECK(ns > 0 || count == 0, "%" PRIu64 " due before the start", count);
    CHECK(count == 0 || schedule_due(schedule, count - 1) < ns, "count %" PRIu64, count);
    CHECK(ns == 0 || schedule_due(schedule, count) >= ns, "%" PRIu64 " and more are due", count);
}

/* Each request is a target and a host. (No host has a CR: before it is asked, it is looked up.) */
static void
check_gets(void)
{
    static char text[GET_ROOM + 1];

    if (!load.http || strchr(load.host, '\r')) {
        return;
    }
    for (unsigned class = 0; class <= load.work.lots.count; class ++) {
        size_t length = get_request(&load, class, text, sizeof text);
        const char *host = strstr(text, " HTTP/1.1\r\nHost: "), *end = text + length - 4;

        CHECK(length < (load.path ? GET_ROOM : GET_PLAIN) && length == strlen(text), "%zu", length);
        CHECK(strncmp(text, "GET /", 5) == 0 && host && strcmp(end, "\r\n\r\n") == 0 &&
                  strchr(host + 11, '\r') == end,
              "%s", text);
        CHECK(!load.path || (strncmp(text + 4, load.path, strlen(load.path)) == 0 &&
                             host == text + 4 + strlen(load.path)),
              "-u %s", text);
    }
}

static void
check_message(void)
{
    bool is_file = load.message && *load.message == '@';
    struct input header;
    const char *bytes;
    size_t length, wanted;

    if (!load.message) {
        return;
    }
    wanted = is_file ? peer.length : strlen(load.message);
    bytes = message_frame(&length);
    header = (struct input){(const uint8_t *)bytes, 4};
    CHECK_IS(length, load.message_bytes + 4, "bytes of the frame");
    CHECK_IS(input_number(&header, 4), wanted, "the length in front of the message");
    CHECK(wanted > 0 && length == wanted + 4, "a frame of %zu", length);
    CHECK(memcmp(bytes + 4, is_file ? (const char *)peer.text : load.message, wanted) == 0,
          "the message is another");
}

/* --- once more ------------------------------------------------------------------------------- */

static void
take_all(int argc, char **argv)
{
    optind = 0; /* begin anew, as glibc and musl have it; 1 would go on within a cluster */
    take_options(argc, argv);
    get_complete(&load);
    take_message();
    complete_load();
}

enum { OPTIONS_TEXT = ARGUMENTS_MOST * 160 + TEXT_MOST }; /* a line, and -x as it was given */

/* Writes the options that mean this load: a line for each. */
static void
write_options(const struct load *of, char text[OPTIONS_TEXT])
{
    char *end = text;

#define ADD(...) end += snprintf(end, (size_t)(text + OPTIONS_TEXT - end), __VA_ARGS__)
    ADD("-p%d\n-c%u\n-k%" PRIu64 "\n-m%u\n-T%" PRId64 "us\n-P%s\n", of->port, of->processes,
        of->requests, of->in_flight, of->timeout_ns / 1000, load_protocol(of));
    if (of->path) {
        ADD("-u%s\n", of->path);
    } else {
        ADD("-b%" PRIu64 "\n", of->bytes);
    }
    for (unsigned i = 0; i < of->work.lots.count; i++) {
        const struct work_class *class = &of->work.classes[i];
        uint32_t share = of->work.lots.shares[i];

        ADD("-W%u:%u@%u.%09u\n", class->cpu_us, class->wait_us, share / LOTTERY_WHOLE,
            share % LOTTERY_WHOLE);
    }
    for (unsigned i = 0; i < of->misbehaviours.lots.count; i++) {
        const struct misbehaviour *kind = &of->misbehaviours.kinds[i];
        uint32_t share = of->misbehaviours.lots.shares[i];

        ADD("-x%.*s@%u.%09u\n", kind->length, kind->text, share / LOTTERY_WHOLE,
            share % LOTTERY_WHOLE);
    }
    if (of->schedule.kind == SCHEDULE_OPEN || of->schedule.kind == SCHEDULE_RAMP) {
        bool ramp = of->schedule.kind == SCHEDULE_RAMP;

        ADD(ramp ? "-r%u:%u\n" : "-r%u\n", of->schedule.rate, of->schedule.rate_to);
    }
    if (of->schedule.duration_ns > 0) {
        ADD("-d%" PRId64 ".%09" PRId64, of->schedule.duration_ns / 1000000000,
            of->schedule.duration_ns % 1000000000);
    } else {
        ADD("-t%" PRIu64, of->connections);
    }
#undef ADD
}

/* What a load means is told by its options, so those of the same options must be the same. */
static void
check_round_trip(void)
{
    static char wanted[OPTIONS_TEXT], text[OPTIONS_TEXT], again[OPTIONS_TEXT];
    char *argv[ARGUMENTS_MOST + 2];

    if (load.message || load.schedule.kind == SCHEDULE_SEARCH) {
        return;
    }
    write_options(&load, wanted);
    strcpy(text, wanted);
    forget();
    take_all(dying_arguments(text, argv), argv);
    write_options(&load, again);
    CHECK(strcmp(wanted, again) == 0, "the second time it is another: %s", again);
}

static void
try_line(int argc, char **argv, uint64_t k, int64_t ns)
{
    volatile bool taken = false;
    int how;

    forget();
    how = dying_tries();
    if (how == 0) {
        take_all(argc, argv);
        taken = true;
        check_numbers();
        check_work();
        check_misbehaviours(k);
        check_plan(k, ns);
        check_message();
        check_gets();
        check_round_trip();
    } else {
        CHECK(!taken || how == DYING_SAID, "what was taken is refused when it is written anew: %s",
              dying_text);
        dying_check_usage(how);
    }
    forget();
}

/* Behind the command line, and a line that is empty, stands what is in the named_file. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t flags = input_byte(&input);
    uint64_t k = input_number(&input, 4);
    int64_t ns = (int64_t)input_number(&input, 4) * 1009;
    char *argv[ARGUMENTS_MOST + 2], *text, *end;
    int argc;

    named_file.missing = flags & 1;
    named_file.broken = flags & 2;
    named_file.size = flags & 4 ? (off_t)1 << 30 : flags & 8 ? ((off_t)1 << 30) + 1 : 0;
    peer_begin(slices_take(&input), (struct slices){.count = 0});
    text = input_text(&input, TEXT_MOST);
    if (!text) {
        return 0;
    }
    end = strstr(text, "\n\n");
    peer.text = (const uint8_t *)(end ? end + 2 : "");
    peer.length = strlen((const char *)peer.text);
    if (end) {
        *end = '\0';
    }
    argc = dying_arguments(text, argv);
    try_line(argc, argv, k, ns);
    free(text);
    return 0;
}
