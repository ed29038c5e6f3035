/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration (design 4.2): read whole by libconfuse, judged whole, given as one
 * value or not at all. Words that are not enforced yet are errors, never ignored.
 *
 * This room stands on the top floor: it knows the specs of every floor and nothing of
 * what they do with them.
 *
 * Thread: main, before the loop runs
 */
#ifndef ZEGEL_CONFIG_CONFIG_H
#define ZEGEL_CONFIG_CONFIG_H

#include "policy/policy.h"
#include "policy/spec.h"
#include "seal/spec.h"
#include "server/spec.h"
#include "token/spec.h"
#include "util/buf.h"
#include "util/defs.h"

enum {
	CONFIG_HASH_LEN = 32,
};

struct config {
	char *state_directory;       /* owns; where relative certificates live */
	struct listen_spec *listens; /* owns n_listens, at least one */
	size_t n_listens;
	struct listen_spec officer; /* the officer's socket, none of listens */
	struct token_spec *tokens;  /* owns n_tokens */
	size_t n_tokens;
	struct key_spec *keys; /* owns n_keys */
	size_t n_keys;
	struct policy *policy;     /* owns */
	struct record_spec record; /* owns what it says */
	uint32_t min_left_s;       /* a seal with less to live is not released */
	uint32_t line_max;         /* requests that may wait for one key */
	/* Of every text that was read, with its name: another configuration, another hash. */
	uint8_t hash[CONFIG_HASH_LEN];
};

/*
 * Reads path, then the files of conf.d beside it that end in .conf, in the order of their
 * names, as one text each from one read. On BAD_CONFIG (or NOT_FOUND, IO) out is
 * untouched and errors holds one line for each error, each "file:line: section: what was
 * expected": the first of syntax, or all of meaning. gives
 */
MUST_CHECK enum status config_load(
	const char *path, struct buf *errors, struct config **out);
void config_freep(struct config **config);

#endif
