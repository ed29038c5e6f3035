/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	READ_PIECE = 16 * 1024,
	IN_MAX = FRAME_HEAD + FRAME_BODY_MAX + READ_PIECE,
};

static void on_source(void *context, uint32_t events);
static void on_timer(void *context);

enum status conn_new(
	struct loop *loop, const struct conn_events *events, int fd, struct conn **out)
{
	CLEANUP(conn_freep) struct conn *conn = NULL;
	CLEANUP(fd_closep) int taken = fd;

	conn = calloc(1, sizeof(*conn));
	if (conn == NULL)
		return STATUS_NO_MEMORY;
	conn->loop = loop;
	conn->events = events;
	conn->fd = fd_take(&taken);
	conn->attached = FD_NONE;
	conn->peer = PEER_INIT;
	conn->in = BUF_INIT(IN_MAX);
	conn->out = BUF_INIT(CONN_OUT_MAX);
	conn->source = (struct loop_source){.call = on_source, .context = conn};
	conn->timer = (struct loop_timer){.call = on_timer, .context = conn};
	conn->opened_ms = clock_monotonic_ms();
	TRY(peer_init(&conn->peer, conn->fd, PEER_BY_KERNEL));
	TRY(loop_source_add(loop, &conn->source, conn->fd, EPOLLIN));
	TRY(loop_timer_set(loop, &conn->timer, conn->opened_ms + CONN_HELLO_MS));
	*out = TAKE(conn);
	return STATUS_OK;
}

void conn_freep(struct conn **pointer)
{
	struct conn *conn = *pointer;

	if (conn == NULL)
		return;
	loop_source_remove(conn->loop, &conn->source);
	loop_timer_remove(conn->loop, &conn->timer);
	peer_deinit(&conn->peer);
	fd_closep(&conn->fd);
	fd_closep(&conn->attached);
	buf_deinit(&conn->in);
	buf_deinit(&conn->out);
	freep(pointer);
}

/* The loop comes back for it; until then nothing more is heard or said. */
static void break_it(struct conn *conn, const char *why)
{
	if (conn->is_broken)
		return;
	log_event(LOG_DEBUG, "connection broken", "conn=%llx uid=%u why=\"%s\"",
		(unsigned long long)conn->id, (unsigned int)conn->peer.uid, why);
	conn->is_broken = true;
	must(loop_timer_set(conn->loop, &conn->timer, 0) == STATUS_OK);
}

/* When somebody has waited for too long. */
static uint64_t due_ms(const struct conn *conn)
{
	uint64_t due = UINT64_MAX;

	if (!conn->is_greeted && conn->n_flights == 0)
		due = conn->opened_ms + CONN_HELLO_MS;
	if (conn->frame_ms != 0 && conn->frame_ms + CONN_FRAME_MS < due)
		due = conn->frame_ms + CONN_FRAME_MS;
	if (conn->unread_ms != 0 && conn->unread_ms + CONN_UNREAD_MS < due)
		due = conn->unread_ms + CONN_UNREAD_MS;
	return due;
}

/*
 * The timer is only ever brought forward here; when it fires too early it is set again.
 * So a connection that behaves costs no timer operation per frame.
 */
static void watch(struct conn *conn)
{
	const uint64_t due = due_ms(conn);

	if (due == UINT64_MAX || conn->is_broken ||
		(conn->timer.is_added && conn->timer.at_ms <= due))
		return;
	must(loop_timer_set(conn->loop, &conn->timer, due) == STATUS_OK);
}

static void listen_for(struct conn *conn)
{
	const bool can_hear =
		!conn->is_closing && !conn->is_at_end && conn->out.len < CONN_OUT_HIGH;
	const uint32_t events =
		(can_hear ? EPOLLIN : 0) | (conn->out.len > 0 ? EPOLLOUT : 0);

	if (loop_source_change(conn->loop, &conn->source, events) != STATUS_OK)
		break_it(conn, "cannot be watched");
}

/* As send(), with the attached descriptor beside the first byte. */
static ssize_t send_piece(struct conn *conn, size_t from)
{
	struct iovec piece = {
		.iov_base = conn->out.p + from, .iov_len = conn->out.len - from};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct msghdr envelope = {.msg_iov = &piece, .msg_iovlen = 1};
	ssize_t n;

	if (conn->attached != FD_NONE) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &conn->attached, sizeof(int));
		envelope.msg_control = &control;
		envelope.msg_controllen = sizeof(control.room);
	}
	n = sendmsg(conn->fd, &envelope, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		fd_closep(&conn->attached);
	return n;
}

static void write_out(struct conn *conn)
{
	size_t done = 0;

	while (done < conn->out.len) {
		const ssize_t n = send_piece(conn, done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			break_it(conn, "cannot be written");
			return;
		}
		if (n < 0)
			break;
		done += (size_t)n;
	}
	buf_consume(&conn->out, done);
	if (conn->out.len == 0) {
		buf_deinit(&conn->out);
		conn->unread_ms = 0;
	} else if (done > 0 || conn->unread_ms == 0) {
		conn->unread_ms = clock_monotonic_ms();
	}
}

enum status conn_reserve(struct conn *conn, size_t body_len, uint8_t **out)
{
	must(body_len > 0 && body_len <= FRAME_BODY_MAX);
	if (conn->is_broken)
		return STATUS_IO;
	if (buf_reserve(&conn->out, FRAME_HEAD + body_len) != STATUS_OK) {
		break_it(conn, "too many answers unread");
		return STATUS_NO_MEMORY;
	}
	*out = conn->out.p + conn->out.len + FRAME_HEAD;
	return STATUS_OK;
}

