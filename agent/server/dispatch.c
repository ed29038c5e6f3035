/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a message to its handler. The table is the whole state machine: hello comes first
 * and once, everything else comes after it. A stranger gets no further than who he is.
 */
#include "admit.h"
#include "internal.h"
#include "reply.h"

struct row {
	Zegel__V1__Request__WhatCase what;
	bool is_greeting;
	bool is_for_strangers;
	enum status (*handle)(const struct call *call);
};

static const struct row rows[] = {
	{ZEGEL__V1__REQUEST__WHAT_HELLO, true, true, handle_hello},
	{ZEGEL__V1__REQUEST__WHAT_WHOAMI, false, true, handle_whoami},
	{ZEGEL__V1__REQUEST__WHAT_LIST_KEYS, false, false, handle_list_keys},
	{ZEGEL__V1__REQUEST__WHAT_DESCRIBE_KEY, false, false, handle_describe_key},
	{ZEGEL__V1__REQUEST__WHAT_SEAL, false, false, handle_seal},
	{ZEGEL__V1__REQUEST__WHAT_HEALTH, false, false, handle_health},
};

/* After these the client and we do not agree on what the next byte means. */
static bool is_fatal(enum status status)
{
	return status == STATUS_BAD_FRAME || status == STATUS_BAD_MESSAGE ||
	       status == STATUS_HAS_DESCRIPTOR || status == STATUS_NO_HELLO ||
	       status == STATUS_BAD_VERSION;
}

void dispatch_refuse(const struct call *call, uint64_t id, enum status status)
{
	refusal_of_request(call, id, status);
	reply_error(call->conn, id, status, 0);
	if (is_fatal(status))
		conn_end(call->conn);
}

static enum status handle(const struct call *call)
{
	const Zegel__V1__Request *request = call->request;

	if (conn_has_flight(call->conn, request->id))
		return STATUS_DUPLICATE_ID;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].what != request->what_case)
			continue;
		if (rows[i].is_greeting == call->conn->is_greeted)
			return STATUS_NO_HELLO;
		/* What he asks for is not looked at: it costs next to nothing. */
		if (call->client == NULL && !rows[i].is_for_strangers)
			return STATUS_DENIED;
		return rows[i].handle(call);
	}
	return STATUS_UNKNOWN_REQUEST;
}

/* The policy may be another than when it connected. */
static enum status recognise(struct call *call)
{
	struct conn *conn = call->conn;

	if (conn->generation != call->server->generation)
		TRY(admit_conn(call->server, conn));
	call->client = conn->client;
	return STATUS_OK;
}

void dispatch_message(struct server *server, struct conn *conn, struct bytes bytes)
{
	struct call call = {.server = server, .conn = conn};
	uint64_t id = 0;
	enum status status = recognise(&call);

	if (status != STATUS_OK) {
		dispatch_refuse(&call, 0, STATUS_TOO_MANY_CONNECTIONS);
		conn_end(conn);
		return;
	}
	status = wire_open(&server->wire, bytes, &call.request, &id);
	if (status != STATUS_OK) {
		dispatch_refuse(&call, id, status);
		return;
	}
	status = handle(&call);
	if (status != STATUS_OK)
		dispatch_refuse(&call, id, status);
	wire_close(&server->wire);
}
