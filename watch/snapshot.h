/* snapshot - all that watch knows at a moment, as one line of JSON: README.md has its fields. */
#ifndef WATCH_SNAPSHOT_H
#define WATCH_SNAPSHOT_H

#include <stdbool.h>

#include "text.h"

/* Appends it. For a recording, only the columns of loads that it does not have yet. */
void snapshot_make(struct text *to, bool for_record);

#endif
