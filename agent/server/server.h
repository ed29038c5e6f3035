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

/* What was refused to whom at this floor; borrows all until the callback returns. */
struct server_refusal {
	/*
	 * "refused": a request. "peer-unclear": a request of one who is no client, whose
	 * process could not be asked. "connections": too many. "peer-changed": another user
	 * wrote on a connection, which is closed. A constant.
	 */
	const char *kind;
	enum status status;
	const char *client; /* name of the section; "": a stranger */
	uid_t uid;          /* who connected */
	pid_t pid;
	const char *unit; /* "": none, or not known */
	uid_t writer_uid; /* peer-changed: who wrote; else who connected */
	pid_t writer_pid;
	const char *key; /* names that the request gave; "": none */
	const char *profile;
};

/* Handed down by whoever wants to know; NULL: nobody does. */
struct server_events {
	void *context; /* borrows until the server is freed */
	/* Called from the loop for each refusal, however many there are. */
	void (*on_refusal)(void *context, const struct server_refusal *what);
};

struct server_setup {
	struct loop *loop;
	struct sealer *sealer;             /* borrows until freed */
	struct policy *policy;             /* is held */
	const struct listen_spec *listens; /* borrows n_listens until freed */
	size_t n_listens;
	int *inherited; /* n_listens descriptors from systemd, taken; NULL: make them */
	struct server_events events;
};

/* Listens; statuses of listener_init(), IO of peer_check_kernel(). gives */
MUST_CHECK enum status server_new(
	const struct server_setup *setup, struct server **out);
void server_freep(struct server **server);
/* Accepts nobody any more; those connected are still answered. */
void server_stop(struct server *server);

/*
 * Another policy, which is held, in place of the one before. Each connection is looked up
 * again at its next request; whoever is no client by it is a stranger from then on.
 */
void server_set_policy(struct server *server, struct policy *policy);

#endif
