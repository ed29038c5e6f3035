/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the server, shared by its rooms.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_INTERNAL_H
#define ZEGEL_SERVER_INTERNAL_H

#include "conn.h"
#include "listener.h"
#include "refusal.h"
#include "server.h"
#include "util/slots.h"
#include "wire.h"

/* A socket to connect to. */
struct door {
	struct server *server; /* borrows */
	struct listener listener;
};

struct server {
	struct loop *loop;     /* borrows */
	struct sealer *sealer; /* borrows */
	struct policy *policy; /* held */
	uint64_t generation;   /* of the policy; the first is 1 */
	struct quota *quota;   /* owns */
	struct refusal refusal;
	struct door *doors; /* owns n_doors */
	size_t n_doors;
	struct conn_events events;
	struct slots conns;
	struct wire wire;
	uint64_t started_ms;
};

/* What a handler works with. */
struct call {
	struct server *server;
	struct conn *conn;
	const struct policy_client *client; /* NULL: a stranger; borrows */
	const Zegel__V1__Request *request;  /* borrows until the handler returns */
};

/* dispatch.c: one message of a connection. */
void dispatch_message(struct server *server, struct conn *conn, struct bytes bytes);
/* dispatch.c: tells and answers a refusal, and ends the connection where it must. */
void dispatch_refuse(const struct call *call, uint64_t id, enum status status);

/*
 * The handlers, each in handle_<name>.c. OK: the request is answered, or will be; else
 * the status is the answer.
 */
MUST_CHECK enum status handle_hello(const struct call *call);
MUST_CHECK enum status handle_whoami(const struct call *call);
MUST_CHECK enum status handle_list_keys(const struct call *call);
MUST_CHECK enum status handle_describe_key(const struct call *call);
MUST_CHECK enum status handle_seal(const struct call *call);
MUST_CHECK enum status handle_health(const struct call *call);

#endif
