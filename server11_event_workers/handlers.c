#include "handlers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/crew.h"
#include "../common/die.h"
#include "../common/signals.h"
#include "../common/spawn.h"
#include "workers.h"

/* (The loop keeps both ends of a handler's channel: that it has died SIGCHLD tells.) */
void
handlers_start(unsigned number)
{
    struct desk *desk = &desks[number];
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;

    crew_vacate(number, desk->given);
    crew_starts(number);
    if (channel_open(&desk->channel, SOCK_STREAM) &&
        spawn_actions(&actions, number, desk->channel.receiver, crew.boardfd)) {
        int error = posix_spawnp(&pid, crew.program, &actions, &spawn_attributes, crew.arguments,
                                 spawn_environment());

        posix_spawn_file_actions_destroy(&actions);
        pid = error == 0 ? pid : -1;
        errno = error;
    }
    crew_started(number, pid);
    if (pid != -1) {
        desk->worker = conn_worker_of(number, 0, &crew.server->board.slots[number], pid);
        desk->dead = false;
    }
}

/* --- errands --------------------------------------------------------------------------------- */

static unsigned long long
failures(const struct slot *counters)
{
    return counter_get(&counters->timed_out) + counter_get(&counters->broken);
}

/* Sends the handler its end of a new pair. (Both ends are close-on-exec: another handler may be
 * started meanwhile.) */
static bool
errand_begin(struct errand *errand, struct channel *channel, const struct slot *counters)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1) {
        warn_seldom(&crew.pool->quiet_until, "cannot hand out a request, trying again");
        return false;
    }
    if (fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1 || fcntl(pair[0], F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(pair[1], F_SETFD, FD_CLOEXEC) == -1 || !channel_send(channel, pair[1])) {
        close(pair[0]);
        close(pair[1]);
        return false;
    }
    *errand = (struct errand){.fd = pair[0],
                              .requests = counter_get(&counters->requests),
                              .rejected = counter_get(&counters->rejected),
                              .failed = failures(counters)};
    return true;
}

/* Of a reply that is too long to hold more is read when the client has taken all that is here: so
 * the handler waits for it. */
static bool
wants_more(const struct frame *frame)
{
    return frame->streams ? frame->reply.have == 0 : frame->reply.have <= frames_most;
}

static struct pollfd
errand_watch(const struct errand *errand, const struct frame *frame)
{
    int events =
        (wants_more(frame) ? POLLIN : 0) | (errand->given < frame->request.have ? POLLOUT : 0);

    return (struct pollfd){.fd = events != 0 ? errand->fd : -1, .events = (short)events};
}

/* Nobody wants the reply: a handler that writes on gets EPIPE. */
static void
errand_close(struct errand *errand)
{
    if (errand->fd != -1) {
        close(errand->fd);
        errand->fd = -1;
    }
}

/* How many bytes read() or write() has moved. The pair is closed at the end of the file; a reset is
 * one too, of a handler that has left some of the frame. But one that has not replied either has
 * had no descriptor for its end of the pair. */
static size_t
moved(struct errand *errand, ssize_t count, bool replied)
{
    if (count > 0) {
        errand->broken = false;
        return (size_t)count;
    }
    if (count == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) {
        errand->broken |= count == -1 && (errno != ECONNRESET || !replied);
        errand_close(errand);
    }
    return 0;
}

/* A handler that has closed its end needs no more of the frame, and gets none (whatever write()
 * said of it); what it has said can be read. If that is nothing it has had no descriptor. */
static void
give_on(struct errand *errand, const struct buffer *request, bool replied)
{
    const char *rest = request->bytes + errand->given;
    ssize_t count = write(errand->fd, rest, request->have - errand->given);

    if (count == -1 && (errno == EPIPE || errno == ECONNRESET)) {
        shutdown(errand->fd, SHUT_WR);
        errand->given = request->have;
        errand->broken = !replied;
    } else {
        errand->given += moved(errand, count, true);
    }
}

/* Writes and reads, one call each at most. If the handler has ended its reply, the pair is closed.
 */
static void
errand_step(struct errand *errand, struct frame *frame)
{
    struct buffer *reply = &frame->reply;
    bool replied = reply->have > 0 || frame->streams;

    if (errand->given < frame->request.have) {
        give_on(errand, &frame->request, replied);
    }
    if (errand->fd != -1 && wants_more(frame) && buffer_grow(reply, frames_most + 1)) {
        char *end = reply->bytes + reply->have;
        ssize_t count = read(errand->fd, end, reply->room - reply->have);

        reply->have += moved(errand, count, replied);
    }
}

/* When the pair is closed, what the handler's counters, or `done`, say of it. UNKNOWN: nothing; it
 * still works, or has died. (Of each connection a handler counts one of these, before it closes; or
 * none.) */
enum errand_end { ERRAND_UNKNOWN, ERRAND_GOOD, ERRAND_REFUSED, ERRAND_CUT };
static enum errand_end
errand_end(const struct errand *errand, const struct slot *counters, bool done)
{
    bool good = counter_get(&counters->requests) != errand->requests;
    bool refused = counter_get(&counters->rejected) != errand->rejected;

    if (failures(counters) == errand->failed && !done && !good && !refused) {
        return ERRAND_UNKNOWN;
    }
    if (errand->broken || failures(counters) != errand->failed) {
        return ERRAND_CUT;
    }
    return refused ? ERRAND_REFUSED : ERRAND_GOOD;
}

