/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which client a connection is, and whose account bears it: found once and kept, and
 * found again when the policy is another.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_ADMIT_H
#define ZEGEL_SERVER_ADMIT_H

#include "conn.h"
#include "policy/quota.h"

struct server;

/*
 * The accounts of all who may connect: as many connections as descriptors can be had,
 * but for those that the agent needs itself. gives
 */
MUST_CHECK enum status admit_new_quota(size_t n_clients, struct quota **out);
/* Only sets conn->client by the policy of now, whoever bears it. */
void admit_find_client(const struct server *server, struct conn *conn);
/*
 * Sets conn->client by the policy of now. BUSY: its user has too much already, and it
 * must end. NO_MEMORY.
 */
MUST_CHECK enum status admit_conn(struct server *server, struct conn *conn);

#endif
