/* process - see process.h. */
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/die.h"

enum { INHERITED_FD = 3 };

/* The name in front of the state may have any character. Of a process whose first thread has ended,
 * and others not yet, Linux says Z too: but one of these may still take a connection. */
pid_t
process_parent(pid_t pid, char *state)
{
    char path[64], text[512];
    const char *end;
    long parent = 0, threads = 0;
    size_t got;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    file = fopen(path, "r");
    if (!file) {
        return 0;
    }
    got = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[got] = '\0';
    end = strrchr(text, ')');
    if (!end ||
        sscanf(end + 1, " %c %ld %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld",
               state, &parent, &threads) != 3) {
        return 0;
    }
    if (*state == 'Z' && threads > 1) {
        *state = 'R';
    }
    return (pid_t)parent;
}

void
process_pass_listener(const struct address *address)
{
    int on = 1, listenfd = socket(address->any.sa_family, SOCK_STREAM, 0);
    char pid[24];

    setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listenfd, &address->any, address->length) == -1 || listen(listenfd, 100) == -1 ||
        (listenfd != INHERITED_FD && dup2(listenfd, INHERITED_FD) == -1)) {
        die("a socket to hand on");
    }
    if (listenfd != INHERITED_FD) {
        close(listenfd);
    }
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
}
