/*
 * attached - the memory that a client process shares with a child of server12_shared_memory: with
 * -i shm:PATH, bytes go through it instead of the socket. One at a time in each process.
 */
#ifndef CLIENT_ENGINE_ATTACHED_H
#define CLIENT_ENGINE_ATTACHED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Waits for the memory, which comes over `fd`, and maps it. False and errno on failure; EINTR: call
 * it again. */
bool attached_begin(int fd);

/* As write(2) and read(2) of a blocking socket; EINTR also comes ten times a second. */
ssize_t attached_write(const char *bytes, size_t length);
ssize_t attached_read(char *bytes, size_t length);

/* After close(): lets the memory go, if there is some. */
void attached_end(void);

#endif
