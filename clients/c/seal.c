/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request for a seal, and the seal. The profile decides which members of the request
 * are sent. A profile that this library does not know is sent without an input: the
 * agent says better than we can that it is UNSUPPORTED.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/*
 * What the first version of the library took: a caller cannot have less. A new member
 * begins behind the size of the version before, not in the padding at its end.
 */
enum {
	SIZE_FIRST = offsetof(struct zegel_seal_request, digest_len) + sizeof(size_t),
	SIZE_MAX_KNOWN = 4096, /* beyond this, size is not a size of any version */
};

/* The messages of one request, which point at each other. */
struct parts {
	Zegel__V1__Request request;
	Zegel__V1__Seal seal;
	Zegel__V1__DsgoAuthInput dsgo_auth;
	Zegel__V1__DigestInput digest;
	Zegel__V1__JwsInput jws;
};

/*
 * Brings a request of any version of zegel.h into the one that this file knows: what an
 * older caller does not have is absent, what a newer one asks for must not be dropped.
 */
static enum zegel_status read_request(const struct call *call,
	const struct zegel_seal_request *from, struct zegel_seal_request *out)
{
	const uint8_t *const bytes = (const uint8_t *)from;
	size_t known;

	if (from == NULL)
		return error_set(call->error, ZEGEL_INVALID, "request is NULL");
	if (from->size < SIZE_FIRST || from->size > SIZE_MAX_KNOWN)
		return error_set(call->error, ZEGEL_INVALID,
			"request.size must be sizeof(struct zegel_seal_request)");
	for (size_t i = sizeof(*out); i < from->size; i++)
		if (bytes[i] != 0)
			return error_set(call->error, ZEGEL_INVALID,
				"request has a member that is newer than this library");
	known = from->size < sizeof(*out) ? from->size : sizeof(*out);
	*out = (struct zegel_seal_request){.size = 0};
	memcpy(out, from, known);
	return ZEGEL_OK;
}

static bool is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

/* protobuf-c has no view of constant bytes; packing only reads them. */
static ProtobufCBinaryData view(const uint8_t *bytes, size_t len)
{
	union {
		const uint8_t *in;
		uint8_t *out;
	} view = {.in = bytes};

	return (ProtobufCBinaryData){.data = view.out, .len = len};
}

/* A member of another profile was set: its caller would believe that it is in the seal. */
static enum zegel_status refuse_foreign(
	const struct call *call, const struct zegel_seal_request *from)
{
	const bool is_auth = strcmp(from->profile, "dsgo-auth") == 0;
	const bool is_digest = strcmp(from->profile, "digest") == 0;
	const bool is_jws = strcmp(from->profile, "jws") == 0;

	if (!is_auth &&
		(from->audience != NULL || from->claims != NULL || from->not_before))
		return error_set(call->error, ZEGEL_INVALID,
			"request.audience, claims and not_before are not for the "
			"profile %s",
			from->profile);
	if (!is_digest && (from->digest != NULL || from->digest_len != 0))
		return error_set(call->error, ZEGEL_INVALID,
			"request.digest is not for the profile %s", from->profile);
	if (!is_jws && (from->payload != NULL || from->payload_len != 0 ||
			       from->typ != NULL || from->cty != NULL || from->x5c))
		return error_set(call->error, ZEGEL_INVALID,
			"request.payload, typ, cty and x5c are not for the profile %s",
			from->profile);
	return ZEGEL_OK;
}

static enum zegel_status set_dsgo_auth(const struct call *call,
	const struct zegel_seal_request *from, struct parts *parts)
{
	Zegel__V1__DsgoAuthInput *const input = &parts->dsgo_auth;

	if (is_empty(from->audience))
		return error_set(call->error, ZEGEL_INVALID,
			"request.audience is missing: dsgo-auth needs the receiver");
	input->has_audience = true;
	input->audience = text_to_bytes(from->audience);
	input->has_claims = from->claims != NULL;
	if (input->has_claims)
		input->claims = text_to_bytes(from->claims);
	if (input->claims.len > CLAIMS_MAX)
		return error_set(call->error, ZEGEL_INVALID,
			"request.claims is longer than %d bytes", CLAIMS_MAX);
	input->has_not_before = from->not_before;
	input->not_before = from->not_before;
	parts->seal.input_case = ZEGEL__V1__SEAL__INPUT_DSGO_AUTH;
	parts->seal.dsgo_auth = input;
	return ZEGEL_OK;
}

static enum zegel_status set_digest(const struct call *call,
	const struct zegel_seal_request *from, struct parts *parts)
{
	if (from->digest == NULL || from->digest_len == 0)
		return error_set(call->error, ZEGEL_INVALID,
			"request.digest is missing: the profile digest needs it");
	/* So that the lengths below can be added without a thought. */
	if (from->digest_len > FRAME_BODY_MAX)
		return error_set(call->error, ZEGEL_INVALID,
			"request.digest_len is no length of a digest");
	parts->digest.digest = view(from->digest, from->digest_len);
	parts->seal.input_case = ZEGEL__V1__SEAL__INPUT_DIGEST;
	parts->seal.digest = &parts->digest;
	return ZEGEL_OK;
}

static enum zegel_status set_media_type(const struct call *call, const char *member,
	const char *type, ProtobufCBinaryData *out)
{
	if (strnlen(type, MEDIA_TYPE_MAX + 1) > MEDIA_TYPE_MAX)
		return error_set(call->error, ZEGEL_INVALID,
			"request.%s is longer than %d characters", member,
			MEDIA_TYPE_MAX);
	*out = text_to_bytes(type);
	return ZEGEL_OK;
}

