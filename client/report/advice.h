/*
 * advice - the meaning of the figures, in sentences: for a user who could overlook it.
 */
#ifndef CLIENT_REPORT_ADVICE_H
#define CLIENT_REPORT_ADVICE_H

#include <stdbool.h>

#include "../figures/totals.h"

enum { ADVICE_TEXT = 800 };

/* Each of these is true if there is something to say, and then writes it to `text`. */

/* Open loop: the rate was not reached, or the server did not keep up with it; and why. */
bool advice_rate(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT]);

/* Open loop: response times that are far from the service times. */
bool advice_response(const struct totals *totals, const struct load *load, char text[ADVICE_TEXT]);

/* The `nth` sentence (from 0) of all, or of those behind the two above; false after the last. With
 * -q it is one that explains a failure. */
enum advice_first { ADVICE_ALL = 0, ADVICE_REST = 2 };
bool advice_any(const struct totals *totals, const struct load *load, enum advice_first first,
                unsigned nth, char text[ADVICE_TEXT]);

/* True if the server answered as fast as it was asked: no queue grew from the first quarter of the
 * schedule to the last. */
bool advice_kept_up(const struct totals *totals, const struct load *load);

/* True if the connections began on schedule; if not, why, in a few words. */
bool advice_on_schedule(const struct totals *totals, const struct load *load);

/* True if the client's processes did not have the processor time that they wanted. */
bool advice_client_lacked_time(const struct totals *totals, const struct load *load);

/* True if the client itself, or this machine, held connections up more than the server did. */
bool advice_client_is_limit(const struct totals *totals, const struct load *load);
const char *advice_why_slow(const struct totals *totals, const struct load *load);

#endif
