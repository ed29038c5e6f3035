/* SPDX-License-Identifier: Apache-2.0 */
#include "refusal.h"

#include <inttypes.h>
#include <string.h>

#include "internal.h"
#include "util/log.h"
#include "util/text.h"

enum {
	SECOND_MS = 1000,
	MINUTE_MS = 60 * SECOND_MS,
};

void refusal_init(
	struct refusal *refusal, struct loop *loop, const struct server_events *events)
{
	refusal->events = *events;
	hush_init(&refusal->requests, &(struct hush_setup){.loop = loop,
					      .message = "more refused",
					      .n_lines = 10,
					      .n_lines_each = 5,
					      .period_ms = SECOND_MS});
	hush_init(&refusal->connections, &(struct hush_setup){.loop = loop,
						 .message = "more connections refused",
						 .n_lines = HUSH_ROWS,
						 .n_lines_each = 1,
						 .period_ms = MINUTE_MS});
	hush_init(&refusal->writers, &(struct hush_setup){.loop = loop,
					     .message = "more connections changed user",
					     .n_lines = HUSH_ROWS,
					     .n_lines_each = 1,
					     .period_ms = MINUTE_MS});
}

void refusal_deinit(struct refusal *refusal)
{
	hush_deinit(&refusal->requests);
	hush_deinit(&refusal->connections);
	hush_deinit(&refusal->writers);
}

static struct server_refusal about(
	const struct conn *conn, const char *kind, enum status status)
{
	return (struct server_refusal){
		.kind = kind,
		.status = status,
		.client = policy_client_get_name(conn->client),
		.uid = conn->peer.uid,
		.pid = conn->peer.pid,
		.unit = peer_view(&conn->peer).unit,
		.writer_uid = conn->peer.uid,
		.writer_pid = conn->peer.pid,
		.key = "",
		.profile = "",
	};
}

static void tell(const struct refusal *refusal, const struct server_refusal *what)
{
	if (refusal->events.on_refusal != NULL)
		refusal->events.on_refusal(refusal->events.context, what);
}

/* A name as the client sent it; what is none is not repeated. */
static void copy_name(ProtobufCBinaryData name, char out[static NAME_MAX_LEN + 1])
{
	out[0] = '\0';
	if (!text_is_name((struct bytes){name.data, name.len}))
		return;
	memcpy(out, name.data, name.len);
	out[name.len] = '\0';
}

static void copy_names(const Zegel__V1__Request *request,
	char key[static NAME_MAX_LEN + 1], char profile[static NAME_MAX_LEN + 1])
{
	if (request == NULL)
		return;
	if (request->what_case == ZEGEL__V1__REQUEST__WHAT_SEAL) {
		copy_name(request->seal->key, key);
		copy_name(request->seal->profile, profile);
	}
	if (request->what_case == ZEGEL__V1__REQUEST__WHAT_DESCRIBE_KEY)
		copy_name(request->describe_key->key, key);
}

void refusal_of_request(const struct call *call, uint64_t id, enum status status)
{
	struct refusal *refusal = &call->server->refusal;
	const struct conn *conn = call->conn;
	/* Who is no client because his process could not be asked may be one. */
	const bool is_unclear = conn->client == NULL && conn->peer.is_unclear;
	struct server_refusal what =
		about(conn, is_unclear ? POLICY_REFUSED_UNCLEAR : "refused", status);
	char key[NAME_MAX_LEN + 1] = "";
	char profile[NAME_MAX_LEN + 1] = "";

	copy_names(call->request, key, profile);
	what.key = key;
	what.profile = profile;
	tell(refusal, &what);
	if (!hush_count(&refusal->requests, conn->peer.uid))
		return;
	log_event(LOG_INFO, what.kind,
		"req=%" PRIx64 ".%" PRIu64
		" uid=%u pid=%d client=\"%s\" key=\"%s\" profile=\"%s\" status=%s "
		"why=\"%s\"",
		conn->id, id, (unsigned int)what.uid, (int)what.pid, what.client, key,
		profile, status_name(status), status_text(status));
}

void refusal_of_connection(
	struct refusal *refusal, const struct conn *conn, enum status status)
{
	const struct server_refusal what = about(conn, "connections", status);

	tell(refusal, &what);
	if (!hush_count(&refusal->connections, what.uid))
		return;
	log_event(LOG_WARN, "connection refused: too many",
		"uid=%u pid=%d client=\"%s\"", (unsigned int)what.uid, (int)what.pid,
		what.client);
}

void refusal_of_writer(struct refusal *refusal, const struct conn *conn,
	const struct inlet_piece *piece)
{
	struct server_refusal what = about(conn, "peer-changed", STATUS_PEER_CHANGED);

	what.writer_uid = piece->uid;
	what.writer_pid = piece->pid;
	tell(refusal, &what);
	if (!hush_count(&refusal->writers, what.uid))
		return;
	log_event(LOG_WARN, "connection closed: another user writes",
		"conn=%" PRIx64 " uid=%u pid=%d client=\"%s\" writer_uid=%u "
		"writer_pid=%d",
		conn->id, (unsigned int)what.uid, (int)what.pid, what.client,
		(unsigned int)what.writer_uid, (int)what.writer_pid);
}