static enum zegel_status set_jws(const struct call *call,
	const struct zegel_seal_request *from, struct parts *parts)
{
	Zegel__V1__JwsInput *const input = &parts->jws;

	if (from->payload == NULL)
		return error_set(call->error, ZEGEL_INVALID,
			"request.payload is missing: the profile jws needs it");
	if (from->payload_len > PAYLOAD_MAX)
		return error_set(call->error, ZEGEL_INVALID,
			"request.payload is longer than %d bytes", PAYLOAD_MAX);
	input->has_payload = true;
	input->payload = view(from->payload, from->payload_len);
	input->has_typ = from->typ != NULL;
	if (input->has_typ)
		TRY(set_media_type(call, "typ", from->typ, &input->typ));
	input->has_cty = from->cty != NULL;
	if (input->has_cty)
		TRY(set_media_type(call, "cty", from->cty, &input->cty));
	input->has_x5c = from->x5c;
	input->x5c = from->x5c;
	parts->seal.input_case = ZEGEL__V1__SEAL__INPUT_JWS;
	parts->seal.jws = input;
	return ZEGEL_OK;
}

static enum zegel_status set_input(const struct call *call,
	const struct zegel_seal_request *from, struct parts *parts)
{
	static const struct {
		const char *profile;
		enum zegel_status (*set)(const struct call *call,
			const struct zegel_seal_request *from, struct parts *parts);
	} rows[] = {
		{"dsgo-auth", set_dsgo_auth},
		{"digest", set_digest},
		{"jws", set_jws},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(from->profile, rows[i].profile) != 0)
			continue;
		TRY(refuse_foreign(call, from));
		return rows[i].set(call, from, parts);
	}
	return ZEGEL_OK;
}

/* Borrows from's texts; parts must not move afterwards. */
static enum zegel_status set_parts(const struct call *call,
	const struct zegel_seal_request *from, struct parts *parts)
{
	*parts = (struct parts){
		.request = ZEGEL__V1__REQUEST__INIT,
		.seal = ZEGEL__V1__SEAL__INIT,
		.dsgo_auth = ZEGEL__V1__DSGO_AUTH_INPUT__INIT,
		.digest = ZEGEL__V1__DIGEST_INPUT__INIT,
		.jws = ZEGEL__V1__JWS_INPUT__INIT,
	};
	if (is_empty(from->key))
		return error_set(call->error, ZEGEL_INVALID, "request.key is missing");
	if (is_empty(from->profile))
		return error_set(
			call->error, ZEGEL_INVALID, "request.profile is missing");
	parts->request.what_case = ZEGEL__V1__REQUEST__WHAT_SEAL;
	parts->request.seal = &parts->seal;
	parts->seal.key = text_to_bytes(from->key);
	parts->seal.profile = text_to_bytes(from->profile);
	parts->seal.has_algorithm = from->algorithm != NULL;
	if (parts->seal.has_algorithm)
		parts->seal.algorithm = text_to_bytes(from->algorithm);
	return set_input(call, from, parts);
}

static bool is_sound(const Zegel__V1__SealResult *from, bool has_text)
{
	return from->seal.len > 0 && (!has_text || text_is_clean(from->seal)) &&
	       (!from->has_jti || text_is_clean(from->jti)) &&
	       text_is_clean(from->algorithm) &&
	       from->certificate_sha256.len == SHA256_LEN;
}

/* Lays the seal out in block; NULL while counting. */
static struct zegel_seal *put_seal(
	struct block *block, const Zegel__V1__SealResult *from, bool has_text)
{
	struct zegel_seal *const seal = block_take(block, 1, sizeof(*seal));
	const char *const text = block_take_text(block, from->seal);
	const char *const algorithm = block_take_text(block, from->algorithm);
	const char *const jti =
		from->has_jti ? block_take_text(block, from->jti) : NULL;

	if (seal == NULL)
		return NULL;
	*seal = (struct zegel_seal){
		.text = has_text ? text : NULL,
		.data = (const uint8_t *)text,
		.data_len = from->seal.len,
		.jti = jti,
		.issued_at = from->has_issued_at ? from->issued_at : 0,
		.expires_at = from->has_expires_at ? from->expires_at : 0,
		.algorithm = algorithm,
	};
	memcpy(seal->certificate_sha256, from->certificate_sha256.data, SHA256_LEN);
	return seal;
}

static enum zegel_status give_seal(const struct call *call,
	const Zegel__V1__SealResult *from, bool has_text, struct zegel_seal **out)
{
	struct block block = {.p = NULL};

	if (!is_sound(from, has_text))
		return error_set(call->error, ZEGEL_INTERNAL,
			"the agent's seal has a text or a length that cannot be");
	(void)put_seal(&block, from, has_text);
	block = (struct block){.p = malloc(block.used)};
	if (block.p == NULL)
		return error_set_memory(call->error);
	*out = put_seal(&block, from, has_text);
	return ZEGEL_OK;
}

enum zegel_status zegel_seal(struct zegel *zegel,
	const struct zegel_seal_request *request, struct zegel_seal **out,
	struct zegel_error *error)
{
	CLEANUP(wire_answer_freep) Zegel__V1__Response *answer = NULL;
	struct zegel_seal_request known;
	struct parts parts;
	struct call call;

	TRY(call_init(&call, zegel, error));
	if (out == NULL)
		return error_set(error, ZEGEL_INVALID, "out is NULL");
	TRY(read_request(&call, request, &known));
	TRY(set_parts(&call, &known, &parts));
	TRY(call_ask(&call, &parts.request, ZEGEL__V1__RESPONSE__WHAT_SEAL, &answer));
	return give_seal(
		&call, answer->seal, strcmp(known.profile, "digest") != 0, out);
}

void zegel_seal_free(struct zegel_seal *seal)
{
	free(seal);
}
