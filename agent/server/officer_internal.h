/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the officers' side: officer.c (who is there), handle_officer.c (what they
 * ask). Its contract is none of the clients' rooms'.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_OFFICER_INTERNAL_H
#define ZEGEL_SERVER_OFFICER_INTERNAL_H

#include "conn.h"
#include "listener.h"
#include "officer.h"
#include "officer.pb-c.h"
#include "util/hush.h"
#include "util/slots.h"
#include "wire.h"

struct officer_server {
	struct loop *loop;              /* borrows */
	struct audit *audit;            /* borrows */
	const struct sealer *sealer;    /* borrows */
	struct policy *policy;          /* held */
	const struct listen_spec *spec; /* borrows */
	officer_reload_fn *on_reload;
	void *context;
	struct listener listener;
	struct conn_events events;
	struct slots conns;
	struct hush strangers; /* lines about who knocks and is none */
	struct wire wire;
};

struct officer_call {
	struct officer_server *officer;
	struct conn *conn;
	const Zegel__Officer__V1__Request *request; /* borrows until it is handled */
};

/* OK: the request is answered; else the status is the answer, and the end. */
MUST_CHECK enum status handle_officer_hello(const struct officer_call *call);
MUST_CHECK enum status handle_officer_reload(const struct officer_call *call);
MUST_CHECK enum status handle_officer_open_record(const struct officer_call *call);
MUST_CHECK enum status handle_officer_explain(const struct officer_call *call);

void officer_reply_error(struct conn *conn, uint64_t id, enum status status);

#endif
