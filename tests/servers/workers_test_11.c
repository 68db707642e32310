/*
 * workers_test_11 - server11: a forked child that leaves between two requests, because somebody has
 * sent it TERM, has not died of the one that the loop gives it at that moment; a child that has
 * received a request, and ends without an answer, has. (By chance that comes about in one of ten
 * thousand requests.)
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../server11_event_workers/workers.h"
#include "../helpers/check.h"

static struct server of = {.options = {.children = 1}, .board = {.apart = true}};

/* A child gets the request that waits, and ends; it has received it, or not. */
static void
give_and_end(struct client *client, bool received)
{
    struct worker worker = conn_worker_of(1, 0, &of.board.slots[1], 4711);
    int pair[2];

    CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0, "socketpair");
    CHECK_IS(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0, "O_NONBLOCK");
    desk_take(&desks[1], pair[0], &worker);
    CHECK(clients_take() == client, "the request does not wait: %s", client->conn.input);
    CHECK(workers_give(1, client), "%s", "not given");
    counter_add(&worker.slot->wakeups, received);
    close(pair[1]);
    clients_polled[1].revents = POLLIN;
    workers_hear();
    CHECK_IS(desks[1].fd, -1, "the desk is left");
}

int
main(void)
{
    struct worker loop;
    struct client *client;
    int pair[2];

    scoreboard_open(&of.board, 1);
    conn_start(&of.options, "workers_test_11");
    loop = conn_worker(0, 0, &of.board.slots[0]);
    workers_open(&of, NULL);
    CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0, "socketpair");
    clients_add(pair[0], &loop);
    CHECK_IS(write(pair[1], "33\n", 3), 3, "written");
    client = clients_at(clients_first);
    clients_go_on(client);

    for (int i = 0; i < 3; i++) {
        give_and_end(client, false);
        CHECK(!client->retried && client->queued, "child %d had not received it", i);
    }
    give_and_end(client, true);
    CHECK(client->retried && client->queued, "%s", "the first child has died of it");
    give_and_end(client, false);
    CHECK(client->queued, "%s", "this one had not received it");
    give_and_end(client, true);
    CHECK(!client->queued && client->conn.error, "%s", "the second one has died of it");
    return EXIT_SUCCESS;
}
