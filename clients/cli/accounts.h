/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a whole chain can still lie about: each attempt has at most one outcome, which
 * stands behind it; what did not reach its client was released before; and `open` names
 * the oldest attempt without an outcome. It keeps two bits for each line.
 *
 * Of attempts before the first line that is given nothing is known, so nothing said of
 * them is held against a line.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_ACCOUNTS_H
#define ZEGEL_CLI_ACCOUNTS_H

#include "policy/entry.h"
#include "util/buf.h"

struct accounts {
	struct buf states; /* owns; two bits a line, from first on */
	uint64_t first;    /* 0: there was no line yet */
	uint64_t last;
	uint64_t oldest;      /* attempt that is open; last + 1: there is none */
	uint64_t open_before; /* an attempt before first that may be open */
	uint64_t n_attempts;
	uint64_t n_released;    /* outcomes that are OK */
	uint64_t n_failed;      /* outcomes that are not */
	uint64_t n_orphans;     /* attempts that a crash left without an outcome */
	uint64_t n_undelivered; /* of those released */
	uint64_t n_open;        /* of the attempts; not those before first */
};

#define ACCOUNTS_INIT ((struct accounts){.states = BUF_INIT((size_t)1 << 32)})

void accounts_deinit(struct accounts *accounts);
/*
 * The line that follows the last one. BAD_FILE, and in *why a constant sentence; then the
 * accounts are not to be used on. NO_MEMORY.
 */
MUST_CHECK enum status accounts_add(
	struct accounts *accounts, const struct entry *entry, const char **why);

#endif
