/*
 * json - the report as one JSON object. All fields are always there; only a child without threads
 * has no `thread`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../common/address.h"
#include "advice.h"
#include "format.h"
#include "report.h"

/* Bytes beyond ASCII that are no UTF-8 are written as the code points of Latin-1. */
static void
print_string(const char *text)
{
    putchar('"');
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        if (*byte == '"' || *byte == '\\') {
            printf("\\%c", *byte);
        } else if (*byte >= ' ' && *byte < 0x7f) {
            putchar(*byte);
        } else if (format_utf8((const char *)byte) > 0) {
            size_t length = format_utf8((const char *)byte);

            fwrite(byte, 1, length, stdout);
            byte += length - 1;
        } else {
            printf("\\u%04x", *byte);
        }
    }
    putchar('"');
}

static const char *
boolean(bool value)
{
    return value ? "true" : "false";
}

static void
print_asked(const struct load *load, const struct totals *totals)
{
    char target[ADDRESS_TEXT];

    address_text(&load->target, target);
    printf("\"label\":");
    print_string(load->label ? load->label : "");
    printf(",\"target\":");
    print_string(target);
    printf(",\"protocol\":\"%s\",\"path\":", load_protocol(load));
    print_string(load->path ? load->path : "");
    printf(",\"server_identifies_children\":%s", boolean(totals->identified));
    printf(",\"verified\":%s", boolean(!totals->foreign && totals->requests > 0));
    printf(",\"interrupted\":%s", boolean(totals->interrupted));
    printf(",\"clients\":%u,\"connections_each\":%" PRIu64, load->processes, load->connections);
    printf(",\"bytes\":%" PRIu64 ",\"requests_per_connection\":%" PRIu64, load->bytes,
           load->requests);
    printf(",\"message_bytes\":%" PRIu64, load->message_bytes);
    printf(",\"in_flight\":%u,\"mode\":\"%s\"", load->in_flight, schedule_mode(&load->schedule));
    printf(",\"rate\":%" PRIu32 ",\"rate_to\":%" PRIu32, load->schedule.rate,
           load->schedule.rate_to);
    printf(",\"duration_s\":%.9g,\"seed\":%" PRIu32, (double)load->schedule.duration_ns / 1e9,
           load->seed);
}

static void
print_totals(const struct totals *totals)
{
    printf(",\"scheduled\":%" PRIu64 ",\"completed\":%" PRIu64, totals->scheduled,
           totals->completed);
    printf(",\"failed\":%" PRIu64 ",\"unsent\":%" PRIu64, totals->failed, totals->unsent);
    printf(",\"requests\":%" PRIu64 ",\"bytes_received\":%" PRIu64, totals->requests,
           totals->bytes);
    printf(",\"reopened\":%" PRIu64, totals->reopened);
    printf(",\"seconds\":%.6f", totals->seconds);
    printf(",\"connections_per_second\":%.1f", totals_rate(totals, totals->completed));
    printf(",\"requests_per_second\":%.1f", totals_rate(totals, totals->requests));
    printf(",\"client_cpu_s\":%.6f", totals->cpu_seconds);
    printf(",\"late\":{\"connections\":%" PRIu64 ",\"most_us\":%.3f", totals->late,
           totals->most_late_us);
    printf(",\"room_s\":%.6f,\"client_s\":%.6f,\"suspended_s\":%.6f}", totals->room_s,
           totals->own_s, totals->away_s);
}

static void
print_errors(const uint64_t errors[FAILURE_KINDS])
{
    printf(",\"errors\":{");
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        printf("%s\"%s\":%" PRIu64, kind > 0 ? "," : "", outcome_name((enum failure)kind),
               errors[kind]);
    }
    putchar('}');
}

/* A value, or null where there is none. */
static void
print_value(const char *name, int decimals, bool known, double value)
{
    if (known) {
        printf(",\"%s\":%.*f", name, decimals, value);
    } else {
        printf(",\"%s\":null", name);
    }
}

