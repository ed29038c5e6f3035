/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handle on the agent, and what a command says and exits with when the agent did not
 * do what was asked.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_ASK_H
#define ZEGEL_CLI_ASK_H

#include <zegel.h>

#include "util/defs.h"

/* CLEANUP(ask_closep) */
void ask_closep(struct zegel **zegel);
void ask_keys_freep(struct zegel_keys **keys);
void ask_description_freep(struct zegel_description **description);
void ask_seal_freep(struct zegel_seal **seal);
void ask_identity_freep(struct zegel_identity **identity);

/* Of a command that knows --json alone, and no argument; EXIT_CODE_OK, or said why not. */
MUST_CHECK int ask_read_options(
	const char *command, int argc, char **argv, bool *is_json);

/* One line, a hint where one helps; gives the exit code. */
int ask_fail(const char *command, const struct zegel_error *error);
/* What the program exits with for a word of the wire. */
int ask_exit_code(enum zegel_status status);
/* "READY" */
const char *ask_state_name(enum zegel_key_state state);
/* "2026-08-01T00:00:00Z"; out holds ASK_TIME_MAX bytes. */
enum {
	ASK_TIME_MAX = 32,
};
void ask_time_to_text(int64_t time_s, char out[static ASK_TIME_MAX]);

#endif
