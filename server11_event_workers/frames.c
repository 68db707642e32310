#include "frames.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/clock.h"
#include "../common/die.h"

enum { ROOM_LEAST = 4096 };

size_t frames_most;

bool
buffer_grow(struct buffer *buffer, size_t most)
{
    size_t room = buffer->room > 0 ? 2 * buffer->room : ROOM_LEAST;
    char *bytes;

    if (buffer->have < buffer->room) {
        return true;
    }
    room = room < most ? room : most;
    bytes = room > buffer->room ? realloc(buffer->bytes, room) : NULL;
    if (bytes) {
        buffer->bytes = bytes;
        buffer->room = room;
    }
    return bytes != NULL;
}

static enum conn_result refuse(struct conn *conn, const char *format, ...) DIE_PRINTF(2, 3);

/* (Frames leave the room for lines unused.) */
static enum conn_result
refuse(struct conn *conn, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(conn->input, sizeof conn->input, format, arguments);
    va_end(arguments);
    return conn_refuse(conn, conn->input);
}

/* How many bytes the frame has in all, as far as that is known. */
static size_t
whole(const struct buffer *request)
{
    uint32_t big_endian;

    if (request->have < FRAME_HEADER) {
        return FRAME_HEADER;
    }
    memcpy(&big_endian, request->bytes, sizeof big_endian);
    return FRAME_HEADER + (size_t)ntohl(big_endian);
}

static enum conn_result
ended_early(struct conn *conn, const struct buffer *request)
{
    if (request->have == 0) {
        return CONN_CLOSED; /* it has asked for nothing */
    }
    if (request->have < FRAME_HEADER) {
        return refuse(conn, "error: the length takes 4 bytes, %zu came\n", request->have);
    }
    return refuse(conn, "error: the end came after %zu of %zu bytes\n",
                  request->have - FRAME_HEADER, whole(request) - FRAME_HEADER);
}

/* What comes behind the frame is thrown away. */
enum conn_result
frames_read(struct conn *conn, struct frame *frame)
{
    struct buffer *request = &frame->request;
    ssize_t count;
    size_t length;

    if (!buffer_grow(request, FRAME_HEADER + frames_most)) {
        return refuse(conn, "error: no memory for %zu bytes\n", whole(request) - FRAME_HEADER);
    }
    count = read(conn->fd, request->bytes + request->have, request->room - request->have);
    if (count == -1) {
        return conn_received(conn, -1);
    }
    if (count == 0) {
        return ended_early(conn, request);
    }
    conn->have = 1; /* the connection is not idle: see conn_given_up() */
    request->have += (size_t)count;
    conn->more = request->have == request->room;
    length = whole(request) - FRAME_HEADER;
    if (request->have >= FRAME_HEADER && (length < 1 || length > frames_most)) {
        return refuse(conn, "error: the length is %zu, 1 to %zu bytes are allowed\n", length,
                      frames_most);
    }
    if (request->have < FRAME_HEADER + length || request->have == FRAME_HEADER) {
        return CONN_AGAIN;
    }
    request->have = FRAME_HEADER + length;
    conn->state = CONN_WORKING;
    counter_add(&conn->worker->slot->serving, 1);
    return CONN_OK;
}

enum conn_result
frames_write(struct conn *conn, struct frame *frame)
{
    struct buffer *reply = &frame->reply;
    ssize_t count = write(conn->fd, reply->bytes + frame->sent, reply->have - frame->sent);

    if (count == -1) {
        return conn_sent(conn, -1);
    }
    frame->sent += (size_t)count;
    conn->since = clock_us();
    counter_add(&conn->worker->slot->bytes, (unsigned long long)count);
    if (frame->sent < reply->have) {
        return CONN_AGAIN;
    }
    frame->sent = reply->have = 0;
    if (!frame->whole) {
        conn->state = CONN_WORKING;
        return CONN_AGAIN;
    }
    counter_add(&conn->worker->slot->requests, 1);
    conn_request_over(conn);
    frames_forget(frame);
    shutdown(conn->fd, SHUT_WR); /* the reply's end; then a lingering close, as conn.c's */
    conn->state = CONN_DRAINING;
    return CONN_OK;
}

void
frames_refused(struct conn *conn, const struct frame *frame)
{
    conn_request_over(conn);
    conn_refuse(conn, "");
    conn->error = frame->reply.bytes ? frame->reply.bytes : "";
    conn->bytes = frame->reply.have;
}

void
frames_forget(struct frame *frame)
{
    free(frame->request.bytes);
    free(frame->reply.bytes);
    *frame = (struct frame){0};
}
