/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox's agent: its configuration, its start, and the wait until it can seal.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_SANDBOX_AGENT_H
#define ZEGEL_CLI_SANDBOX_AGENT_H

#include "child.h"
#include "sandbox_token.h"
#include "util/defs.h"

struct sandbox_agent_spec {
	const char *dir;
	const char *user; /* the one client */
	bool is_verbose;  /* its log to our standard error */
};

/* Writes zegel.conf. */
MUST_CHECK enum status sandbox_agent_configure(
	const struct sandbox_agent_spec *spec, struct sandbox_token *token);
/* Starts zegeld and returns when the key is READY; STOPPING when a signal came. */
MUST_CHECK enum status sandbox_agent_start(const struct sandbox_agent_spec *spec,
	struct child_signals *signals, struct child *agent);

#endif
