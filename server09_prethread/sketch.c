/*
 * sketch09 - threads, created beforehand, share the listening socket: each accepts and serves.
 *
 * The model on one page, as a textbook prints it: sketch03 with threads in place of children.
 * `breaks N` stands where the world breaks it: README.md shows each of these faults;
 * server09_prethread is the same model without them.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *thread_main(void *reply);
static void make_reply(char *reply, int thread);
static void serve(int connfd, const char *reply);
static int check(long result, const char *call);

enum { THREADS = 10, BLOCK = 64 * 61 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";
static char replies[THREADS][BLOCK + 61]; /* one for each thread */
static int listenfd;

int
main(int argc, char **argv)
{
    int on = 1;
    pthread_t thread;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 2000));
    listenfd = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listenfd, (struct sockaddr *)&address, length), "bind");
    check(listen(listenfd, SOMAXCONN), "listen");
    check(getsockname(listenfd, (struct sockaddr *)&address, &length), "getsockname");
    dprintf(STDOUT_FILENO, "sketch09: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));

    for (int i = 0; i < THREADS; i++) {
        make_reply(replies[i], i + 1);
        check(pthread_create(&thread, NULL, thread_main, replies[i]) ? -1 : 0, "pthread_create");
    }
    pthread_join(thread, NULL); /* it has no end: the first thread has nothing else to do */
}

static void *
thread_main(void *reply)
{
    for (;;) {
        int connfd = check(accept(listenfd, NULL, NULL), "accept"); /* breaks 3: EMFILE ends all */

        serve(connfd, reply);
        close(connfd);
    }
    return NULL;
}

static void
make_reply(char *reply, int thread)
{
    int end = snprintf(reply, 32, "child 0.%d pid %d", thread, getpid());

    for (int i = end; i < BLOCK + 61; i++) {
        reply[i] = (char)(i < 31 ? ' ' : i == 31 ? '\n' : letters[i % 61]);
    }
}

static void
serve(int connfd, const char *reply)
{
    char line[64] = "";

    /* breaks 1: THREADS clients that say nothing keep all others waiting for ever */
    while (read(connfd, line, sizeof line - 1) > 0) {
        for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
            /* breaks 2: a client that leaves within its reply ends the process, and all threads */
            left -= check(write(connfd, reply + at, left < BLOCK ? left : BLOCK), "write");
        }
    }
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
