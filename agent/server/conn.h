/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client's connection: bytes in, frames up, answers out. It knows lengths, deadlines,
 * how many requests are in flight and how much of each its account bears; not what they
 * mean.
 *
 * Whoever writes must be the user that connected; at the first byte of another the
 * connection breaks. In one turn of the loop only a few frames are heard, so that nobody
 * has the loop for himself.
 *
 * A connection is freed only from its own events, never while it is being spoken to: what
 * goes wrong inside marks it, and the loop comes back for it.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_CONN_H
#define ZEGEL_SERVER_CONN_H

#include "bill.h"
#include "inlet.h"
#include "peer.h"
#include "proto/frame.h"
#include "util/buf.h"
#include "util/defs.h"
#include "util/loop.h"

enum {
	CONN_HELLO_MS = 5000,   /* to the first whole request */
	CONN_FRAME_MS = 2000,   /* from a frame's first byte to its last */
	CONN_UNREAD_MS = 10000, /* an answer that the client does not read */
	CONN_STARVED_MS = 50,   /* until an account that had nothing is asked again */
	CONN_OUT_HIGH =
		128 * 1024, /* of answers not read: then nothing more is heard */
	CONN_OUT_MAX = 768 * 1024,
	CONN_FRAMES_A_TURN = 16,
};

struct conn;

/* Handed down by the server. */
struct conn_events {
	void *context;
	/* One whole message; bytes borrow until it returns. */
	void (*on_message)(void *context, struct conn *conn, struct bytes bytes);
	/* BAD_FRAME or HAS_DESCRIPTOR: to be answered, then closed. */
	void (*on_bad_bytes)(void *context, struct conn *conn, enum status status);
	/* Bytes of another user came; it is broken. NULL: nobody wants to know. */
	void (*on_changed)(
		void *context, struct conn *conn, const struct inlet_piece *piece);
	/* Its end: forget the acts in flight and free it. */
	void (*on_end)(void *context, struct conn *conn);
};

struct flight {
	uint64_t request_id;
	uint64_t act_id;
};

struct conn {
	uint64_t id;
	struct loop *loop;                /* borrows */
	const struct conn_events *events; /* borrows */
	struct peer peer;                 /* owns */
	int fd;                           /* owns */
	struct loop_source source;
	struct loop_timer timer;
	struct buf in;
	struct buf out;
	int attached;    /* owns; goes with the first byte of out */
	bool is_greeted; /* hello was said */
	bool is_closing; /* closes when out is written */
	bool is_broken;  /* closes now */
	bool is_at_end;  /* the client will say no more */
	bool has_more;   /* a whole frame waits in in for the next turn */
	bool is_reader;  /* of an officer: that he reads the record is in it */
	uint64_t opened_ms;
	uint64_t frame_ms;   /* when the frame in in began; 0: none */
	uint64_t unread_ms;  /* since when out waits for the client; 0: it does not */
	uint64_t starved_ms; /* since when its account has no bytes left; 0: it has */
	uint32_t n_flights;
	uint32_t frames_a_turn;
	struct flight *flights; /* owns FRAME_IN_FLIGHT_MAX; NULL while there is none */
	struct bill bill;       /* of in, out and flights */
	/* Of the server: who it is by the policy of that generation; 0: not asked yet. */
	const struct policy_client *client;
	uint64_t generation;
};

/* Takes fd, also on failure. gives */
MUST_CHECK enum status conn_new(
	struct loop *loop, const struct conn_events *events, int fd, struct conn **out);
void conn_freep(struct conn **conn);

/*
 * Room for a message of body_len bytes (1 to FRAME_BODY_MAX) behind its head, to be
 * filled and then sent with conn_send(). NO_MEMORY when the client has let too much pile
 * up; then the connection is broken.
 */
MUST_CHECK enum status conn_reserve(struct conn *conn, size_t body_len, uint8_t **out);
void conn_send(struct conn *conn, size_t body_len);
/*
 * Sends fd (takes it) with the first byte of the next conn_send(). BUSY when an answer
 * before it is not read yet: then fd is closed.
 */
MUST_CHECK enum status conn_attach(struct conn *conn, int fd);
/* No more is heard; closes when what was sent is read. */
void conn_end(struct conn *conn);

bool conn_has_flight(const struct conn *conn, uint64_t request_id);
/*
 * Whether one more may be in flight. TOO_MANY for the connection or its account, or
 * NO_MEMORY. It holds until something else happens.
 */
MUST_CHECK enum status conn_check_flight(struct conn *conn);
/* conn_check_flight() has just said OK. */
void conn_put_flight(struct conn *conn, uint64_t request_id, uint64_t act_id);
void conn_take_flight(struct conn *conn, uint64_t act_id);

#endif
