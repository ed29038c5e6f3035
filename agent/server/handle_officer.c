/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an officer may ask for. Each act that changes something or shows the record is a
 * line of the record itself.
 */
#include <string.h>

#include "officer_internal.h"
#include "reply.h"
#include "seal/explain.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	ERRORS_MAX = 32 * 1024, /* so that an answer fits in a frame */
	TEXT_MAX = 48 * 1024,
};

static void send(struct conn *conn, uint64_t id, Zegel__Officer__V1__Response *response)
{
	uint8_t *place;
	size_t len;

	response->id = id;
	len = zegel__officer__v1__response__get_packed_size(response);
	must(len <= FRAME_BODY_MAX);
	/* When it is refused the connection is broken, and there is nobody to answer. */
	if (conn_reserve(conn, len, &place) != STATUS_OK)
		return;
	(void)zegel__officer__v1__response__pack(response, place);
	conn_send(conn, len);
}

void officer_reply_error(struct conn *conn, uint64_t id, enum status status)
{
	Zegel__Officer__V1__Response response = ZEGEL__OFFICER__V1__RESPONSE__INIT;
	Zegel__Officer__V1__Error error = ZEGEL__OFFICER__V1__ERROR__INIT;

	error.status = (uint32_t)status_wire(status);
	error.text = reply_text(status_text(status));
	response.what_case = ZEGEL__OFFICER__V1__RESPONSE__WHAT_ERROR;
	response.error = &error;
	send(conn, id, &response);
}

enum status handle_officer_hello(const struct officer_call *call)
{
	const Zegel__Officer__V1__Hello *hello = call->request->hello;
	Zegel__Officer__V1__Response response = ZEGEL__OFFICER__V1__RESPONSE__INIT;
	Zegel__Officer__V1__HelloResult result = ZEGEL__OFFICER__V1__HELLO_RESULT__INIT;

	if (hello->version_min > FRAME_VERSION || hello->version_max < FRAME_VERSION)
		return STATUS_BAD_VERSION;
	call->conn->is_greeted = true;
	result.version = FRAME_VERSION;
	result.agent = reply_text(reply_agent_name);
	response.what_case = ZEGEL__OFFICER__V1__RESPONSE__WHAT_HELLO;
	response.hello = &result;
	send(call->conn, call->request->id, &response);
	return STATUS_OK;
}

enum status handle_officer_reload(const struct officer_call *call)
{
	const struct officer_server *officer = call->officer;
	const struct peer *peer = &call->conn->peer;
	Zegel__Officer__V1__Response response = ZEGEL__OFFICER__V1__RESPONSE__INIT;
	Zegel__Officer__V1__ReloadResult result =
		ZEGEL__OFFICER__V1__RELOAD_RESULT__INIT;
	struct officer_reload reload = {.errors = BUF_INIT(ERRORS_MAX)};
	const enum status status =
		officer->on_reload(officer->context, peer->uid, peer->pid, &reload);

	result.is_done = status == STATUS_OK;
	result.has_errors = status != STATUS_OK;
	result.errors = reply_bytes(buf_get(&reload.errors));
	if (reload.errors.len == 0)
		result.errors = reply_text(status_text(status));
	result.config_sha256 = reply_bytes(
		(struct bytes){reload.config_hash, sizeof(reload.config_hash)});
	response.what_case = ZEGEL__OFFICER__V1__RESPONSE__WHAT_RELOAD;
	response.reload = &result;
	send(call->conn, call->request->id, &response);
	buf_deinit(&reload.errors);
	return STATUS_OK;
}

/* Who has read the record is in the record: once for a reading, at its first file. */
static enum status record_reading(const struct officer_call *call)
{
	const struct audit_act act = {
		.act = "read-record",
		.uid = call->conn->peer.uid,
		.pid = call->conn->peer.pid,
		.status = STATUS_OK,
		.config_hash = {NULL, 0},
	};

	return audit_add_act(call->officer->audit, &act);
}

enum status handle_officer_open_record(const struct officer_call *call)
{
	const Zegel__Officer__V1__OpenRecord *asked = call->request->open_record;
	const uint64_t index = asked->has_index ? asked->index : 0;
	Zegel__Officer__V1__Response response = ZEGEL__OFFICER__V1__RESPONSE__INIT;
	Zegel__Officer__V1__OpenRecordResult result =
		ZEGEL__OFFICER__V1__OPEN_RECORD_RESULT__INIT;
	CLEANUP(fd_closep) int fd = FD_NONE;
	char name[64];
	enum status status = audit_open_file(call->officer->audit, index, name, &fd);

