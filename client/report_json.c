/*
 * report_json - the report as one JSON object. All fields are always there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../common/address.h"
#include "report.h"

static void print_asked(const struct load *load, const struct result *result);
static void print_totals(const struct result *result);
static void print_errors(const struct result *result);
static void print_latencies(const struct result *result);
static void print_classes(const struct load *load, const struct result *result);
static void print_children(const struct result *result);
static void print_rejections(const struct load *load, const struct tally *tallies);
static void print_hints(const struct load *load, const struct result *result);

void
report_json(const struct load *load, const struct result *result, const struct tally *tallies)
{
    putchar('{');
    print_asked(load, result);
    print_totals(result);
    print_errors(result);
    print_latencies(result);
    print_classes(load, result);
    print_children(result);
    print_rejections(load, tallies);
    print_hints(load, result);
    puts("}");
}

/* Bytes beyond ASCII are written as the code points of Latin-1: they need not be UTF-8. */
static void
print_string(const char *text)
{
    putchar('"');
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        if (*byte == '"' || *byte == '\\') {
            printf("\\%c", *byte);
        } else if (*byte >= ' ' && *byte < 0x7f) {
            putchar(*byte);
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
print_asked(const struct load *load, const struct result *result)
{
    char target[ADDRESS_TEXT];

    address_text(&load->target, target);
    printf("\"target\":");
    print_string(target);
    printf(",\"server_identifies_children\":%s", boolean(result->identified));
    printf(",\"verified\":%s", boolean(!result->foreign && result->requests > 0));
    printf(",\"interrupted\":%s", boolean(result->interrupted));
    printf(",\"clients\":%u,\"connections_each\":%" PRIu64, load->processes, load->connections);
    printf(",\"bytes\":%" PRIu64 ",\"requests_per_connection\":%" PRIu64, load->bytes,
           load->requests);
    printf(",\"message_bytes\":%" PRIu64, load->message_bytes);
    printf(",\"in_flight\":%u,\"mode\":\"closed\",\"rate\":0", load->in_flight);
}

static void
print_totals(const struct result *result)
{
    printf(",\"scheduled\":%" PRIu64 ",\"completed\":%" PRIu64, result->scheduled,
           result->completed);
    printf(",\"failed\":%" PRIu64 ",\"unsent\":%" PRIu64, result->failed, result->unsent);
    printf(",\"requests\":%" PRIu64 ",\"bytes_received\":%" PRIu64, result->requests,
           result->bytes);
    printf(",\"seconds\":%.6f", result->seconds);
    printf(",\"connections_per_second\":%.1f", result_rate(result, result->completed));
    printf(",\"requests_per_second\":%.1f", result_rate(result, result->requests));
}

static void
print_errors(const struct result *result)
{
    printf(",\"errors\":{");
    for (int kind = 0; kind < FAILURE_KINDS; kind++) {
        printf("%s\"%s\":%" PRIu64, kind > 0 ? "," : "", result_kind((enum failure)kind),
               result->errors[kind]);
    }
    putchar('}');
}

static void
print_latency(const char *name, const struct histogram *histogram)
{
    printf(",\"%s\":{\"count\":%" PRIu64, name, histogram->count);
    printf(",\"min\":%.3f", histogram_least(histogram));
    printf(",\"mean\":%.3f", histogram_mean(histogram));
    printf(",\"stddev\":%.3f", histogram_deviation(histogram));
    printf(",\"p50\":%.3f", histogram_percentile(histogram, 500000));
    printf(",\"p90\":%.3f", histogram_percentile(histogram, 900000));
    printf(",\"p99\":%.3f", histogram_percentile(histogram, 990000));
    printf(",\"p999\":%.3f", histogram_percentile(histogram, 999000));
    printf(",\"max\":%.3f", histogram_most(histogram));
    printf(",\"overflow\":%" PRIu64 "}", histogram->overflow);
}

static void
print_latencies(const struct result *result)
{
    static const struct histogram none; /* a closed loop knows no time at which anything was due */

    print_latency("connect_us", &result->latencies[LATENCY_CONNECT]);
    print_latency("first_byte_us", &result->latencies[LATENCY_FIRST_BYTE]);
    print_latency("service_us", &result->latencies[LATENCY_SERVICE]);
    print_latency("response_us", &none);
}

/* -W: `share` is what was asked for, `asked` how many requests that made. */
static void
print_classes(const struct load *load, const struct result *result)
{
    printf(",\"classes\":[");
    for (unsigned i = 0; i < load->mix.classes; i++) {
        const struct work *work = &load->mix.works[i];

        printf("%s{\"cpu_us\":%" PRIu32 ",\"wait_us\":%" PRIu32, i > 0 ? "," : "", work->cpu_us,
               work->wait_us);
        printf(",\"share\":%.9g,\"asked\":%" PRIu64, (double)work->share / MIX_WHOLE,
               result->asked[i]);
        printf(",\"requests\":%" PRIu64, result->works[i].count);
        print_latency("service_us", &result->works[i]);
        putchar('}');
    }
    putchar(']');
}

static void
print_children(const struct result *result)
{
    const struct evenness *even = &result->evenness;

    printf(",\"children\":[");
    for (size_t i = 0; i < result->distribution.used; i++) {
        const struct share *share = &result->distribution.places[i];

        printf("%s{\"child\":%" PRIu64 ",\"pid\":%" PRIu64, i > 0 ? "," : "", share->child,
               share->pid);
        printf(",\"connections\":%" PRIu64 ",\"requests\":%" PRIu64 "}", share->connections,
               share->requests);
    }
    printf("],\"distribution\":{\"children\":%zu", result->distribution.used);
    printf(",\"min\":%" PRIu64 ",\"max\":%" PRIu64, even->least, even->most);
    printf(",\"mean\":%.3f,\"stddev\":%.3f,\"jain\":%.6f}", even->mean, even->deviation,
           even->jain);
}

static void
print_rejections(const struct load *load, const struct tally *tallies)
{
    const char *rejection;

    printf(",\"rejections\":[");
    for (unsigned i = 0; (rejection = result_rejection(load, tallies, i)); i++) {
        printf("%s", i > 0 ? "," : "");
        print_string(rejection);
    }
    putchar(']');
}

static void
print_hints(const struct load *load, const struct result *result)
{
    const char *hint;

    printf(",\"hints\":[");
    for (unsigned i = 0; (hint = result_hint(result, load, i)); i++) {
        printf("%s", i > 0 ? "," : "");
        print_string(hint);
    }
    putchar(']');
}
