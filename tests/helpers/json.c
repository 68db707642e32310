/*
 * json - checks that standard input is one JSON value (RFC 8259) on one line, prints parts.
 *
 *     json                            only checks
 *     json connections children.2.pid children.*.pid children.#
 *     json -a                         all values and numbers of members, each behind its path
 *
 * A path goes through objects by name and through arrays by index; * stands for each, # for the
 * number of members. Strings are printed without their quotes. Fails if a path leads nowhere.
 */
#include "../lib/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/die.h"

int
main(int argc, char **argv)
{
    static char input[(1 << 24) + 1];
    size_t length = fread(input, 1, sizeof input - 1, stdin);
    const char *wrong = "not one line";
    char *lines = strlen(input) == length ? json_lines(input, &wrong) : NULL;

    die_begin(argv[0]);
    if (!lines) {
        diex("%s: %.200s", wrong, input);
    }
    if (argc > 1 && strcmp(argv[1], "-a") == 0) {
        fputs(lines + 1, stdout);
    }
    for (int i = 1; i < argc && argv[i][0] != '-'; i++) {
        const char *at = lines, *found = json_find(&at, argv[i]);

        if (!found) {
            diex("there is no %s", argv[i]);
        }
        for (; found; found = json_find(&at, argv[i])) {
            printf("%.*s\n", (int)strcspn(found, "\n"), found);
        }
    }
    free(lines);
    return EXIT_SUCCESS;
}
