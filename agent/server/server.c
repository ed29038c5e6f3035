/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <stdlib.h>
#include <unistd.h>

#include "admit.h"
#include "internal.h"
#include "reply.h"
#include "util/clock.h"
#include "util/fd.h"

enum {
	RETRY_MS = 1000, /* after which one who was turned away may come again */
};

/*
 * Told before it has asked anything, so that it knows that it may come again; then gone.
 * What does not go out at once is not waited for.
 */
static void turn_away(struct server *server, struct conn **conn)
{
	refusal_of_connection(&server->refusal, *conn, STATUS_TOO_MANY_CONNECTIONS);
	reply_error(*conn, 0, STATUS_TOO_MANY_CONNECTIONS, RETRY_MS);
	conn_freep(conn);
}

static void on_accept(void *context, int fd)
{
	const struct door *door = context;
	struct server *server = door->server;
	CLEANUP(conn_freep) struct conn *conn = NULL;

	if (conn_new(server->loop, &server->events, fd, &conn) != STATUS_OK)
		return; /* refused and logged where it failed; the client sees the end */
	conn->peer.listen = door->listener.name;
	if (admit_conn(server, conn) != STATUS_OK ||
		slots_put(&server->conns, conn, &conn->id) != STATUS_OK)
		turn_away(server, &conn);
	(void)TAKE(conn); /* the slots' */
}

static void on_message(void *context, struct conn *conn, struct bytes bytes)
{
	dispatch_message(context, conn, bytes);
}

static void on_bad_bytes(void *context, struct conn *conn, enum status status)
{
	const struct call call = {.server = context, .conn = conn};

	/* The policy that it was looked up in may be gone. */
	admit_find_client(context, conn);
	dispatch_refuse(&call, 0, status);
}

static void on_changed(
	void *context, struct conn *conn, const struct inlet_piece *piece)
{
	struct server *server = context;

	admit_find_client(server, conn);
	refusal_of_writer(&server->refusal, conn, piece);
}

static void on_end(void *context, struct conn *conn)
{
	struct server *server = context;

	for (uint32_t i = 0; i < conn->n_flights; i++)
		seal_forget(server->sealer, conn->flights[i].act_id);
	(void)slots_take(&server->conns, conn->id);
	conn_freep(&conn);
}

static bool on_done(void *context, const struct seal_owner *owner, uint64_t act_id,
	const struct seal_answer *answer)
{
	const struct server *server = context;
	struct conn *conn = slots_get(&server->conns, owner->connection);

	if (conn == NULL)
		return false;
	conn_take_flight(conn, act_id);
	reply_seal(conn, owner->request, answer);
	return !conn->is_broken;
}

static enum status listen_all(struct server *server, const struct server_setup *setup)
{
	for (size_t i = 0; i < setup->n_listens; i++) {
		const struct listener_setup one = {
			.loop = setup->loop,
			.spec = &setup->listens[i],
			.inherited_fd = setup->inherited == NULL
						? FD_NONE
						: fd_take(&setup->inherited[i]),
			.on_accept = on_accept,
			.context = &server->doors[i],
		};

		TRY(listener_init(&server->doors[i].listener, &one));
	}
	return STATUS_OK;
}

enum status server_new(const struct server_setup *setup, struct server **out)
{
	CLEANUP(server_freep) struct server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return STATUS_NO_MEMORY;
	server->loop = setup->loop;
	server->sealer = setup->sealer;
	server->policy = policy_hold(setup->policy);
	server->generation = 1;
	refusal_init(&server->refusal, setup->loop, &setup->events);
	server->started_ms = clock_monotonic_ms();
	server->conns = SLOTS_INIT(CONNECTIONS_MAX);
	server->events = (struct conn_events){
		.context = server,
		.on_message = on_message,
		.on_bad_bytes = on_bad_bytes,
		.on_changed = on_changed,
		.on_end = on_end,
	};
	wire_init(&server->wire);
	TRY(peer_check_kernel());
	TRY(admit_new_quota(policy_get_n_clients(server->policy), &server->quota));
	server->doors = calloc(setup->n_listens, sizeof(*server->doors));
	if (server->doors == NULL)
		return STATUS_NO_MEMORY;
	for (; server->n_doors < setup->n_listens; server->n_doors++)
		server->doors[server->n_doors] =
			(struct door){.server = server, .listener = LISTENER_INIT};
	sealer_set_done(setup->sealer, on_done, server);
	TRY(listen_all(server, setup));
	*out = TAKE(server);
	return STATUS_OK;
}

void server_stop(struct server *server)
{
	for (size_t i = 0; i < server->n_doors; i++)
		listener_deinit(&server->doors[i].listener);
}

void server_set_policy(struct server *server, struct policy *policy)
{
	struct policy *held = policy_hold(policy);

	policy_freep(&server->policy);
	server->policy = held;
	server->generation++;
	quota_set_clients(server->quota, policy_get_n_clients(held));
}

void server_freep(struct server **pointer)
{
	struct server *server = *pointer;
	struct conn *conn;

	if (server == NULL)
		return;
	server_stop(server);
	while ((conn = slots_get_any(&server->conns)) != NULL) {
		(void)slots_take(&server->conns, conn->id);
		conn_freep(&conn);
	}
	slots_deinit(&server->conns);
	refusal_deinit(&server->refusal);
	quota_freep(&server->quota);
	policy_freep(&server->policy);
	freep(&server->doors);
	freep(pointer);
}