/* Without a success there is no time. */
static void
print_times(const char *name, const struct histogram *histogram)
{
    bool known = histogram->count > 0;

    printf(",\"%s_us\":{\"count\":%" PRIu64, name, histogram->count);
    print_value("min", 3, known, histogram_least(histogram));
    print_value("mean", 3, known, histogram_mean(histogram));
    print_value("stddev", 3, known, histogram_deviation(histogram));
    print_value("p50", 3, known, histogram_percentile(histogram, 500000));
    print_value("p90", 3, known, histogram_percentile(histogram, 900000));
    print_value("p99", 3, known, histogram_percentile(histogram, 990000));
    print_value("p999", 3, known, histogram_percentile(histogram, 999000));
    print_value("max", 3, known, histogram_most(histogram));
    printf(",\"overflow\":%" PRIu64 "}", histogram->overflow);
}

/* -W: `share` is the one of the option, `asked` the number of requests that it came to. */
static void
print_classes(const struct load *load, const struct totals *totals)
{
    printf(",\"classes\":[");
    for (unsigned i = 0; i < work_classes(&load->work); i++) {
        const struct work_class *work = &load->work.classes[i];

        printf("%s{\"cpu_us\":%" PRIu32 ",\"wait_us\":%" PRIu32, i > 0 ? "," : "", work->cpu_us,
               work->wait_us);
        printf(",\"share\":%.9g,\"asked\":%" PRIu64,
               (double)work_share(&load->work, i) / LOTTERY_WHOLE, totals->asked[i]);
        printf(",\"requests\":%" PRIu64, totals->work_times[i][0].count);
        print_times("service", &totals->work_times[i][0]);
        print_times("response", &totals->work_times[i][1]);
        putchar('}');
    }
    putchar(']');
}

static void
print_children(const struct totals *totals)
{
    const struct evenness *even = &totals->evenness;

    printf(",\"children\":[");
    for (size_t i = 0; i < totals->distribution.used; i++) {
        const struct share *share = &totals->distribution.places[i];

        printf("%s{\"child\":%" PRIu64, i > 0 ? "," : "", share->sender.child);
        if (share->sender.thread > 0) {
            printf(",\"thread\":%" PRIu64, share->sender.thread);
        }
        printf(",\"pid\":%" PRIu64 ",\"connections\":%" PRIu64 ",\"requests\":%" PRIu64 "}",
               share->sender.pid, share->connections, share->requests);
    }
    printf("],\"distribution\":{\"children\":%zu", totals->distribution.used);
    printf(",\"min\":%" PRIu64 ",\"max\":%" PRIu64, even->least, even->most);
    printf(",\"mean\":%.3f,\"stddev\":%.3f,\"jain\":%.6f}", even->mean, even->deviation,
           even->jain);
}

/* With -r or -d, a row for each second: rates in connections per second. */
static void
print_intervals(const struct totals *totals)
{
    printf(",\"intervals\":[");
    for (size_t i = 0; i < totals->interval_count; i++) {
        const struct interval *row = &totals->intervals[i];

        printf("%s{\"from_s\":%.3f,\"seconds\":%.3f", i > 0 ? "," : "", row->from, row->length);
        printf(",\"asked_per_second\":%.1f", row->asked);
        printf(",\"per_second\":%.1f", (double)row->completed / row->length);
        printf(",\"completed\":%" PRIu64 ",\"failed\":%" PRIu64, row->completed, row->failed);
        printf(",\"requests\":%" PRIu64, row->requests);
        print_value("p50_us", 3, row->requests > 0, row->p50);
        print_value("p99_us", 3, row->requests > 0, row->p99);
        putchar('}');
    }
    putchar(']');
}

