/*
 * advice - the meaning of the figures, in sentences: for a user who could overlook it.
 */
#ifndef CLIENT_REPORT_ADVICE_H
#define CLIENT_REPORT_ADVICE_H

#include <stdbool.h>

#include "../figures/totals.h"

enum { ADVICE_TEXT = 512 };

/* Each of these is true if there is something to say, and then writes it to `text`. */

/* Open loop: the rate was not reached, or the server did not keep up with it; and why. */
bool advice_rate(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT]);

/* Open loop: response times that are far from the service times. */
bool advice_response(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT]);

/* Ports or descriptors that this machine lacked. The `nth` advice (from 0); false after the last.
 */
bool advice_limit(const struct totals *totals, const struct load *load, unsigned nth,
                  char text[ADVICE_TEXT]);

/* All of them, in that order. */
bool advice_any(const struct totals *totals, const struct load *load, unsigned nth,
                char text[ADVICE_TEXT]);

/* True if the server answered as fast as it was asked: no queue grew from the first quarter of the
 * schedule to the last. */
bool advice_kept_up(const struct totals *totals, const struct load *load);

/* True if the connections began on schedule; if not, why, in a few words. */
bool advice_on_schedule(const struct totals *totals, const struct load *load);
const char *advice_why_slow(const struct totals *totals, const struct load *load);

#endif
