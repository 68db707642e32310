/* json - the tests' reader of JSON (RFC 8259). */
#ifndef TESTS_JSON_H
#define TESTS_JSON_H

/*
 * One value as lines "PATH VALUE", each behind a line feed: a path goes through objects by name and
 * through arrays by index; of each object and array there is also "PATH.# COUNT", its members.
 * Strings are without their quotes. To be freed; NULL, and *wrong says why, if it is no JSON or
 * not on one line.
 */
char *json_lines(const char *text, const char **wrong);

/* The value, which ends with its line, of the first such path behind *at, which moves there; NULL:
 * there is none. In `path`, * stands for each member. */
const char *json_find(const char **at, const char *path);

#endif