static void
print_misbehaved(const struct load *load, const struct totals *totals)
{
    printf(",\"misbehaved\":[");
    for (unsigned i = 0; i < load->misbehaviours.lots.count; i++) {
        const struct misbehaviour *kind = &load->misbehaviours.kinds[i];
        const struct misbehaved *done = &totals->misbehaved[i];

        printf("%s{\"how\":\"%.*s\"", i > 0 ? "," : "", kind->length, kind->text);
        printf(",\"share\":%.9g,\"connections\":%" PRIu64,
               (double)load->misbehaviours.lots.shares[i] / LOTTERY_WHOLE, done->begun);
        printf(",\"omitted\":%" PRIu64 ",\"unsent\":%" PRIu64, done->omitted, done->unsent);
        printf(",\"completed\":%" PRIu64, done->completed);
        printf(",\"failed\":%" PRIu64, done->failed);
        print_errors(done->errors);
        print_times("lasted", &done->lasted);
        putchar('}');
    }
    putchar(']');
}

static void
print_held(const struct totals *totals)
{
    const struct held_totals *held = &totals->held;

    printf(",\"held\":{\"asked\":%" PRIu64 ",\"least\":%" PRIu64, held->asked, held->least);
    printf(",\"opened\":%" PRIu64 ",\"closed\":%" PRIu64, held->opened, held->closed);
    printf(",\"failed\":%" PRIu64 ",\"open\":%" PRIu64, held->failed, held->open);
    printf(",\"died\":%s}", boolean(held->died));
}

static void
print_gates(const struct load *load, const struct totals *totals)
{
    printf(",\"gates\":[");
    for (unsigned i = 0; i < load->gate_count; i++) {
        const struct judgement *judgement = &totals->judgements[i];

        printf("%s{\"gate\":", i > 0 ? "," : "");
        print_string(load->gates[i].text);
        print_value("value", 6, judgement->known, judgement->value);
        printf(",\"holds\":%s}", boolean(judgement->holds));
    }
    putchar(']');
}

/* -r max: null without it. */
static void
print_search(const struct load *load, const struct totals *totals)
{
    if (totals->step_count == 0) {
        printf(",\"search\":null");
        return;
    }
    printf(",\"search\":{\"bound\":");
    print_string(load->bound.text);
    printf(",\"rate\":%" PRIu32 ",\"ended_early\":", totals->found);
    print_string(totals->ended_early ? totals->ended_early : "");
    printf(",\"steps\":[");
    for (size_t i = 0; i < totals->step_count; i++) {
        const struct step *step = &totals->steps[i];

        printf("%s{\"rate\":%" PRIu32 ",\"achieved\":%.1f", i > 0 ? "," : "", step->rate,
               step->achieved);
        print_value("value", 6, step->known, step->value);
        printf(",\"kept\":%s,\"why\":\"%s\"}", boolean(step->kept), step->kept ? "" : step->why);
    }
    printf("]}");
}

static void
print_rejections(const struct load *load, const struct tally *tallies)
{
    const char *rejection;

    printf(",\"rejections\":[");
    for (unsigned i = 0; (rejection = totals_rejection(load, tallies, i)); i++) {
        printf("%s", i > 0 ? "," : "");
        print_string(rejection);
    }
    putchar(']');
}

static void
print_hints(const struct load *load, const struct totals *totals)
{
    char text[ADVICE_TEXT];

    printf(",\"hints\":[");
    for (unsigned i = 0; advice_any(totals, load, ADVICE_ALL, i, text); i++) {
        printf("%s", i > 0 ? "," : "");
        print_string(text);
    }
    putchar(']');
}

void
report_json(const struct load *load, const struct totals *totals, const struct tally *tallies)
{
    putchar('{');
    print_asked(load, totals);
    print_totals(totals);
    print_errors(totals->errors);
    for (int i = 0; i < LATENCY_KINDS; i++) {
        print_times(tally_latency_names[i], &totals->latencies[i]);
    }
    print_classes(load, totals);
    print_children(totals);
    print_intervals(totals);
    print_misbehaved(load, totals);
    print_held(totals);
    print_gates(load, totals);
    print_search(load, totals);
    print_rejections(load, tallies);
    print_hints(load, totals);
    puts("}");
}
