/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing with linear probing, at most half full, so that a look-up takes a step
 * or two with ten clients and with ten thousand. Nothing is ever removed: a policy is
 * replaced as a whole.
 *
 * The hash needs no secret: what is put in comes from the configuration, which is root's.
 * What is looked up is a user id that the kernel says.
 */
#include "policy_index.h"

#include <stdlib.h>

enum {
	SLOTS_MIN = 16,
};

/* FNV-1a of 64 bits, folded so that the low bits depend on all. */
uint64_t policy_index_hash(struct bytes bytes)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < bytes.len; i++)
		hash = (hash ^ bytes.p[i]) * UINT64_C(0x100000001b3);
	return hash ^ (hash >> 32);
}

void policy_index_deinit(struct policy_index *index)
{
	freep(&index->slots);
	*index = (struct policy_index){0};
}

static void place_slot(
	struct policy_index_slot *slots, size_t n_slots, struct policy_index_slot slot)
{
	size_t at = (size_t)slot.hash & (n_slots - 1);

	while (slots[at].is_used)
		at = (at + 1) & (n_slots - 1);
	slots[at] = slot;
}

static enum status grow(struct policy_index *index)
{
	const size_t n_slots = index->n_slots == 0 ? SLOTS_MIN : index->n_slots * 2;
	struct policy_index_slot *slots = calloc(n_slots, sizeof(slots[0]));

	if (slots == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < index->n_slots; i++) {
		if (index->slots[i].is_used)
			place_slot(slots, n_slots, index->slots[i]);
	}
	free(index->slots);
	index->slots = slots;
	index->n_slots = n_slots;
	return STATUS_OK;
}

enum status policy_index_put(struct policy_index *index, uint64_t hash, size_t place)
{
	if (index->n_used >= index->n_slots / 2)
		TRY(grow(index));
	place_slot(index->slots, index->n_slots,
		(struct policy_index_slot){hash, place, true});
	index->n_used++;
	return STATUS_OK;
}

bool policy_index_get(const struct policy_index *index,
	const struct policy_index_query *query, size_t *place)
{
	const size_t mask = index->n_slots - 1;

	if (index->n_slots == 0)
		return false;
	/* Ends: half of the slots are empty. */
	for (size_t at = (size_t)query->hash & mask; index->slots[at].is_used;
		at = (at + 1) & mask) {
		const struct policy_index_slot *slot = &index->slots[at];

		if (slot->hash == query->hash &&
			query->is_same(query->context, slot->place, query->wanted)) {
			*place = slot->place;
			return true;
		}
	}
	return false;
}