bool
handlers_give(unsigned number, struct client *client)
{
    struct desk *desk = &desks[number];

    if (!errand_begin(&desk->errand, &desk->channel, &board_slots(crew.board)[number])) {
        return false;
    }
    desk->given++;
    client->frame.reply.have = 0; /* what a handler that died has said */
    errand_step(&desk->errand, &client->frame);
    return true;
}

/* A part of its reply has been sent: it must not look like all of it. */
static void
cut(struct client *client)
{
    errno = ECONNRESET;
    conn_received(&client->conn, -1);
    conn_reset(client->conn.fd);
    clients_drop(client);
}

static void
deliver(struct client *client, unsigned number, enum errand_end end)
{
    const struct desk *desk = &desks[number];
    bool streams = client->frame.streams;

    if (end == ERRAND_CUT || (streams && end != ERRAND_GOOD)) {
        cut(client);
        return;
    }
    if (end == ERRAND_UNKNOWN) {
        workers_take_back(client, desk->begun);
        return;
    }
    client->frame.whole = true;
    clients_worked_for(client, &desk->worker);
    if (end == ERRAND_REFUSED) {
        frames_refused(&client->conn, &client->frame);
    }
    clients_go_on(client);
}

/* There is no room for more of its reply: the client gets what is there, and more as it takes that.
 */
static void
stream(struct client *client, struct desk *desk)
{
    if (client->frame.reply.have > 0) {
        client->frame.streams = true;
        clients_worked_for(client, &desk->worker);
    } else { /* no memory */
        conn_unworkable(&client->conn, "error: no memory for the reply\n");
        errand_close(&desk->errand);
        desk->out.client = UINT32_MAX; /* nobody */
    }
    clients_go_on(client);
}

/* What the handler has in hand is settled when the pair is closed, and it says that it has finished
 * or has died: it may still work for a client that has gone. */
void
handlers_hear(unsigned number)
{
    struct desk *desk = &desks[number];
    struct errand *errand = &desk->errand;
    struct client *client = clients_find(desk->out.client, desk->out.generation);
    const struct slot *counters = &board_slots(crew.board)[number];
    bool done = atomic_load(&crew.board->seat[number].done) == desk->given;
    enum errand_end end;

    if (workers_held(number) == 0) {
        return;
    }
    if (!client || (desk->dead && errand_end(errand, counters, done) == ERRAND_UNKNOWN)) {
        errand_close(errand); /* (a process that the handler has started may have its end) */
    } else if (errand->fd != -1 && clients_polled[number].revents != 0) {
        bool waits = client->frame.streams && client->frame.reply.have == 0;

        errand_step(errand, &client->frame);
        if (errand->fd != -1 && (waits ? client->frame.reply.have > 0
                                       : !client->frame.streams &&
                                             !buffer_grow(&client->frame.reply, frames_most + 1))) {
            stream(client, desk);
        }
    }
    end = errand_end(errand, counters, done);
    if (errand->fd == -1 && (end != ERRAND_UNKNOWN || desk->dead)) {
        desk->answered++;
        client = clients_find(desk->out.client, desk->out.generation);
        if (client) {
            deliver(client, number, end);
        }
    }
}

/* A handler counts what concerns its process alone; what concerns connections the loop counts. */
static void
take_counters(unsigned number)
{
    struct slot *from = &board_slots(crew.board)[number], *to = &crew.server->board.slots[number];

    counter_set(&to->wakeups, counter_get(&from->wakeups));
    counter_set(&to->wasted, counter_get(&from->wasted));
    counter_set(&to->peak_kib, counter_get(&from->peak_kib));
    counter_set(&to->running_switches, counter_get(&from->running_switches));
    counter_set(&to->running_user_us, counter_get(&from->running_user_us));
    counter_set(&to->running_system_us, counter_get(&from->running_system_us));
}

/* What it had not received has not been its end. Whether it had, its channel tells, not the
 * handler: one that never said so would get the request again, and die of it, without end. The
 * connection in there is closed with the channel: the loop reads the end. */
void
handlers_reap(void)
{
    struct server *server = crew.server;
    struct pool *pool = crew.pool;
    struct scoreboard ended = {.slots = board_slots(crew.board), .apart = true};
    unsigned number;
    int status;

    while ((number = crew_reap(&status)) != 0) {
        struct desk *desk = &desks[number];
        struct channel *channel = &desk->channel;

        desk->begun = channel_inside(channel) == 0;
        take_counters(number);
        pool_ended(pool, server, pool->child[number].pid, status);
        scoreboard_reaped(&ended, number); /* else its successor would be said to have used that */
        close(channel->sender);
        close(channel->receiver);
        channel->sender = channel->receiver = -1;
        desk->dead = true;
    }
    crew_notice_ready();
    server->stats.children_started = pool->started;
    server->stats.children_lost = pool->lost;
}

bool
handlers_watch(unsigned number)
{
    const struct desk *desk = &desks[number];
    const struct client *client = clients_find(desk->out.client, desk->out.generation);
    bool watched = workers_held(number) > 0 && desk->errand.fd != -1 && client;

    clients_polled[number].fd = -1;
    if (watched) {
        clients_polled[number] = errand_watch(&desk->errand, &client->frame);
    }
    return watched || workers_held(number) == 0;
}

void
handlers_look(void)
{
    const struct pool *pool = crew.pool;

    handlers_reap();
    pool_replace(crew.pool, crew.server);
    crew_look_at_leaving();
    for (unsigned i = 1; signals_report && i <= pool->size; i++) {
        if (pool->child[i].pid != 0) {
            take_counters(i);
        }
    }
    server_report_if_asked(crew.server);
}
