/* pages - the files of the page, as they were when watch was built: embed.sh makes pages.c. */
#ifndef WATCH_PAGES_H
#define WATCH_PAGES_H

#include <stddef.h>

struct page {
    const char *name, *bytes;
    size_t length; /* without the '\0' behind it */
};

/* NULL if there is none of that name. */
const struct page *pages_find(const char *name);

#endif
