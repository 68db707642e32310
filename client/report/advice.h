/*
 * remark - what the numbers mean, in sentences: what the user should know, and could overlook.
 */
#ifndef CLIENT_REPORT_ADVICE_H
#define CLIENT_REPORT_ADVICE_H

#include <stdbool.h>

#include "../ask/load.h"
#include "../figures/totals.h"

enum { ADVICE_TEXT = 512 };

/* Open loop: the rate was not reached, and which side was the limit. Each of these is true if there
 * is something to say, and then `text` says it. */
bool advice_rate(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT]);

/* Open loop: response times that are far from the service times. */
bool advice_response(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT]);

/* What this machine lacked: ports, descriptors. The `nth` (from 0); false after the last. */
bool advice_limit(const struct totals *totals, const struct load *load, unsigned nth,
                  char text[ADVICE_TEXT]);

/* All of them, in that order. */
bool advice_any(const struct totals *totals, const struct load *load, unsigned nth,
                char text[ADVICE_TEXT]);

/* True if the server answered as fast as it was asked: no queue grew from the first quarter of the
 * schedule to the last. */
bool advice_kept_up(const struct totals *totals, const struct load *load);

/* Why connections did not begin on schedule, in a few words. */
const char *advice_why_slow(const struct totals *totals, const struct load *load);

/* True if the connections began on schedule. */
bool advice_on_schedule(const struct totals *totals, const struct load *load);

#endif
