/*
 * Where a call is special: {program, calls, errors, flags, connections lost, reason}. The first
 * line that fits counts. What is not here costs no connection, ends no server, and leaves no
 * trace but a warning; and what fails in set-up ends it with one line that says why.
 */
{"", "read recv write writev", "EINTR EAGAIN SHORT", 0, 0,
 "trying again is all that these ask for"},
{"server", "read recv write writev", NULL, REST_LOST, 1, "the connection that it was for"},
{"server", "recvmsg", "TRUNC", 0, 1, "the kernel has lost that connection's descriptor"},
{"", "stdout", NULL, MAY_FAIL | MAY_END | NO_REPORT, 0,
 "the statistics are what was asked for: without them it must not say that all is well"},
{"", "shm_unlink", NULL, LEAVES, 0, "what cannot be unlinked stays"},
{"server", "unlink", NULL, LEAVES, 0, "what cannot be unlinked stays; the next server claims it"},
{"server", "lstat", NULL, LEAVES | NO_CAUSE, 0,
 "a file that cannot be looked at is left alone; then bind() says what is wrong"},
{"server", "connect", "EAGAIN", NO_CAUSE, 0,
 "the queue is full, so a server is there: that is what it says"},
{"server", "waitpid", NULL, LINGERS, 0, "asked again when the next child ends"},
{"server02_select", "fcntl", NULL, REST_LOST, 1,
 "a connection that cannot be made non-blocking is closed: it could stall the others"},
{"server", "kill", NULL, MAY_FAIL | NO_CAUSE, 0,
 "a child that does not hear that it is to leave is ended when the grace is over: status 1"},
