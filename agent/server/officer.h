/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The officers' side: a socket of its own, a contract of its own (proto/officer.proto),
 * and a second look at who is there. An officer may act on the agent, never seal.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_OFFICER_H
#define ZEGEL_SERVER_OFFICER_H

#include <sys/types.h>

#include "policy/audit.h"
#include "policy/policy.h"
#include "seal/seal.h"
#include "spec.h"
#include "util/buf.h"
#include "util/defs.h"
#include "util/loop.h"

enum {
	OFFICER_CONNECTIONS_MAX = 16,
	OFFICER_FRAMES_A_TURN = 1, /* a reload takes its time: clients come between */
	OFFICER_CONFIG_HASH_LEN = 32,
};

struct officer_server;

/* What an officer's reload came to. */
struct officer_reload {
	struct buf errors;                            /* owns; a line each */
	uint8_t config_hash[OFFICER_CONFIG_HASH_LEN]; /* of what is in force now */
};

void officer_reload_deinit(struct officer_reload *reload);

/* The configuration is read again, whole or not at all. Recorded by whoever does it. */
typedef enum status officer_reload_fn(
	void *context, uid_t uid, pid_t pid, struct officer_reload *out);

struct officer_setup {
	struct loop *loop;              /* borrows until freed */
	struct audit *audit;            /* borrows until freed */
	const struct sealer *sealer;    /* borrows until freed */
	struct policy *policy;          /* held until another is set */
	const struct listen_spec *spec; /* borrows until freed */
	int inherited_fd;               /* takes; FD_NONE: make the socket */
	officer_reload_fn *on_reload;
	void *context; /* borrows until freed */
};

/* Statuses of listener_init(). gives */
MUST_CHECK enum status officer_new(
	const struct officer_setup *setup, struct officer_server **out);
void officer_freep(struct officer_server **officer);
void officer_set_policy(struct officer_server *officer, struct policy *policy);

#endif
