/* SPDX-License-Identifier: Apache-2.0 */
#include "officer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "officer_internal.h"
#include "util/log.h"

enum {
	STRANGERS_SAID = 20, /* lines in a period, about all of them */
	STRANGERS_MS = 60000,
};

/*
 * The socket's mode is the outer door. This is the inner one: root, the agent's own user,
 * or a member of the group that the socket belongs to.
 */
static bool is_officer(const struct officer_server *officer, const struct peer *peer)
{
	if (peer->uid == 0 || peer->uid == geteuid())
		return true;
	if (!officer->spec->has_group)
		return false;
	if (peer->gid == officer->spec->group)
		return true;
	for (size_t i = 0; i < peer->n_groups; i++) {
		if (peer->groups[i] == officer->spec->group)
			return true;
	}
	return false;
}

static void on_accept(void *context, int fd)
{
	struct officer_server *officer = context;
	CLEANUP(conn_freep) struct conn *conn = NULL;

	if (conn_new(officer->loop, &officer->events, fd, &conn) != STATUS_OK)
		return; /* logged where it failed */
	if (!is_officer(officer, &conn->peer)) {
		if (hush_count(&officer->strangers, conn->peer.uid))
			log_event(LOG_WARN, "no officer", "uid=%u pid=%d",
				(unsigned int)conn->peer.uid, (int)conn->peer.pid);
		return;
	}
	conn->frames_a_turn = OFFICER_FRAMES_A_TURN;
	if (slots_put(&officer->conns, conn, &conn->id) != STATUS_OK) {
		log_event(LOG_WARN, "too many officers connected; one refused",
			"uid=%u max=%d", (unsigned int)conn->peer.uid,
			(int)OFFICER_CONNECTIONS_MAX);
		officer_reply_error(conn, 0, STATUS_TOO_MANY_CONNECTIONS);
		return;
	}
	(void)TAKE(conn); /* the slots' */
}

static enum status dispatch(const struct officer_call *call)
{
	const Zegel__Officer__V1__Request *request = call->request;
	const bool is_greeting =
		request->what_case == ZEGEL__OFFICER__V1__REQUEST__WHAT_HELLO;

	if (is_greeting == call->conn->is_greeted)
		return STATUS_NO_HELLO;
	switch (request->what_case) {
	case ZEGEL__OFFICER__V1__REQUEST__WHAT_HELLO:
		return handle_officer_hello(call);
	case ZEGEL__OFFICER__V1__REQUEST__WHAT_RELOAD:
		return handle_officer_reload(call);
	case ZEGEL__OFFICER__V1__REQUEST__WHAT_OPEN_RECORD:
		return handle_officer_open_record(call);
	case ZEGEL__OFFICER__V1__REQUEST__WHAT_EXPLAIN:
		return handle_officer_explain(call);
	case ZEGEL__OFFICER__V1__REQUEST__WHAT__NOT_SET:
	case _ZEGEL__OFFICER__V1__REQUEST__WHAT__CASE_IS_INT_SIZE:
		break;
	}
	return STATUS_BAD_MESSAGE;
}

static void refuse(struct conn *conn, uint64_t id, enum status status)
{
	log_event(LOG_INFO, "officer refused",
		"req=%" PRIx64 ".%" PRIu64 " uid=%u status=%s why=\"%s\"", conn->id, id,
		(unsigned int)conn->peer.uid, status_name(status), status_text(status));
	officer_reply_error(conn, id, status);
	/* Whatever is not understood ends it: an officer's tool speaks the contract. */
	conn_end(conn);
}

static void on_message(void *context, struct conn *conn, struct bytes bytes)
{
	struct officer_server *officer = context;
	struct officer_call call = {.officer = officer, .conn = conn};
	const ProtobufCMessage *message = NULL;
	uint64_t id = 0;
	enum status status;

	status = wire_open_message(&officer->wire,
		&zegel__officer__v1__request__descriptor, bytes, &message, &id);
	if (status == STATUS_OK) {
		call.request =
			(const Zegel__Officer__V1__Request *)(const void *)message;
		status = id == 0 ? STATUS_BAD_MESSAGE : dispatch(&call);
		wire_close(&officer->wire);
	}
	if (status != STATUS_OK)
		refuse(conn, id, status);
}

static void on_bad_bytes(void *context, struct conn *conn, enum status status)
{
	(void)context;
	refuse(conn, 0, status);
}

/* What the first one may do is not the other's: nothing of his is heard. */
static void on_changed(
	void *context, struct conn *conn, const struct inlet_piece *piece)
{
	(void)context;
	log_event(LOG_WARN, "another user wrote on an officer's connection",
		"uid=%u pid=%d writer_uid=%u writer_pid=%d",
		(unsigned int)conn->peer.uid, (int)conn->peer.pid,
		(unsigned int)piece->uid, (int)piece->pid);
}

static void on_end(void *context, struct conn *conn)
{
	struct officer_server *officer = context;

	(void)slots_take(&officer->conns, conn->id);
	conn_freep(&conn);
}

enum status officer_new(const struct officer_setup *setup, struct officer_server **out)
{
	CLEANUP(officer_freep)
	struct officer_server *officer = calloc(1, sizeof(*officer));
	const struct listener_setup listener = {
		.loop = setup->loop,
		.spec = setup->spec,
		.inherited_fd = setup->inherited_fd,
		.on_accept = on_accept,
		.context = officer,
	};

	if (officer == NULL)
		return STATUS_NO_MEMORY;
	officer->loop = setup->loop;
	officer->audit = setup->audit;
	officer->sealer = setup->sealer;
	officer->policy = policy_hold(setup->policy);
	officer->spec = setup->spec;
	officer->on_reload = setup->on_reload;
	officer->context = setup->context;
	officer->conns = SLOTS_INIT(OFFICER_CONNECTIONS_MAX);
	officer->listener = LISTENER_INIT;
	officer->events = (struct conn_events){
		.context = officer,
		.on_message = on_message,
		.on_bad_bytes = on_bad_bytes,
		.on_changed = on_changed,
		.on_end = on_end,
	};
	hush_init(&officer->strangers, &(struct hush_setup){.loop = setup->loop,
					       .message = "no officer",
					       .n_lines = STRANGERS_SAID,
					       .n_lines_each = STRANGERS_SAID / 4,
					       .period_ms = STRANGERS_MS});
	wire_init(&officer->wire);
	TRY(listener_init(&officer->listener, &listener));
	*out = TAKE(officer);
	return STATUS_OK;
}

void officer_freep(struct officer_server **pointer)
{
	struct officer_server *officer = *pointer;
	struct conn *conn;

	if (officer == NULL)
		return;
	listener_deinit(&officer->listener);
	while ((conn = slots_get_any(&officer->conns)) != NULL) {
		(void)slots_take(&officer->conns, conn->id);
		conn_freep(&conn);
	}
	slots_deinit(&officer->conns);
	hush_deinit(&officer->strangers);
	policy_freep(&officer->policy);
	freep(pointer);
}

void officer_set_policy(struct officer_server *officer, struct policy *policy)
{
	struct policy *held = policy_hold(policy);

	policy_freep(&officer->policy);
	officer->policy = held;
}

void officer_reload_deinit(struct officer_reload *reload)
{
	buf_deinit(&reload->errors);
}
