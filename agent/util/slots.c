/* SPDX-License-Identifier: Apache-2.0 */
#include "slots.h"

#include <stdlib.h>

void slots_deinit(struct slots *slots)
{
	freep(&slots->rows);
	*slots = SLOTS_INIT(slots->max);
}

static enum status grow(struct slots *slots)
{
	uint32_t n = slots->n_rows == 0 ? 16 : slots->n_rows * 2;
	struct slots_row *rows;

	if (n > slots->max)
		n = slots->max;
	if (n <= slots->n_rows)
		return STATUS_NO_MEMORY;
	rows = reallocarray(slots->rows, n, sizeof(*rows));
	if (rows == NULL)
		return STATUS_NO_MEMORY;
	for (uint32_t i = slots->n_rows; i < n; i++)
		rows[i] = (struct slots_row){.generation = 1, .next_free = i + 1};
	slots->free_row = slots->n_rows;
	slots->rows = rows;
	slots->n_rows = n;
	return STATUS_OK;
}

enum status slots_put(struct slots *slots, void *thing, uint64_t *out_id)
{
	struct slots_row *row;

	must(thing != NULL);
	if (slots->free_row == slots->n_rows)
		TRY(grow(slots));
	row = &slots->rows[slots->free_row];
	row->thing = thing;
	*out_id = (uint64_t)row->generation << 32 | slots->free_row;
	slots->free_row = row->next_free;
	slots->n_things++;
	return STATUS_OK;
}

static struct slots_row *find(const struct slots *slots, uint64_t id)
{
	const uint32_t at = (uint32_t)id;

	if (at >= slots->n_rows || slots->rows[at].thing == NULL ||
		slots->rows[at].generation != id >> 32)
		return NULL;
	return &slots->rows[at];
}

void *slots_get(const struct slots *slots, uint64_t id)
{
	const struct slots_row *row = find(slots, id);

	return row == NULL ? NULL : row->thing;
}

void *slots_take(struct slots *slots, uint64_t id)
{
	struct slots_row *row = find(slots, id);
	void *thing;

	if (row == NULL)
		return NULL;
	thing = row->thing;
	row->thing = NULL;
	/* Zero is skipped so that no id is 0. */
	if (++row->generation == 0)
		row->generation = 1;
	row->next_free = slots->free_row;
	slots->free_row = (uint32_t)id;
	slots->n_things--;
	return thing;
}

void *slots_get_any(const struct slots *slots)
{
	for (uint32_t i = 0; i < slots->n_rows; i++) {
		if (slots->rows[i].thing != NULL)
			return slots->rows[i].thing;
	}
	return NULL;
}