	/* The end of the list is an answer like any other. */
	if (status == STATUS_NOT_FOUND) {
		officer_reply_error(call->conn, call->request->id, status);
		return STATUS_OK;
	}
	TRY(status);
	/* A record that cannot be written may be read all the more. */
	if (index == 0 && record_reading(call) != STATUS_OK)
		log_event(LOG_WARN, "an officer reads a record that cannot be written",
			"uid=%u", (unsigned int)call->conn->peer.uid);
	TRY(conn_attach(call->conn, fd_take(&fd)));
	result.name = reply_text(name);
	response.what_case = ZEGEL__OFFICER__V1__RESPONSE__WHAT_OPEN_RECORD;
	response.open_record = &result;
	send(call->conn, call->request->id, &response);
	return STATUS_OK;
}

static struct bytes view(ProtobufCBinaryData data)
{
	return (struct bytes){data.data, data.len};
}

/* As a client's request would come in; digest: some bytes that stand for any. */
static void take_fields(struct request_fields *fields,
	const Zegel__Officer__V1__Explain *asked, struct bytes digest)
{
	*fields = (struct request_fields){
		.key = view(asked->key),
		.profile = view(asked->profile),
		.audience = view(asked->audience),
		.has_claims = asked->has_claims,
		.claims = view(asked->claims),
		.digest = asked->has_digest ? view(asked->digest) : digest,
		.has_payload = asked->has_payload,
		.payload = view(asked->payload),
		.has_typ = asked->has_typ,
		.typ = view(asked->typ),
	};
	fields->input = INPUT_DSGO_AUTH;
	if (bytes_is_equal(fields->profile, bytes_from_text("digest")))
		fields->input = INPUT_DIGEST;
	if (bytes_is_equal(fields->profile, bytes_from_text("jws")))
		fields->input = INPUT_JWS;
}

static const char *describe_state(enum key_state state)
{
	switch (state) {
	case KEY_STATE_READY:
		return "ready";
	case KEY_STATE_LOCKED:
		return "locked: an officer must unlock its token";
	case KEY_STATE_UNAVAILABLE:
		return "not available: no token has it now";
	case KEY_STATE_NOT_VALID:
		return "not usable: its certificate is not valid now";
	}
	return "";
}

/* What no rule can mend. */
static enum status append_key(
	const struct officer_server *officer, struct bytes name, struct buf *text)
{
	char copy[NAME_MAX_LEN + 1] = "";
	const struct key *key = NULL;

	if (text_is_name(name)) {
		memcpy(copy, name.p, name.len);
		key = sealer_find_key(officer->sealer, copy);
	}
	if (key == NULL)
		return buf_append_format(text,
			"key \"%s\": there is no key section of this name\n",
			log_text(name).text);
	TRY(buf_append_format(text, "key \"%s\": %s\n", key->name,
		describe_state(sealer_get_key_state(officer->sealer, key))));
	if (audit_get_status(officer->audit) == STATUS_OK)
		return STATUS_OK;
	return buf_append_format(text, "the record cannot be written: %s\n",
		audit_get_why(officer->audit));
}

static const struct policy_client *find_client(
	const struct officer_server *officer, struct bytes name)
{
	char copy[NAME_MAX_LEN + 1] = "";

	if (!text_is_name(name))
		return NULL;
	memcpy(copy, name.p, name.len);
	return policy_get_client(officer->policy, copy);
}

static enum status explain(const struct officer_call *call, struct buf *text,
	struct policy_verdict *verdict)
{
	static const uint8_t any_digest[32] = {0};
	const Zegel__Officer__V1__Explain *asked = call->request->explain;
	const struct policy_client *client =
		find_client(call->officer, view(asked->client));
	struct request_fields fields;

	if (client == NULL && asked->client.len > 0)
		TRY(buf_append_format(text,
			"client \"%s\": there is no client section of this name; "
			"this is what a stranger hears\n",
			log_text(view(asked->client)).text));
	take_fields(&fields, asked, (struct bytes){any_digest, sizeof(any_digest)});
	TRY(explain_request(client, &fields, text, verdict));
	return append_key(call->officer, fields.key, text);
}

enum status handle_officer_explain(const struct officer_call *call)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_MAX);
	Zegel__Officer__V1__Response response = ZEGEL__OFFICER__V1__RESPONSE__INIT;
	Zegel__Officer__V1__ExplainResult result =
		ZEGEL__OFFICER__V1__EXPLAIN_RESULT__INIT;
	struct policy_verdict verdict;

	TRY(explain(call, &text, &verdict));
	result.status = (uint32_t)status_wire(verdict.status);
	result.rule = reply_text(verdict.rule);
	result.nearest = reply_text(verdict.nearest);
	result.text = reply_bytes(buf_get(&text));
	response.what_case = ZEGEL__OFFICER__V1__RESPONSE__WHAT_EXPLAIN;
	response.explain = &result;
	send(call->conn, call->request->id, &response);
	return STATUS_OK;
}
