/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a message to its handler. The table is the whole state machine: hello comes first
 * and once, everything else comes after it.
 */
#include <inttypes.h>

#include "internal.h"
#include "reply.h"
#include "util/log.h"

struct row {
	Zegel__V1__Request__WhatCase what;
	bool is_greeting;
	enum status (*handle)(const struct call *call);
};

static const struct row rows[] = {
	{ZEGEL__V1__REQUEST__WHAT_HELLO, true, handle_hello},
	{ZEGEL__V1__REQUEST__WHAT_LIST_KEYS, false, handle_list_keys},
	{ZEGEL__V1__REQUEST__WHAT_DESCRIBE_KEY, false, handle_describe_key},
	{ZEGEL__V1__REQUEST__WHAT_SEAL, false, handle_seal},
	{ZEGEL__V1__REQUEST__WHAT_HEALTH, false, handle_health},
};

/* After these the client and we do not agree on what the next byte means. */
static bool is_fatal(enum status status)
{
	return status == STATUS_BAD_FRAME || status == STATUS_BAD_MESSAGE ||
	       status == STATUS_HAS_DESCRIPTOR || status == STATUS_NO_HELLO ||
	       status == STATUS_BAD_VERSION;
}

void dispatch_refuse(struct conn *conn, uint64_t id, enum status status)
{
	log_event(LOG_INFO, "refused",
		"req=%" PRIx64 ".%" PRIu64 " uid=%u pid=%d status=%s why=\"%s\"",
		conn->id, id, (unsigned int)conn->peer.uid, (int)conn->peer.pid,
		status_name(status), status_text(status));
	reply_error(conn, id, status, 0);
	if (is_fatal(status))
		conn_end(conn);
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
		return rows[i].handle(call);
	}
	return STATUS_UNKNOWN_REQUEST;
}

void dispatch_message(struct server *server, struct conn *conn, struct bytes bytes)
{
	const struct policy_peer peer = {.uid = conn->peer.uid,
		.gid = conn->peer.gid,
		.unit = "",
		.exe = "",
		.label = "",
		.listen = ""};
	struct call call = {.server = server, .conn = conn};
	uint64_t id = 0;
	enum status status = wire_open(&server->wire, bytes, &call.request, &id);

	if (status == STATUS_OK) {
		call.client = policy_find_client(server->policy, &peer);
		status = handle(&call);
		wire_close(&server->wire);
	}
	if (status != STATUS_OK)
		dispatch_refuse(conn, id, status);
}
