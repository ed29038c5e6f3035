/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <string.h>

static void *give(void *context, size_t size)
{
	struct arena *arena = context;
	const size_t step = _Alignof(max_align_t);
	void *given;

	if (size > ARENA_SIZE - arena->used)
		return NULL;
	given = arena->memory + arena->used;
	arena->used += (size + step - 1) / step * step;
	if (arena->used > ARENA_SIZE)
		arena->used = ARENA_SIZE;
	return given;
}

/* Single pieces are not given back: the whole is cleared after each request. */
static void take_back(void *context, void *piece)
{
	(void)context;
	(void)piece;
}

void arena_init(struct arena *arena)
{
	arena->allocator = (ProtobufCAllocator){
		.alloc = give, .free = take_back, .allocator_data = arena};
	arena->used = 0;
}

void arena_clear(struct arena *arena)
{
	memset(arena->memory, 0, arena->used);
	arena->used = 0;
}
