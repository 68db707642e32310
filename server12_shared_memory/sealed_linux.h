/* sealed_linux - shared memory that no other process can make smaller, where the system has it. */
#ifndef SERVER12_SEALED_LINUX_H
#define SERVER12_SEALED_LINUX_H

#include <stddef.h>

/* The descriptor of an object of zeros, close-on-exec; the caller's. -1 and errno on failure. */
int sealed_object(size_t size);

#endif
