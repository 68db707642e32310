#!/bin/sh
# embed.sh FILE... - prints pages.c: the files as arrays of C, each with its path; those in watch/
# with their names alone.
set -eu

printf '#include "pages.h"\n\n#include <string.h>\n'
table=
for file; do
    name=${file#watch/}
    array=page_$(echo "$name" | tr ./- ___)
    printf '\nstatic const unsigned char %s[] = {' "$array"
    od -An -v -tu1 "$file" | sed 's/$/ /; s/\([0-9]\) /\1,/g'
    printf '0};\n'
    table="$table    {\"$name\", (const char *)$array, sizeof $array - 1},
"
done
printf '\nstatic const struct page pages[] = {\n%s    {NULL, NULL, 0},\n};\n' "$table"
cat <<'END'

const struct page *
pages_find(const char *name)
{
    const struct page *page = pages;

    while (page->name && strcmp(page->name, name) != 0) {
        page++;
    }
    return page->name ? page : NULL;
}
END
