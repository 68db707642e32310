/*
 * server11_event_workers - an event loop has the clients, and worker processes do the work.
 *
 * The parent is server07_poll: it accepts, reads and writes, and waits for no client. But it does
 * no work itself. A request that has come whole is a message to one of -n children, through a
 * socket pair; the child works, and sends the message back; then the parent writes the reply. So a
 * slow client never holds a child, and heavy work never holds up the loop; answers come in any
 * order. -Q limits what a child has in hand: the least busy one gets the next request, and while
 * all are full the requests wait in a queue. Nobody reads on from a client that has asked.
 *
 * A message names the client by its descriptor and a generation, for the client may be gone when
 * the answer comes, and its descriptor be another's. If a child dies, another one works for its
 * requests: nothing of the reply has been sent. But one that has cost two children gets an error.
 *
 * Cost: two messages per request, and waking two processes. It breaks where the parent does: then
 * all connections are lost. Compare with server07_poll and server04_fdpass.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/channel.h"
#include "../common/clock.h"
#include "../common/conn.h"
#include "../common/die.h"
#include "../common/listen.h"
#include "../common/pool.h"
#include "../common/server.h"
#include "../common/signals.h"
#include "clients.h"
#include "seats.h"

static void open_places(unsigned others);
static void turn(void);
static int wait_ms(void);
static void hear_children(void);
static void look_after(nfds_t place, int64_t now);
static void go_on(struct client *client);
static void hand_out(void);
static unsigned choose(void);
static void give(struct client *client, unsigned number);
static void watch_seat(unsigned number);
static void lose_child(unsigned number);
static void accept_clients(int most);
static void start_child(unsigned number);
static _Noreturn void child_main(unsigned number, const int pair[2]);
static bool release_idle(void);

static const char help[] =
    "An event loop has the clients; worker processes do the work of their requests.\n\n"
    "  -n N        children that work (default 10); HUP replaces them one by one\n"
    "  -Q N        requests that a child may have in hand (default 1)\n";

enum { CHILDREN = 10, CHILDREN_MAX = 1000, QUEUE_MAX = 64, CLIENTS_MAX = 100000, SPARE = 8 };
enum { BURST = 64, PAUSE_US = 1000 * 1000, LOOK_US = 1000 * 1000, ENDING_US = 50 * 1000 };

static struct server server; /* its listenfd is -1 after a stop signal */
static struct worker loop;   /* opens connections; they are counted as its own until they ask */
static struct pool *pool;
static unsigned queue = 1;
static int64_t accept_after; /* clock_us(): until then the listener is left out of the wait */

/* Invariant: seats[i] is that of child i, which has -Q requests in hand at most; clients_polled[i]
 * watches its descriptor, and clients_polled[0] the listener. */
static struct seat *seats;

int
main(int argc, char **argv)
{
    int status = EXIT_SUCCESS;

    server.options = options_default(CHILDREN);
    while (server_option(&server, argc, argv, "n:Q:", help, CHILDREN_MAX) != -1) {
        queue = (unsigned)options_number('Q', optarg, 1, QUEUE_MAX);
    }
    server.board.apart = true;
    server_open(&server, "", true);
    server.listenfd = listen_open(&server.options);
    listen_nonblocking(server.listenfd);
    pool = pool_open((unsigned)server.options.children);
    open_places(1 + pool->size);
    loop = conn_worker(0, 0, &server.board.slots[0]);
    /* POSIX.1-2008 has no poll() with a mask. */
    pthread_sigmask(SIG_SETMASK, &server.waiting, NULL);
    server_ready(&server);

    while (!signals_stop) {
        turn();
    }
    listen_remove();
    close(server.listenfd);
    server.listenfd = -1;
    while (release_idle() || clients_end > clients_first) { /* until the grace is over, at most */
        turn();
    }
    signals_block(&server.waiting); /* for pselect() */
    while (pool_ending(pool, &server, false, &status)) {
    }
    return server_close(&server, status);
}

/* Places in the array of poll() for the listener and the channels, which are `others`, and clients.
 */
static void
open_places(unsigned others)
{
    unsigned limit = descriptors_raise(CLIENTS_MAX);

    if (limit <= others + SPARE) {
        diex("-n %u needs more descriptors than `ulimit -Hn` allows", others - 1);
    }
    clients_open(others, limit - others - SPARE, limit);
    seats = calloc(others, sizeof *seats);
    if (!seats) {
        die("%u children", others - 1);
    }
    clients_polled[0].events = POLLIN;
    for (unsigned i = 1; i < others; i++) {
        seats[i].fd = -1;
        watch_seat(i);
    }
}

