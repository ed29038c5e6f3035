/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients' side: sockets, who is there, frames, requests, answers.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_SERVER_H
#define ZEGEL_SERVER_SERVER_H

#include "policy/policy.h"
#include "seal/seal.h"
#include "spec.h"
#include "util/defs.h"
#include "util/loop.h"

enum {
	CONNECTIONS_MAX = 16384,
};

struct server;

struct server_setup {
	struct loop *loop;
	struct sealer *sealer;             /* borrows until freed */
	struct policy *policy;             /* held until another is set */
	const struct listen_spec *listens; /* borrows n_listens until freed */
	size_t n_listens;
	int *inherited; /* n_listens descriptors from systemd, taken; NULL: make them */
};

/* Listens; statuses of listener_init(). gives */
MUST_CHECK enum status server_new(
	const struct server_setup *setup, struct server **out);
void server_freep(struct server **server);
/* For the next request of everybody. */
void server_set_policy(struct server *server, struct policy *policy);
/* Accepts nobody any more; those connected are still answered. */
void server_stop(struct server *server);

#endif
