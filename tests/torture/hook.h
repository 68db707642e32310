/* hook - between the two files that make calls fail. */
#ifndef TORTURE_HOOK_H
#define TORTURE_HOOK_H

#include <stdbool.h>

#include "fault.h"

/* Counts a call that was made at `from`; returns what it is to fail with, or 0. */
int hook_fails(enum fault_call call, const void *from);

/* The same; true, with errno set, if the call is to fail. */
bool hook_refuses(enum fault_call call, const void *from);

/* From now on what stdio writes to standard output may fail too. */
void hook_stdout(void);

#define FROM __builtin_return_address(0)

/* The head of a wrapper: its body follows. */
#define WRAPPER(type, name, parameters)                                                            \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters

/* The wrapper of a call that sets errno, and returns `failure`. */
#define WRAP(type, name, failure, parameters, arguments)                                           \
    WRAPPER(type, name, parameters)                                                                \
    {                                                                                              \
        return hook_refuses(FAULT_CALL_##name, FROM) ? (failure) : __real_##name arguments;        \
    }

#endif