/* One turn of the loop: wait, look after the children, take their answers, let every client that is
 * ready get on by one step, hand out what they have asked for. As in server07_poll a turn after a
 * signal does not wait: before that no time limit counts. */
static void
turn(void)
{
    static bool interrupted;
    unsigned number;
    int64_t now;
    int ready;

    clients_polled[0].fd = clients_full() || clock_us() < accept_after ? -1 : server.listenfd;
    ready = poll(clients_polled, clients_end, interrupted ? 0 : wait_ms());
    interrupted = ready == -1;
    if (interrupted && errno == EINVAL && descriptors_raise(CLIENTS_MAX) >= clients_end) {
        return; /* somebody had lowered the limit */
    }
    if (interrupted) {
        signals_wait_failed(&server.waiting);
        return;
    }
    now = clock_us();
    counter_add(&loop.slot->wakeups, 1);
    pool_turn(pool, &server); /* reaps; HUP and USR1. A child that is stopped gets no more to do */
    while ((number = pool_due(pool)) != 0 && seats[number].fd == -1) {
        start_child(number); /* else there may still be answers of the one that has ended */
    }
    hear_children();
    for (nfds_t i = clients_end - 1; i >= clients_first; i--) { /* see drop: downwards */
        look_after(i, now);
    }
    hand_out();
    if (clients_polled[0].revents != 0) {
        accept_clients(ready > 2 ? BURST : 1); /* when much is ready a turn is long */
    }
}

static int
wait_ms(void)
{
    int64_t us = pool_wait_us(pool), most = signals_stop ? ENDING_US : LOOK_US;

    return (int)(((us == -1 || us > most ? most : us) + 999) / 1000);
}

/* One answer of each child that has some. An answer to a client that has gone reaches nobody. */
static void
hear_children(void)
{
    for (unsigned i = 1; i <= pool->size; i++) {
        struct seat *seat = &seats[i];
        enum seat_news news = SEAT_NOTHING;
        struct client *client;

        if (clients_polled[i].revents != 0) {
            seat_send(seat);
            news = seat_hear(seat);
        }
        if (news == SEAT_LOST) {
            lose_child(i);
        } else if (news == SEAT_ANSWER &&
                   (client = clients_find(seat->in.client, seat->in.generation))) {
            clients_worked_for(client, &seat->worker);
            go_on(client); /* the reply is tried at once */
        }
        watch_seat(i); /* perhaps there was room for the rest of a message */
    }
}

/* A client's turn. While a child works for it no time limit counts but the grace. */
static void
look_after(nfds_t place, int64_t now)
{
    struct client *client = clients_at(place);
    bool over = signals_over();

    if (clients_polled[place].revents != 0 && !over) {
        go_on(client);
    }
    if (client->place != 0 && (client->conn.state != CONN_WORKING || over) &&
        conn_given_up(&client->conn, now)) {
        clients_drop(client);
        accept_after = 0;
    }
}

static void
go_on(struct client *client)
{
    if (clients_step(client) == CONN_CLOSED) {
        clients_drop(client);
        accept_after = 0;
        return;
    }
    if (client->conn.state == CONN_WORKING) { /* a request is here: back-pressure from now on */
        client->retried = false;
        clients_queue(client, false);
    }
    clients_watch(client);
}

/* --- requests to the children, and their answers --------------------------------------------- */

static void
hand_out(void)
{
    unsigned number;
    struct client *client;

    while ((number = choose()) != 0 && (client = clients_take())) {
        give(client, number);
    }
}

/* The child that has least in hand; of several the first; 0 if no child has room. */
static unsigned
choose(void)
{
    unsigned best = 0, best_held = queue;

    for (unsigned i = 1; i <= pool->size && best_held > 0; i++) {
        unsigned held = seats[i].given - seats[i].answered;

        if (held < best_held && seats[i].unsent == 0 && seats[i].fd != -1 && pool_takes(pool, i)) {
            best = i;
            best_held = held;
        }
    }
    return best;
}

