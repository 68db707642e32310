/*
 * Where a call is special: {program, calls, errors, flags, connections lost, reason}. The first
 * line that fits counts. What is not here costs no connection, ends no server, and leaves no
 * trace but a warning; and what fails in set-up ends it with one line that says why.
 */
/* clang-format off */
{"", "read recv write writev", "EINTR EAGAIN SHORT", 0, 0,
 "trying again is all that these ask for"},
{"server", "read recv write writev", NULL, 0, 1, "the connection that it was for"},
{"server", "recvmsg", "TRUNC", 0, 1, "the kernel has lost that connection's descriptor"},
{"", "stdout", NULL, MAY_FAIL | MAY_END | NO_REPORT, 0,
 "the statistics are what was asked for: without them it must not say that all is well"},
{"", "shm_unlink", NULL, LEAVES, 0, "what cannot be unlinked stays"},
{"server", "unlink", NULL, LEAVES | LEAVES_LOCK, 0,
 "what cannot be unlinked stays; the next server claims it"},
{"server", "fcntl_lock", "EAGAIN", NO_CAUSE, 0,
 "that another process has the lock is told in words: it has just begun to listen there"},
{"server", "lstat", NULL, LEAVES | NO_CAUSE, 0,
 "a file that cannot be looked at is left alone; then bind() says what is wrong"},
{"server02_select", "fcntl", NULL, 0, 1,
 "a connection that cannot be made non-blocking is closed: it could stall the others"},
{"server", "kill", NULL, MAY_FAIL | NO_CAUSE, 0,
 "a child that does not hear that it is to leave is ended when the grace is over: status 1"},
{"server05", "access", NULL, NO_CAUSE, 0,
 "a program that cannot be looked at is none: the next place is tried, and that is what it says"},
{"server05", "fstat", NULL, NO_CAUSE, 0,
 "a handler that does not find its board says that it was not started as one"},
{"server05", "malloc realloc", NULL, 0, 1,
 "a handler without memory for a frame says so to the client, in place of a reply"},
{"client", "calloc", NULL, 0, 1,
 "a client process without memory ends, and with it the two connections that it has in flight"},
{"server01", "malloc calloc realloc", NULL, NO_CAUSE, 0,
 "linked statically it has getaddrinfo() within: that says EAI_MEMORY in words of its own"},
