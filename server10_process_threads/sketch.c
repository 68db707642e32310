/*
 * sketch10 - children forked beforehand, each with threads, share the listening socket.
 *
 * The model on one page, as a textbook prints it: sketch03 whose children are sketch09.
 * `breaks N` stands where the world breaks it: README.md shows each of these faults;
 * server10_process_threads is the same model without them.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void child_main(int child);
static void *thread_main(void *argument);
static int check(long result, const char *call);

enum { CHILDREN = 2, THREADS = 5, BLOCK = 64 * 61 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
static char replies[THREADS][BLOCK + 61]; /* one for each thread; each child has its own */
static int listenfd;

int
main(int argc, char **argv)
{
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 2000));
    listenfd = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listenfd, (struct sockaddr *)&address, length), "bind");
    check(listen(listenfd, SOMAXCONN), "listen");
    check(getsockname(listenfd, (struct sockaddr *)&address, &length), "getsockname");
    dprintf(STDOUT_FILENO, "sketch10: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));

    for (int child = 1; child <= CHILDREN; child++) {
        if (check(fork(), "fork") == 0) { /* before there are threads: fork() copies only one */
            child_main(child);
        }
    }
    while (wait(NULL) > 0) { /* breaks 3: a child that dies is not replaced, its threads neither */
    }
}

static void
child_main(int child)
{
    pthread_t thread;

    for (int i = 0; i < THREADS; i++) {
        int end = snprintf(replies[i], 32, "child %d.%d pid %d", child, i + 1, getpid());

        for (int at = end; at < BLOCK + 61; at++) {
            replies[i][at] = (char)(at < 31 ? ' ' : at == 31 ? '\n' : letters[at % 61]);
        }
        check(pthread_create(&thread, NULL, thread_main, replies[i]) ? -1 : 0, "pthread_create");
    }
    pthread_join(thread, NULL); /* it has no end; breaks 4: nor has it when the parent dies */
}

static void *
thread_main(void *argument)
{
    for (;;) {
        char line[64] = "", *reply = argument;
        int connfd = check(accept(listenfd, NULL, NULL), "accept");

        /* breaks 1: CHILDREN * THREADS clients that say nothing keep all others waiting for ever */
        while (read(connfd, line, sizeof line - 1) > 0) {
            for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
                /* breaks 2: a client that leaves within its reply ends the whole child */
                left -= check(write(connfd, reply + at, left < BLOCK ? left : BLOCK), "write");
            }
        }
        close(connfd);
    }
    return NULL;
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