static void
give(struct client *client, unsigned number)
{
    struct message message = {.client = (uint32_t)client->conn.fd,
                              .generation = client->generation,
                              .cpu_us = client->conn.cpu_us,
                              .wait_us = client->conn.wait_us};

    seat_give(&seats[number], &message);
    watch_seat(number);
    client->child = number;
    client->nth = seats[number].given;
}

static void
watch_seat(unsigned number)
{
    clients_polled[number].fd = seats[number].fd;
    clients_polled[number].events = seats[number].unsent > 0 ? POLLIN | POLLOUT : POLLIN;
}

/* The child is no more. It had begun with the first of its requests at most: only that one can have
 * been its end. Nothing of a reply has been sent; so another child works for them. */
static void
lose_child(unsigned number)
{
    struct seat *seat = &seats[number];

    for (unsigned nth = seat->given; nth != seat->answered; nth--) { /* so the order stays */
        struct client *client = clients_given(number, nth);
        bool begun = nth == seat->answered + 1;

        if (!client) {
            continue;
        }
        client->nth = 0;
        if (begun && client->retried) {
            conn_unworkable(&client->conn, "error: two processes have died of this request\n");
            go_on(client);
        } else {
            client->retried = client->retried || begun;
            clients_queue(client, true);
        }
    }
    close(seat->fd);
    *seat = (struct seat){.fd = -1};
}

/* As in server07_poll. */
static void
accept_clients(int most)
{
    for (int i = 0; i < most && !clients_full(); i++) {
        int connfd = listen_has_client(server.listenfd) ? accept(server.listenfd, NULL, NULL) : -1;

        if (connfd == -1) {
            counter_add(&loop.slot->wasted, i == 0);
            if (listen_exhausted()) {
                accept_after = clock_us() + PAUSE_US;
            }
            return;
        }
        clients_add(connfd, &loop);
    }
}

/* --- the children ---------------------------------------------------------------------------- */

static void
start_child(unsigned number)
{
    int pair[2];
    bool made = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;
    pid_t pid = made && fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0 ? fork() : -1;

    if (pid == 0) {
        child_main(number, pair);
    }
    pool_started(pool, number, pid);
    if (made) {
        close(pair[1]); /* the child's: if it dies, reading from pair[0] tells so */
    }
    if (made && pid == -1) {
        close(pair[0]);
    } else if (pid > 0) {
        struct worker worker = conn_worker_of(number, 0, &server.board.slots[number], pid);

        seat_take(&seats[number], pair[0], &worker);
        watch_seat(number);
    }
}

/* After HUP or TERM a child leaves when its channel is empty. */
static _Noreturn void
child_main(unsigned number, const int pair[2])
{
    struct worker worker = server_child(&server, number, &server.board.slots[number]);
    struct conn conn = {.worker = &worker};
    struct message message;

    if (clients_polled[0].fd == -1 && server.listenfd != -1) {
        close(server.listenfd); /* the parent's, left out of the wait just now */
    }
    clients_forget(); /* the parent's too: here they would keep the connections open */
    close(pair[0]);
    while (seat_receive(pair[1], &message, &worker)) {
        counter_add(&worker.slot->wakeups, 1);
        conn.state = CONN_WORKING;
        conn.cpu_us = message.cpu_us;
        conn.wait_us = message.wait_us;
        if (conn_work(&conn) == CONN_CLOSED || !seat_answer(pair[1], &message)) {
            break; /* the parent has died */
        }
    }
    scoreboard_publish(worker.slot);
    _exit(EXIT_SUCCESS);
}

/* While the server stops: as many children that can work stay as there are clients that may still
 * need one. When the grace is over none is needed: those without a request, which lose nothing, are
 * killed without a word. True while there are such. */
static bool
release_idle(void)
{
    bool over = signals_over(), any = false;
    unsigned needed = over ? 0 : clients_unserved(), able = 0;

    pool->wanted = needed < pool->wanted ? needed : pool->wanted;
    for (unsigned i = 1; i <= pool->size; i++) {
        able += pool_takes(pool, i);
    }
    for (unsigned i = pool->size; i > 0; i--) {
        if (pool->child[i].pid == 0 || seats[i].given != seats[i].answered) {
            continue;
        }
        if (over) {
            pool_ask(pool, i, SIGKILL);
            any = true;
        } else if (able > needed && pool_takes(pool, i)) {
            pool_ask(pool, i, SIGTERM);
            able--;
        }
    }
    return any;
}
