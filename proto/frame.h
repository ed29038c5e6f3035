/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing: four bytes of length, big endian, then one protobuf message of that length.
 * Shared by the agent and libzegel, so it knows neither; plain C and nothing else.
 *
 * Thread: any
 */
#ifndef ZEGEL_PROTO_FRAME_H
#define ZEGEL_PROTO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_HEAD = 4,           /* bytes of the length */
	FRAME_BODY_MAX = 65536,   /* bytes of a message, in both directions */
	FRAME_IN_FLIGHT_MAX = 64, /* requests of one connection without an answer */
	FRAME_VERSION = 1,        /* the protocol version of zegel.proto */
};

/* Writes the head for a body of body_len bytes, which is 1 to FRAME_BODY_MAX. */
void frame_put_head(uint8_t head[static FRAME_HEAD], size_t body_len);

/* The body's length; false when it is 0 or more than FRAME_BODY_MAX. */
bool frame_get_length(const uint8_t head[static FRAME_HEAD], size_t *out);

#endif
