/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of a fixed size that protobuf-c unpacks one request into: what does not fit is
 * refused, and everything is gone, wiped, before the next request is read. (Uncapped,
 * protobuf-c can be made to take 56 bytes for each byte that was sent.)
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_ARENA_H
#define ZEGEL_SERVER_ARENA_H

#include <protobuf-c/protobuf-c.h>

#include "util/defs.h"

enum {
	ARENA_SIZE = 128 * 1024,
};

struct arena {
	ProtobufCAllocator allocator; /* to be handed to protobuf-c */
	size_t used;
	_Alignas(max_align_t) uint8_t memory[ARENA_SIZE];
};

void arena_init(struct arena *arena);
/* Forgets and wipes what was allocated. */
void arena_clear(struct arena *arena);

#endif
