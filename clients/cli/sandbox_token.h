/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox's token: SoftHSM in the sandbox's folder, with a key made by zegel-enrol as
 * an officer would make it, and a certificate of the throw-away authority.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_SANDBOX_TOKEN_H
#define ZEGEL_CLI_SANDBOX_TOKEN_H

#include "child.h"
#include "util/buf.h"
#include "util/defs.h"

struct sandbox_token {
	const char *module; /* path; borrowed for ever */
	struct buf uri;     /* owns */
};

void sandbox_token_deinit(struct sandbox_token *token);

/*
 * Leaves in dir: softhsm2.conf, tokens/, pin, so-pin, ca.pem, state/sandbox.pem.
 * STOPPING when a signal came; all else with words.
 */
MUST_CHECK enum status sandbox_token_make(const char *dir, const char *key_type,
	struct child_signals *signals, struct sandbox_token *out);

#endif