enum status conn_attach(struct conn *conn, int fd)
{
	CLEANUP(fd_closep) int taken = fd;

	if (conn->out.len > 0 || conn->attached != FD_NONE)
		return STATUS_BUSY;
	conn->attached = fd_take(&taken);
	return STATUS_OK;
}

void conn_send(struct conn *conn, size_t body_len)
{
	const bool is_waiting = conn->out.len > 0;

	frame_put_head(conn->out.p + conn->out.len, body_len);
	conn->out.len += FRAME_HEAD + body_len;
	if (!is_waiting)
		write_out(conn);
	if (conn->is_broken)
		return;
	listen_for(conn);
	watch(conn);
}

void conn_end(struct conn *conn)
{
	conn->is_closing = true;
	conn->frame_ms = 0;
	if (conn->out.len == 0)
		break_it(conn, "said good-bye");
}

/* Hands up every whole frame, as long as the answers have room. */
static void hear(struct conn *conn)
{
	size_t at = 0;

	while (conn->in.len - at >= FRAME_HEAD && conn->out.len < CONN_OUT_HIGH &&
		!conn->is_closing && !conn->is_broken) {
		size_t len;

		if (!frame_get_length(conn->in.p + at, &len)) {
			conn->events->on_bad_bytes(
				conn->events->context, conn, STATUS_BAD_FRAME);
			break;
		}
		if (conn->in.len - at - FRAME_HEAD < len)
			break;
		conn->events->on_message(conn->events->context, conn,
			(struct bytes){conn->in.p + at + FRAME_HEAD, len});
		at += FRAME_HEAD + len;
		conn->frame_ms = 0;
	}
	buf_consume(&conn->in, at);
	if (conn->in.len == 0)
		buf_deinit(&conn->in);
	/* A frame that waits because of us, not of the client, has no deadline. */
	if (conn->in.len == 0 || conn->out.len >= CONN_OUT_HIGH || conn->is_closing)
		conn->frame_ms = 0;
	else if (conn->frame_ms == 0)
		conn->frame_ms = clock_monotonic_ms();
}

/*
 * Without room for control data the kernel closes every descriptor that was sent, and
 * says MSG_CTRUNC: nothing foreign ever enters our table.
 */
static ssize_t receive(struct conn *conn, bool *has_descriptor)
{
	struct iovec piece = {
		.iov_base = conn->in.p + conn->in.len, .iov_len = READ_PIECE};
	struct msghdr envelope = {.msg_iov = &piece, .msg_iovlen = 1};
	ssize_t n;

	do {
		n = recvmsg(conn->fd, &envelope, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	*has_descriptor = n >= 0 && (envelope.msg_flags & MSG_CTRUNC) != 0;
	return n;
}

static void on_readable(struct conn *conn)
{
	bool has_descriptor = false;
	ssize_t n;

	if (buf_reserve(&conn->in, READ_PIECE) != STATUS_OK) {
		break_it(conn, "no memory");
		return;
	}
	n = receive(conn, &has_descriptor);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		break_it(conn, "cannot be read");
		return;
	}
	if (has_descriptor) {
		conn->events->on_bad_bytes(
			conn->events->context, conn, STATUS_HAS_DESCRIPTOR);
		return;
	}
	conn->is_at_end = n == 0;
	conn->in.len += (size_t)n;
	hear(conn);
}

/* All that was asked is answered and the client will ask no more. */
static bool is_done(const struct conn *conn)
{
	if (conn->out.len > 0)
		return false;
	return conn->is_closing || (conn->is_at_end && conn->n_flights == 0);
}

static void on_source(void *context, uint32_t events)
{
	struct conn *conn = context;

	if ((events & (EPOLLHUP | EPOLLERR)) != 0 && (events & EPOLLIN) == 0)
		break_it(conn, "closed by the client");
	if ((events & EPOLLOUT) != 0 && !conn->is_broken) {
		write_out(conn);
		/* Frames that waited for room are heard before more is read. */
		if (conn->out.len < CONN_OUT_HIGH && conn->in.len > 0)
			hear(conn);
	}
	if ((events & EPOLLIN) != 0 && !conn->is_broken && !conn->is_closing)
		on_readable(conn);
	if (conn->is_broken || is_done(conn)) {
		conn->events->on_end(conn->events->context, conn);
		return;
	}
	listen_for(conn);
	watch(conn);
}

static void on_timer(void *context)
{
	struct conn *conn = context;

	if (conn->is_broken || is_done(conn)) {
		conn->events->on_end(conn->events->context, conn);
		return;
	}
	if (due_ms(conn) > clock_monotonic_ms()) {
		watch(conn);
		return;
	}
	log_event(LOG_INFO, "connection closed: too slow", "conn=%llx uid=%u pid=%d",
		(unsigned long long)conn->id, (unsigned int)conn->peer.uid,
		(int)conn->peer.pid);
	conn->events->on_end(conn->events->context, conn);
}

bool conn_has_flight(const struct conn *conn, uint64_t request_id)
{
	for (uint32_t i = 0; i < conn->n_flights; i++) {
		if (conn->flights[i].request_id == request_id)
			return true;
	}
	return false;
}

void conn_put_flight(struct conn *conn, uint64_t request_id, uint64_t act_id)
{
	must(conn->n_flights < FRAME_IN_FLIGHT_MAX);
	conn->flights[conn->n_flights++] =
		(struct flight){.request_id = request_id, .act_id = act_id};
}

void conn_take_flight(struct conn *conn, uint64_t act_id)
{
	for (uint32_t i = 0; i < conn->n_flights; i++) {
		if (conn->flights[i].act_id != act_id)
			continue;
		conn->flights[i] = conn->flights[--conn->n_flights];
		return;
	}
}
