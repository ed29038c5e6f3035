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
	conn->bill = BILL_INIT;
	conn->in = BUF_INIT(IN_MAX);
	conn->out = BUF_INIT(CONN_OUT_MAX);
	conn->source = (struct loop_source){.call = on_source, .context = conn};
	conn->timer = (struct loop_timer){.call = on_timer, .context = conn};
	conn->opened_ms = clock_monotonic_ms();
	conn->frames_a_turn = CONN_FRAMES_A_TURN;
	/* Once more: it may have waited since before the listening socket had it. */
	TRY(inlet_open(conn->fd));
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
	bill_deinit(&conn->bill);
	freep(&conn->flights);
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
	if (conn->starved_ms != 0 && conn->starved_ms + CONN_STARVED_MS < due)
		due = conn->starved_ms + CONN_STARVED_MS;
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

static bool can_read(const struct conn *conn)
{
	return !conn->is_closing && !conn->is_at_end && !conn->has_more &&
	       conn->starved_ms == 0 && conn->out.len < CONN_OUT_HIGH;
}

static void listen_for(struct conn *conn)
{
	const uint32_t events =
		(can_read(conn) ? EPOLLIN : 0) | (conn->out.len > 0 ? EPOLLOUT : 0);

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

/* What is left in the buffers is the account's to bear. */
static void settle(struct conn *conn)
{
	if (bill_set_bytes(&conn->bill, conn->in.len + conn->out.len) != STATUS_OK)
		break_it(conn, "its user has too much unread");
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
	settle(conn);
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

/* A whole frame at that place of in, or a length that no frame has (then len is 0). */
static bool has_frame(const struct conn *conn, size_t at, size_t *len)
{
	if (conn->in.len - at < FRAME_HEAD)
		return false;
	if (!frame_get_length(conn->in.p + at, len)) {
		*len = 0;
		return true;
	}
	return conn->in.len - at - FRAME_HEAD >= *len;
}

/* Frames that wait because of us, not of the client, have no deadline. */
static void watch_frame(struct conn *conn)
{
	if (conn->in.len == 0 || conn->out.len >= CONN_OUT_HIGH || conn->is_closing ||
		conn->has_more || conn->starved_ms != 0)
		conn->frame_ms = 0;
	else if (conn->frame_ms == 0)
		conn->frame_ms = clock_monotonic_ms();
}

/* Hands up whole frames, as many as a turn has and as long as the answers have room. */
static void hear(struct conn *conn)
{
	size_t at = 0;
	size_t len;
	uint32_t n = 0;

	conn->has_more = false;
	while (conn->out.len < CONN_OUT_HIGH && !conn->is_closing && !conn->is_broken &&
		has_frame(conn, at, &len)) {
		conn->has_more = n++ == conn->frames_a_turn;
		if (conn->has_more)
			break;
		if (len == 0) {
			conn->events->on_bad_bytes(
				conn->events->context, conn, STATUS_BAD_FRAME);
			break;
		}
		conn->events->on_message(conn->events->context, conn,
			(struct bytes){conn->in.p + at + FRAME_HEAD, len});
		at += FRAME_HEAD + len;
		conn->frame_ms = 0;
	}
	buf_consume(&conn->in, at);
	if (conn->in.len == 0)
		buf_deinit(&conn->in);
	watch_frame(conn);
}

/*
 * Nothing that the other one reads was asked by him, and what he says is not heard. What
 * was written before may be read by whoever holds the socket: that is what handing it on
 * means (docs/security.md).
 */
static void meet_another(struct conn *conn, const struct inlet_piece *piece)
{
	if (conn->events->on_changed != NULL)
		conn->events->on_changed(conn->events->context, conn, piece);
	buf_deinit(&conn->out);
	break_it(conn, "another user writes");
}

static void on_readable(struct conn *conn)
{
	struct inlet_piece piece;
	enum status status;

	if (bill_set_bytes(&conn->bill, conn->in.len + conn->out.len + READ_PIECE) !=
		STATUS_OK) {
		conn->starved_ms = clock_monotonic_ms();
		watch_frame(conn);
		return;
	}
	if (buf_reserve(&conn->in, READ_PIECE) != STATUS_OK) {
		break_it(conn, "no memory");
		return;
	}
	status = inlet_read(conn->fd, conn->in.p + conn->in.len, READ_PIECE, &piece);
	if (status == STATUS_BUSY)
		return;
	if (status != STATUS_OK) {
		break_it(conn, "cannot be read");
		return;
	}
	if (piece.len > 0 && (!piece.has_writer || piece.uid != conn->peer.uid)) {
		meet_another(conn, &piece);
		return;
	}
	if (piece.has_descriptor) {
		conn->events->on_bad_bytes(
			conn->events->context, conn, STATUS_HAS_DESCRIPTOR);
		return;
	}
	conn->is_at_end = piece.len == 0;
	conn->in.len += piece.len;
	hear(conn);
}

/* All that was asked is answered and the client will ask no more. */
static bool is_done(const struct conn *conn)
{
	if (conn->out.len > 0 || (conn->has_more && !conn->is_closing))
		return false;
	return conn->is_closing || (conn->is_at_end && conn->n_flights == 0);
}

static void on_source(void *context, uint32_t events)
{
	struct conn *conn = context;
	bool has_room = false;

	if ((events & (EPOLLHUP | EPOLLERR)) != 0 && (events & EPOLLIN) == 0)
		break_it(conn, "closed by the client");
	if ((events & EPOLLOUT) != 0 && !conn->is_broken) {
		write_out(conn);
		has_room = conn->out.len < CONN_OUT_HIGH && !conn->has_more;
	}
	/* Frames that waited for room, or for this turn: before more is read. */
	if ((has_room || (conn->has_more && events == 0)) && conn->in.len > 0)
		hear(conn);
	if ((events & EPOLLIN) != 0 && can_read(conn) && !conn->is_broken)
		on_readable(conn);
	settle(conn);
	if (conn->is_broken || is_done(conn)) {
		conn->events->on_end(conn->events->context, conn);
		return;
	}
	listen_for(conn);
	watch(conn);
	if (conn->has_more)
		loop_source_again(conn->loop, &conn->source);
}

/* Its account may have bytes again; the next read will tell. */
static void end_starving(struct conn *conn)
{
	conn->starved_ms = 0;
	watch_frame(conn);
	listen_for(conn);
	watch(conn);
}

static void on_timer(void *context)
{
	struct conn *conn = context;
	const uint64_t now = clock_monotonic_ms();

	if (conn->is_broken || is_done(conn)) {
		conn->events->on_end(conn->events->context, conn);
		return;
	}
	if (due_ms(conn) > now) {
		watch(conn);
		return;
	}
	if (conn->starved_ms != 0 && conn->starved_ms + CONN_STARVED_MS <= now) {
		end_starving(conn);
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

enum status conn_check_flight(struct conn *conn)
{
	if (conn->n_flights == FRAME_IN_FLIGHT_MAX)
		return STATUS_TOO_MANY;
	if (conn->flights == NULL)
		conn->flights = calloc(FRAME_IN_FLIGHT_MAX, sizeof(*conn->flights));
	if (conn->flights == NULL)
		return STATUS_NO_MEMORY;
	return bill_check_request(&conn->bill) == STATUS_OK ? STATUS_OK
							    : STATUS_TOO_MANY;
}

void conn_put_flight(struct conn *conn, uint64_t request_id, uint64_t act_id)
{
	must(conn->flights != NULL && conn->n_flights < FRAME_IN_FLIGHT_MAX);
	bill_add_request(&conn->bill);
	conn->flights[conn->n_flights++] =
		(struct flight){.request_id = request_id, .act_id = act_id};
}

void conn_take_flight(struct conn *conn, uint64_t act_id)
{
	for (uint32_t i = 0; i < conn->n_flights; i++) {
		if (conn->flights[i].act_id != act_id)
			continue;
		conn->flights[i] = conn->flights[--conn->n_flights];
		bill_drop_request(&conn->bill);
		break;
	}
	if (conn->n_flights == 0)
		freep(&conn->flights);
}
