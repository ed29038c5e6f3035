/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of the wire become C strings here, after it was checked that no NUL hides in
 * them: what the application compares must be all that was sent.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

void freep(void *pointer_to_pointer)
{
	void **const pointer = pointer_to_pointer;

	free(*pointer);
	*pointer = NULL;
}

bool text_is_clean(ProtobufCBinaryData bytes)
{
	return bytes.len > 0 && memchr(bytes.data, '\0', bytes.len) == NULL;
}

ProtobufCBinaryData text_to_bytes(const char *text)
{
	/* protobuf-c has no view of constant bytes; packing only reads them. */
	union {
		const char *in;
		uint8_t *out;
	} view = {.in = text};

	return (ProtobufCBinaryData){.data = view.out, .len = strlen(text)};
}

void *block_take(struct block *block, size_t n, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	const size_t at = (block->used + align - 1) / align * align;

	/* No overflow: all of it was in frames, PAGES_MAX times FRAME_BODY_MAX at most. */
	block->used = at + n * size;
	return block->p == NULL ? NULL : block->p + at;
}

char *block_take_text(struct block *block, ProtobufCBinaryData bytes)
{
	char *const text = block->p == NULL ? NULL : (char *)block->p + block->used;

	block->used += bytes.len + 1;
	if (text == NULL)
		return NULL;
	if (bytes.len > 0)
		memcpy(text, bytes.data, bytes.len);
	text[bytes.len] = '\0';
	return text;
}
