/* record - a recording: the frames of a run, and the page that plays them, in one file. */
#ifndef WATCH_RECORD_H
#define WATCH_RECORD_H

#include <stdbool.h>

#include "text.h"

/* Begins and ends one. NULL, or why not. */
const char *record_start(void);
const char *record_stop(void);

bool record_runs(void);
bool record_kept(void); /* one that has ended */

/* Twice a second: takes a frame, if one runs; ends it when it is as large as it may become. */
void record_turn(void);

/* The last recording as a page, a new user's of it; NULL if there is none. */
struct text *record_page(void);

/* One that was saved; dies if the file is none. */
struct text *record_read(const char *path);

/* The page with its token; in a recording, with all its files and the frames (JSON) inside. */
struct text *record_put_together(const char *token, const struct text *frames);

/* Content-Security-Policy of a recording: only the scripts that were in it when it was made. */
const char *record_policy(const struct text *page);

/* A word that nobody guesses: 32 hexadecimal digits. */
enum { RECORD_SECRET = 32 };
void record_secret(char secret[RECORD_SECRET + 1]);

#endif
