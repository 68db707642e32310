/* json - is it that? */
#ifndef WATCH_JSON_H
#define WATCH_JSON_H

#include <stdbool.h>

enum { JSON_DEPTH = 16 };

/* True if the line is one object of JSON (RFC 8259) in printable ASCII, as all of this suite print
 * it, with at most JSON_DEPTH objects and arrays one in another: then it can stand in a larger one
 * as it is. */
bool json_valid(const char *line);

#endif
