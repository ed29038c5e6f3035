/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <string.h>

enum {
	DEPTH_MAX = 4,   /* Request, Seal, its input, and one to spare */
	FIELDS_MAX = 64, /* of one message type */
	VARINT_LEN_MAX = 10,
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2,
	WIRE_FIXED32 = 5,
};

/* One message on the way down. */
struct level {
	const ProtobufCMessageDescriptor *type;
	struct bytes rest;
	uint64_t seen; /* a bit for each field of type */
};

/* Takes a varint from the front of rest. */
static bool take_varint(struct bytes *rest, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < VARINT_LEN_MAX && i < rest->len; i++) {
		value |= (uint64_t)(rest->p[i] & 0x7f) << (7 * i);
		if ((rest->p[i] & 0x80) != 0)
			continue;
		rest->p += i + 1;
		rest->len -= i + 1;
		*out = value;
		return true;
	}
	return false;
}

/* Takes the value behind a tag; for WIRE_BYTES what is inside. */
static bool take_value(struct bytes *rest, uint64_t wire_type, struct bytes *out)
{
	uint64_t len;

	switch (wire_type) {
	case WIRE_VARINT:
		out->len = 0;
		return take_varint(rest, &len);
	case WIRE_FIXED64:
		len = 8;
		break;
	case WIRE_FIXED32:
		len = 4;
		break;
	case WIRE_BYTES:
		if (!take_varint(rest, &len))
			return false;
		break;
	default:
		return false; /* groups do not exist here */
	}
	if (len > rest->len)
		return false;
	*out = (struct bytes){rest->p, (size_t)len};
	rest->p += len;
	rest->len -= (size_t)len;
	return true;
}

/* Whether another member of the field's oneof was seen; or the field itself. */
static bool is_repeated(
	const struct level *level, const ProtobufCFieldDescriptor *field)
{
	for (unsigned i = 0; i < level->type->n_fields; i++) {
		const ProtobufCFieldDescriptor *other = &level->type->fields[i];
		const bool is_rival =
			other == field ||
			((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
				(other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
				other->quantifier_offset == field->quantifier_offset);

		if (is_rival && (level->seen >> i & 1) != 0)
			return true;
	}
	return false;
}

/* The descriptor of the next field, marked as seen. */
static enum status take_field(struct level *level, size_t depth,
	const ProtobufCFieldDescriptor **out, struct bytes *out_value)
{
	const ProtobufCFieldDescriptor *field;
	uint64_t tag;

	if (!take_varint(&level->rest, &tag) || tag >> 3 == 0 ||
		tag >> 3 > UINT32_MAX >> 3)
		return STATUS_BAD_MESSAGE;
	if (!take_value(&level->rest, tag & 7, out_value))
		return STATUS_BAD_MESSAGE;
	field = protobuf_c_message_descriptor_get_field(
		level->type, (unsigned)(tag >> 3));
	if (field == NULL)
		return depth == 0 ? STATUS_UNKNOWN_REQUEST : STATUS_UNKNOWN_FIELD;
	if (is_repeated(level, field))
		return STATUS_BAD_MESSAGE;
	level->seen |= (uint64_t)1 << (field - level->type->fields);
	/* A message where none belongs is left to the unpacking, which knows all types. */
	if (field->type == PROTOBUF_C_TYPE_MESSAGE && (tag & 7) != WIRE_BYTES)
		return STATUS_BAD_MESSAGE;
	*out = field;
	return STATUS_OK;
}

/* A request has no repeated field, so each field of each level occurs at most once. */
static enum status walk(const ProtobufCMessageDescriptor *type, struct bytes bytes)
{
	struct level levels[DEPTH_MAX] = {{.type = type, .rest = bytes}};
	size_t depth = 0;

	for (;;) {
		struct level *level = &levels[depth];
		const ProtobufCFieldDescriptor *field;
		struct bytes value;

		if (level->rest.len == 0 && depth == 0)
			return STATUS_OK;
		if (level->rest.len == 0) {
			depth--;
			continue;
		}
		must(level->type->n_fields <= FIELDS_MAX);
		TRY(take_field(level, depth, &field, &value));
		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		if (++depth == DEPTH_MAX)
			return STATUS_BAD_MESSAGE;
		levels[depth] =
			(struct level){.type = field->descriptor, .rest = value};
	}
}

/* The id, if it stands where it belongs, so that even a refusal finds its request. */
static uint64_t peek_id(struct bytes bytes)
{
	uint64_t tag, id;

	if (!take_varint(&bytes, &tag) || tag != (1 << 3 | WIRE_VARINT) ||
		!take_varint(&bytes, &id))
		return 0;
	return id;
}

static bool is_canonical(
	struct wire *wire, const ProtobufCMessage *message, struct bytes bytes)
{
	return protobuf_c_message_get_packed_size(message) == bytes.len &&
	       protobuf_c_message_pack(message, wire->again) == bytes.len &&
	       memcmp(wire->again, bytes.p, bytes.len) == 0;
}

void wire_init(struct wire *wire)
{
	arena_init(&wire->arena);
}

enum status wire_open_message(struct wire *wire, const ProtobufCMessageDescriptor *type,
	struct bytes bytes, const ProtobufCMessage **out, uint64_t *out_id)
{
	const ProtobufCMessage *message;

	must(bytes.len <= FRAME_BODY_MAX);
	*out_id = peek_id(bytes);
	TRY(walk(type, bytes));
	message = protobuf_c_message_unpack(
		type, &wire->arena.allocator, bytes.len, bytes.p);
	if (message == NULL || !is_canonical(wire, message, bytes)) {
		wire_close(wire);
		return STATUS_BAD_MESSAGE;
	}
	*out = message;
	return STATUS_OK;
}

enum status wire_open(struct wire *wire, struct bytes bytes,
	const Zegel__V1__Request **out, uint64_t *out_id)
{
	const ProtobufCMessage *message = NULL;
	const Zegel__V1__Request *request;

	TRY(wire_open_message(
		wire, &zegel__v1__request__descriptor, bytes, &message, out_id));
	/* protobuf-c's own idea of inheritance: the base is the first member. */
	request = (const Zegel__V1__Request *)(const void *)message;
	/* 0 stands for "no request" in answers. */
	if (request->id == 0 ||
		request->what_case == ZEGEL__V1__REQUEST__WHAT__NOT_SET) {
		wire_close(wire);
		return STATUS_BAD_MESSAGE;
	}
	*out = request;
	return STATUS_OK;
}

void wire_close(struct wire *wire)
{
	arena_clear(&wire->arena);
}
