/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first door: bytes. A message is walked before it is unpacked, because protobuf-c
 * silently accepts what must not mean anything here: a field twice, a field nobody knows,
 * two members of a oneof. What was unpacked is packed again and must be the same bytes,
 * so that every request has one form.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_WIRE_H
#define ZEGEL_SERVER_WIRE_H

#include "arena.h"
#include "proto/frame.h"
#include "util/defs.h"
#include "zegel.pb-c.h"

struct wire {
	struct arena arena;
	uint8_t again[FRAME_BODY_MAX]; /* the message packed again */
};

void wire_init(struct wire *wire);

/*
 * Unpacks one message of a contract of ours. BAD_MESSAGE, UNKNOWN_FIELD, or
 * UNKNOWN_REQUEST for a field of the message itself; then *out_id is the number of its
 * field 1 if it begins with that, else 0. *out borrows from wire and from bytes until
 * wire_close().
 */
MUST_CHECK enum status wire_open_message(struct wire *wire,
	const ProtobufCMessageDescriptor *type, struct bytes bytes,
	const ProtobufCMessage **out, uint64_t *out_id);
/*
 * Unpacks one request of a client. BAD_MESSAGE, UNKNOWN_FIELD or UNKNOWN_REQUEST; then
 * *out_id is the request's id if the message begins with one, else 0. *out borrows from
 * wire and from bytes until wire_close().
 */
MUST_CHECK enum status wire_open(struct wire *wire, struct bytes bytes,
	const Zegel__V1__Request **out, uint64_t *out_id);
void wire_close(struct wire *wire);

#endif
