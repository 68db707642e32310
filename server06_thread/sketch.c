/*
 * sketch06 - a thread for each connection.
 *
 * The model on one page, as a textbook prints it. All threads share all descriptors: nobody but its
 * thread closes a connection. `breaks N` stands where the world breaks the model: README.md shows
 * each of these faults; server06_thread is the same model without them.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *thread_main(void *connection);
static void serve(int connfd, const char *reply);
static int check(long result, const char *call);

enum { BLOCK = 64 * 61 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwx-";

int
main(int argc, char **argv)
{
    int listenfd = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 2000));
    check(setsockopt(listenfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listenfd, (struct sockaddr *)&address, length), "bind");
    check(listen(listenfd, SOMAXCONN), "listen");
    check(getsockname(listenfd, (struct sockaddr *)&address, &length), "getsockname");
    dprintf(STDOUT_FILENO, "sketch06: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));

    for (;;) {
        int *connfd = malloc(sizeof *connfd); /* one for each thread, which frees it */
        pthread_t thread;

        check(connfd ? 0 : -1, "malloc");
        *connfd = check(accept(listenfd, NULL, NULL), "accept");

        /* breaks 1: a thread for each client, however many come; and no thread ends the server
         * breaks 2: nobody waits for the thread's end: its stack is kept for one who does */
        if (pthread_create(&thread, NULL, thread_main, connfd) != 0) {
            check(-1, "pthread_create");
        }
    }
}

static void *
thread_main(void *connection)
{
    static atomic_int threads; /* created so far */
    int connfd = *(int *)connection;
    char reply[BLOCK + 61];
    int end = snprintf(reply, 32, "child 0.%d pid %d", ++threads, getpid());

    for (int i = end; i < BLOCK + 61; i++) {
        reply[i] = (char)(i < 31 ? ' ' : i == 31 ? '\n' : letters[i % 61]);
    }
    free(connection);
    serve(connfd, reply);
    close(connfd); /* exit(), or a crash, would end all the others too */
    return NULL;
}

static void
serve(int connfd, const char *reply)
{
    char line[64] = "";

    /* breaks 3: a client that says nothing keeps its thread for ever */
    while (read(connfd, line, sizeof line - 1) > 0) {
        for (long left = atol(line), at = left < 32 ? 61 : 0; left > 0; at = 61) {
            /* breaks 4: a client that leaves within its reply ends the process, and all threads */
            left -= check(write(connfd, reply + at, left < BLOCK ? left : BLOCK), "write");
        }
    }
}

static int
check(long result, const char *call)
{
    return result == -1 ? (perror(call), exit(1), -1) : (int)result;
}
