/* hook - between the two files that make calls fail. */
#ifndef TORTURE_HOOK_H
#define TORTURE_HOOK_H

#include "fault.h"

/* Counts a call that was made at `from`; returns what it is to fail with, or 0. */
int hook_fails(enum fault_call call, const void *from);

/* From now on what stdio writes to standard output may fail too. */
void hook_stdout(void);

#endif
