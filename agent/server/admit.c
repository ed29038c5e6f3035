/* SPDX-License-Identifier: Apache-2.0 */
#include "admit.h"

#include <sys/resource.h>

#include "internal.h"

enum {
	/* Beside connections: workers, sockets, the record, and what accept needs itself. */
	SPARE_DESCRIPTORS = 256,
	RESERVED_CONNECTIONS = 32,
	STRANGER_CONNECTIONS = 16,
	STRANGER_FRAMES_A_TURN = 1,
	/* Buffers may have twice the room of what is in them, so this is half of 64 MiB. */
	BYTES_MAX = 32 * 1024 * 1024,
	RESERVED_BYTES = 1024 * 1024, /* one connection with as much as it may have */
	STRANGER_BYTES = 256 * 1024,
	REQUESTS_MAX = 8192,
	RESERVED_REQUESTS = FRAME_IN_FLIGHT_MAX,
	STRANGER_REQUESTS = 16,
};

/* main raises the limit as far as it goes. */
static uint64_t get_connections_max(void)
{
	struct rlimit limit;
	uint64_t max = CONNECTIONS_MAX;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return max / 2;
	if (limit.rlim_cur < max + SPARE_DESCRIPTORS)
		max = limit.rlim_cur - SPARE_DESCRIPTORS;
	if (limit.rlim_cur < 2 * SPARE_DESCRIPTORS)
		max = limit.rlim_cur / 2;
	return max;
}

enum status admit_new_quota(size_t n_clients, struct quota **out)
{
	const uint64_t n_connections = get_connections_max();
	struct quota_setup setup = {
		.total = {n_connections, BYTES_MAX, REQUESTS_MAX},
		.reserved = {RESERVED_CONNECTIONS, RESERVED_BYTES, RESERVED_REQUESTS},
		.stranger = {STRANGER_CONNECTIONS, STRANGER_BYTES, STRANGER_REQUESTS},
	};
	struct quota *quota = NULL;

	if (n_connections < 4 * (uint64_t)STRANGER_CONNECTIONS)
		setup.stranger[QUOTA_CONNECTIONS] = n_connections / 4;
	TRY(quota_new(&setup, &quota));
	quota_set_clients(quota, n_clients);
	*out = quota;
	return STATUS_OK;
}

void admit_find_client(const struct server *server, struct conn *conn)
{
	const struct policy_peer peer = peer_view(&conn->peer);

	conn->client = policy_find_client(server->policy, &peer);
	conn->frames_a_turn =
		conn->client == NULL ? STRANGER_FRAMES_A_TURN : CONN_FRAMES_A_TURN;
}

enum status admit_conn(struct server *server, struct conn *conn)
{
	CLEANUP(quota_closep) struct quota_account *account = NULL;

	admit_find_client(server, conn);
	/* Until an account bears it, it is nobody's. */
	conn->generation = 0;
	TRY(quota_open(server->quota, policy_client_get_name(conn->client),
		conn->peer.uid, &account));
	TRY(bill_move(&conn->bill, &account));
	conn->generation = server->generation;
	return STATUS_OK;
}
