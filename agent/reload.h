/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration read again while the agent runs: all of it is judged, then clients,
 * rules and limits change between two turns of the loop, or nothing does.
 *
 * It waits for files and for the user database, as the start did: that is the one wait
 * the loop knows, and an officer asks for it.
 *
 * Thread: main
 */
#ifndef ZEGEL_RELOAD_H
#define ZEGEL_RELOAD_H

#include "config/config.h"
#include "policy/audit.h"
#include "seal/seal.h"
#include "server/officer.h"
#include "server/server.h"

/* All that is told of new rules. Borrows all. */
struct reload_target {
	const char *path;      /* of the configuration */
	struct config *config; /* in force; changed in place */
	struct audit *audit;
	struct sealer *sealer;
	struct server *server;
	struct officer_server *officer; /* NULL: there is none */
};

/* Who asked, as the kernel said it: over the officer's socket, or by a signal. */
struct reload_who {
	uid_t uid;
	pid_t pid;
};

/*
 * BAD_CONFIG, NOT_FOUND, IO: nothing has changed, out->errors says why. NO_RECORD: it
 * could not be recorded, so nothing has changed. The hash is of what is in force now.
 */
MUST_CHECK enum status reload_config(const struct reload_target *target,
	struct reload_who who, struct officer_reload *out);

#endif
