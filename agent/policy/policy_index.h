/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash index: from the hash of something to its place in an array of the caller. It
 * keeps no copy of what it finds, only hash and place; the caller says which of the
 * places with an equal hash is the right one.
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_POLICY_INDEX_H
#define ZEGEL_POLICY_POLICY_INDEX_H

#include "util/defs.h"

struct policy_index_slot {
	uint64_t hash;
	size_t place;
	bool is_used;
};

struct policy_index {
	struct policy_index_slot *slots; /* owns n_slots, a power of two or 0 */
	size_t n_slots;
	size_t n_used;
};

/* Whether the thing at place is the one that is looked for. */
typedef bool policy_index_fn(const void *context, size_t place, const void *wanted);

/* What to look for, and how to recognise it; borrows all for the call. */
struct policy_index_query {
	uint64_t hash;
	policy_index_fn *is_same;
	const void *context;
	const void *wanted;
};

uint64_t policy_index_hash(struct bytes bytes);

void policy_index_deinit(struct policy_index *index);
/* Does not look whether an equal thing is there already. */
MUST_CHECK enum status policy_index_put(
	struct policy_index *index, uint64_t hash, size_t place);
/* Whether it is there; sets place only then. */
bool policy_index_get(const struct policy_index *index,
	const struct policy_index_query *query, size_t *place);

#endif
