/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids for things that may die while somebody still speaks of them. An id is never given
 * twice in practice (a 32-bit generation for each place), so a late answer finds nothing
 * rather than a stranger.
 *
 * Thread: main
 */
#ifndef ZEGEL_UTIL_SLOTS_H
#define ZEGEL_UTIL_SLOTS_H

#include "defs.h"

struct slots_row {
	void *thing; /* borrows until taken; NULL when free */
	uint32_t generation;
	uint32_t next_free;
};

struct slots {
	struct slots_row *rows; /* owns */
	uint32_t n_rows;
	uint32_t free_row; /* n_rows when none is free */
	uint32_t n_things;
	uint32_t max;
};

#define SLOTS_INIT(maximum) ((struct slots){.max = (maximum)})

void slots_deinit(struct slots *slots);
/* NO_MEMORY when max things are in. The id is never 0. */
MUST_CHECK enum status slots_put(struct slots *slots, void *thing, uint64_t *out_id);
/* NULL when the id's thing was taken. */
void *slots_get(const struct slots *slots, uint64_t id);
/* Takes the thing out; NULL when it is not there. */
void *slots_take(struct slots *slots, uint64_t id);
/* Any thing that is in, or NULL: for taking everything out at the end. */
void *slots_get_any(const struct slots *slots);

#endif
