/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <stdlib.h>
#include <unistd.h>

#include "internal.h"
#include "reply.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"

static void on_accept(void *context, int fd)
{
	struct server *server = context;
	struct conn *conn = NULL;

	if (server->conns.n_things == CONNECTIONS_MAX) {
		log_event(LOG_WARN, "too many connections; one refused", "max=%d",
			CONNECTIONS_MAX);
		fd_closep(&fd);
		return;
	}
	if (conn_new(server->loop, &server->events, fd, &conn) != STATUS_OK)
		return; /* refused and logged where it failed; the client sees the end */
	if (slots_put(&server->conns, conn, &conn->id) != STATUS_OK)
		conn_freep(&conn);
}

static void on_message(void *context, struct conn *conn, struct bytes bytes)
{
	dispatch_message(context, conn, bytes);
}

static void on_bad_bytes(void *context, struct conn *conn, enum status status)
{
	(void)context;
	dispatch_refuse(conn, 0, status);
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
			.context = server,
		};

		TRY(listener_init(&server->listeners[i], &one));
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
	server->started_ms = clock_monotonic_ms();
	server->conns = SLOTS_INIT(CONNECTIONS_MAX);
	server->events = (struct conn_events){
		.context = server,
		.on_message = on_message,
		.on_bad_bytes = on_bad_bytes,
		.on_end = on_end,
	};
	wire_init(&server->wire);
	server->listeners = calloc(setup->n_listens, sizeof(*server->listeners));
	if (server->listeners == NULL)
		return STATUS_NO_MEMORY;
	for (; server->n_listeners < setup->n_listens; server->n_listeners++)
		server->listeners[server->n_listeners] = LISTENER_INIT;
	sealer_set_done(setup->sealer, on_done, server);
	TRY(listen_all(server, setup));
	*out = TAKE(server);
	return STATUS_OK;
}

void server_set_policy(struct server *server, struct policy *policy)
{
	policy_freep(&server->policy);
	server->policy = policy_hold(policy);
}

void server_stop(struct server *server)
{
	for (size_t i = 0; i < server->n_listeners; i++)
		listener_deinit(&server->listeners[i]);
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
	policy_freep(&server->policy);
	freep(&server->listeners);
	freep(pointer);
}
