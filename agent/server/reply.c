/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include "util/log.h"

const char reply_agent_name[] = "zegel " ZEGEL_VERSION;

/* No default: a new word does not compile until it is mapped. */
static Zegel__V1__Status word_of(enum status status)
{
	switch (status_wire(status)) {
	case WIRE_OK:
		return ZEGEL__V1__STATUS__OK;
	case WIRE_INVALID:
		return ZEGEL__V1__STATUS__INVALID;
	case WIRE_DENIED:
		return ZEGEL__V1__STATUS__DENIED;
	case WIRE_LOCKED:
		return ZEGEL__V1__STATUS__LOCKED;
	case WIRE_BUSY:
		return ZEGEL__V1__STATUS__BUSY;
	case WIRE_TIMEOUT:
		return ZEGEL__V1__STATUS__TIMEOUT;
	case WIRE_UNAVAILABLE:
		return ZEGEL__V1__STATUS__UNAVAILABLE;
	case WIRE_UNSUPPORTED:
		return ZEGEL__V1__STATUS__UNSUPPORTED;
	case WIRE_INTERNAL:
		return ZEGEL__V1__STATUS__INTERNAL;
	}
	return ZEGEL__V1__STATUS__INTERNAL;
}

static bool can_retry(enum status status)
{
	const enum wire_status wire = status_wire(status);

	return wire == WIRE_BUSY || wire == WIRE_TIMEOUT || wire == WIRE_UNAVAILABLE;
}

ProtobufCBinaryData reply_bytes(struct bytes bytes)
{
	/* protobuf-c has no const; packing only reads. */
	return (ProtobufCBinaryData){
		.len = bytes.len, .data = (uint8_t *)(uintptr_t)bytes.p};
}

ProtobufCBinaryData reply_text(const char *text)
{
	return reply_bytes(bytes_from_text(text));
}

void reply_send(struct conn *conn, uint64_t id, Zegel__V1__Response *response)
{
	uint8_t *place;
	size_t len;

	response->id = id;
	len = zegel__v1__response__get_packed_size(response);
	if (len > FRAME_BODY_MAX) {
		log_event(LOG_ERR, "answer longer than a frame", "bytes=%zu", len);
		reply_error(conn, id, STATUS_NO_MEMORY, 0);
		return;
	}
	/* When it is refused the connection is broken, and there is nobody to answer. */
	if (conn_reserve(conn, len, &place) != STATUS_OK)
		return;
	(void)zegel__v1__response__pack(response, place);
	conn_send(conn, len);
}

void reply_error(
	struct conn *conn, uint64_t id, enum status status, uint32_t retry_after_ms)
{
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__Error error = ZEGEL__V1__ERROR__INIT;

	error.status = word_of(status);
	error.text = reply_text(status_text(status));
	error.has_retry_after_ms = retry_after_ms != 0 && can_retry(status);
	error.retry_after_ms = retry_after_ms;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_ERROR;
	response.error = &error;
	reply_send(conn, id, &response);
}

void reply_seal(struct conn *conn, uint64_t id, const struct seal_answer *answer)
{
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__SealResult seal = ZEGEL__V1__SEAL_RESULT__INIT;

	if (answer->status != STATUS_OK) {
		reply_error(conn, id, answer->status, answer->retry_after_ms);
		return;
	}
	seal.seal = reply_bytes(answer->seal);
	seal.has_jti = answer->jti[0] != '\0';
	seal.jti = reply_text(answer->jti);
	seal.has_issued_at = answer->has_times;
	seal.issued_at = answer->issued_at;
	seal.has_expires_at = answer->has_times;
	seal.expires_at = answer->expires_at;
	seal.certificate_sha256 = reply_bytes(
		(struct bytes){answer->certificate_sha256, CERTIFICATE_HASH_LEN});
	seal.algorithm = reply_text(answer->algorithm);
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_SEAL;
	response.seal = &seal;
	reply_send(conn, id, &response);
}
