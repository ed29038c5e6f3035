/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an officer may ask for. Each act that changes something or shows the record is a
 * line of the record itself; an explanation does neither, and is none.
 */
#include <string.h>

#include "officer_internal.h"
#include "reply.h"
#include "seal/explain.h"
#include "seal/form.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	/* So that an answer fits in a frame. */
	ERRORS_MAX = 32 * 1024,
	TEXT_MAX = EXPLAIN_MAX + 1024,
};

_Static_assert(TEXT_MAX + 4096 < FRAME_BODY_MAX, "an explanation fits in a frame");

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

static void send_reload(const struct officer_call *call, enum status status,
	const struct officer_reload *reload)
{
	Zegel__Officer__V1__Response response = ZEGEL__OFFICER__V1__RESPONSE__INIT;
	Zegel__Officer__V1__ReloadResult result =
		ZEGEL__OFFICER__V1__RELOAD_RESULT__INIT;

	result.is_done = status == STATUS_OK;
	result.has_errors = status != STATUS_OK;
	result.errors = reply_bytes(buf_get(&reload->errors));
	result.config_sha256 = reply_bytes(
		(struct bytes){reload->config_hash, sizeof(reload->config_hash)});
	response.what_case = ZEGEL__OFFICER__V1__RESPONSE__WHAT_RELOAD;
	response.reload = &result;
	send(call->conn, call->request->id, &response);
}

enum status handle_officer_reload(const struct officer_call *call)
{
	const struct officer_server *officer = call->officer;
	const struct peer *peer = &call->conn->peer;
	CLEANUP(officer_reload_deinit)
	struct officer_reload reload = {.errors = BUF_INIT(ERRORS_MAX)};
	const enum status status =
		officer->on_reload(officer->context, peer->uid, peer->pid, &reload);

	/* Without errors it was no fault of the file: its word says whose. */
	if (status != STATUS_OK && reload.errors.len == 0)
		officer_reply_error(call->conn, call->request->id, status);
	else
		send_reload(call, status, &reload);
	return STATUS_OK;
}

/*
 * Who has read the record is in the record: once for a reading. A reading begins with the
 * newest file; whoever begins elsewhere on his connection is written down too.
 */
static void record_reading(const struct officer_call *call, uint64_t index)
{
	struct conn *conn = call->conn;
	const struct audit_act act = {
		.act = "read-record",
		.uid = conn->peer.uid,
		.pid = conn->peer.pid,
		.status = STATUS_OK,
		.config_hash = {NULL, 0},
	};

	if (index > 0 && conn->is_reader)
		return;
	conn->is_reader = true;
	/* A record that cannot be written may be read all the more. */
	if (audit_add_act(call->officer->audit, &act) != STATUS_OK)
		log_event(LOG_WARN, "an officer reads a record that cannot be written",
			"uid=%u", (unsigned int)conn->peer.uid);
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
	TRY(conn_attach(call->conn, fd_take(&fd)));
	record_reading(call, index);
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

/* Which input the fields are that were given: those of one profile, and of its own. */
static enum request_input find_input(const Zegel__Officer__V1__Explain *asked)
{
	const struct form *form = form_find(view(asked->profile));
	const bool is_auth = asked->has_audience || asked->has_claims;
	const bool is_jws = asked->has_payload || asked->has_typ;
	const bool is_digest = asked->has_digest;

	/* What is no profile is said elsewhere. */
	if (form == NULL)
		return INPUT_NONE;
	switch (form->input) {
	case INPUT_DSGO_AUTH:
		return is_jws || is_digest ? INPUT_NONE : INPUT_DSGO_AUTH;
	case INPUT_JWS:
		return is_auth || is_digest ? INPUT_NONE : INPUT_JWS;
	case INPUT_DIGEST:
		return is_auth || is_jws ? INPUT_NONE : INPUT_DIGEST;
	case INPUT_NONE:
		break;
	}
	return INPUT_NONE;
}

/* As a client's request would come in. */
static struct request_fields take_fields(const Zegel__Officer__V1__Explain *asked)
{
	return (struct request_fields){
		.key = view(asked->key),
		.profile = view(asked->profile),
		.input = find_input(asked),
		.audience = view(asked->audience),
		.has_claims = asked->has_claims,
		.claims = view(asked->claims),
		.digest = view(asked->digest),
		.has_payload = asked->has_payload,
		.payload = view(asked->payload),
		.has_typ = asked->has_typ,
		.typ = view(asked->typ),
	};
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
	const Zegel__Officer__V1__Explain *asked = call->request->explain;
	const struct explain_question question = {
		.client = find_client(call->officer, view(asked->client)),
		.fields = take_fields(asked),
		.is_any_digest = !asked->has_digest,
	};

	if (question.client == NULL && asked->client.len > 0)
		TRY(buf_append_format(text,
			"client \"%s\": there is no client section of this name; "
			"this is what a stranger hears\n",
			log_text(view(asked->client)).text));
	return explain_request(call->officer->sealer, &question, text, verdict);
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
