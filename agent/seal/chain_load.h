/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of chain_load(): read, judge, write x5c. Each logs what it refuses.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_CHAIN_LOAD_H
#define ZEGEL_SEAL_CHAIN_LOAD_H

#include "chain.h"

/* The certificates of a PEM file, each issued by the next. */
MUST_CHECK enum status chain_load_file(struct chain *chain, const char *path);
/* The leaf's key, dates, hash and identifier, and whether it may seal at all. */
MUST_CHECK enum status chain_load_facts(struct chain *chain, const char *path);
MUST_CHECK enum status chain_load_x5c(
	struct chain *chain, const char *path, bool has_root);

#endif
