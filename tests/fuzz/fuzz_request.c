/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second door, and the composers behind it: what request_new() accepts is within its
 * limits, and a request that is accepted becomes claims, or a header, with one reading.
 *
 * Input: a byte of flags, a byte that says which input, four bytes of timeout, then key,
 * profile, algorithm, audience (or digest or payload), claims (or typ) and cty, each behind
 * two bytes of length, big endian.
 */
#include <jansson.h>
#include <openssl/ec.h>
#include <string.h>

#include "seal/form.h"
#include "seal/request.h"
#include "util/base64.h"

#define IDENTIFIER "did:ishare:EU.NL.NTRNL-10000001"
#define JTI        "378a47c4-2822-4ca5-a49a-7e5a1cc7ea59"

enum {
	HAS_ALGORITHM = 1,
	HAS_TIMEOUT = 2,
	HAS_CLAIMS = 4,
	HAS_TYP = HAS_CLAIMS,
	HAS_NOT_BEFORE = 8,
	HAS_X5C = HAS_NOT_BEFORE,
	HAS_CTY = 16,
	HAS_NO_PAYLOAD = 32,
	HEAD = 6,
	NOW = 1504683445,
	LIFETIME = 30,
	JSON_MAX = 64 * 1024,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes take(struct bytes *rest)
{
	struct bytes taken = {rest->p, 0};

	if (rest->len < 2)
		return taken;
	taken.len = (size_t)rest->p[0] << 8 | rest->p[1];
	taken.p = rest->p + 2;
	if (taken.len > rest->len - 2)
		taken.len = rest->len - 2;
	rest->p = taken.p + taken.len;
	rest->len -= 2 + taken.len;
	return taken;
}

static struct request_fields split(const uint8_t *data, size_t size)
{
	static const enum request_input inputs[] = {
		INPUT_NONE, INPUT_DSGO_AUTH, INPUT_DIGEST, INPUT_JWS};
	struct bytes rest = {data + HEAD, size - HEAD};
	struct request_fields fields = {
		.has_algorithm = (data[0] & HAS_ALGORITHM) != 0,
		.has_timeout = (data[0] & HAS_TIMEOUT) != 0,
		.has_claims = (data[0] & HAS_CLAIMS) != 0,
		.has_not_before = (data[0] & HAS_NOT_BEFORE) != 0,
		.has_payload = (data[0] & HAS_NO_PAYLOAD) == 0,
		.has_typ = (data[0] & HAS_TYP) != 0,
		.has_cty = (data[0] & HAS_CTY) != 0,
		.has_x5c = (data[0] & HAS_X5C) != 0,
		.timeout_ms = (uint32_t)data[2] << 24 | (uint32_t)data[3] << 16 |
			      (uint32_t)data[4] << 8 | data[5],
	};

	fields.key = take(&rest);
	fields.profile = take(&rest);
	fields.algorithm = take(&rest);
	fields.audience = take(&rest);
	fields.digest = fields.audience;
	fields.payload = fields.audience;
	fields.claims = take(&rest);
	fields.typ = fields.claims;
	fields.cty = take(&rest);
	fields.input = inputs[data[1] % ARRAY_LEN(inputs)];
	return fields;
}

static void check_limits(
	const struct seal_request *request, const struct request_fields *fields)
{
	must(request->form != NULL && request->form->input == fields->input);
	must(bytes_is_equal(bytes_from_text(request->key), fields->key));
	must(text_is_name(fields->key));
	must(request->timeout_ms >= 1 && request->timeout_ms <= REQUEST_TIMEOUT_MAX_MS);
	must(request->digest_len <= HASH_LEN_MAX);
	must(request->payload.len <= REQUEST_PAYLOAD_MAX);
	must(!request->is_token_like || fields->input == INPUT_JWS);
	if (request->algorithm != NULL && fields->input == INPUT_DIGEST)
		must(request->digest_len == request->algorithm->hash_len);
	if (fields->input != INPUT_DSGO_AUTH)
		return;
	must(bytes_is_equal(bytes_from_text(request->audience), fields->audience));
	must(text_is_identifier(fields->audience, AUDIENCE_MAX_LEN));
	must(strcmp(request->algorithm->name, "RS256") == 0);
}

static void check_payload(const struct draft *draft, const struct seal_request *request)
{
	CLEANUP(buf_deinit) struct buf json = BUF_INIT(JSON_MAX);
	const char *issuer, *subject, *audience, *jti;
	json_int_t issued_at, expires_at;
	json_t *claims;

	must(base64url_decode(&json, buf_get(&draft->text)) == STATUS_OK);
	claims = json_loadb(
		(const char *)json.p, json.len, JSON_REJECT_DUPLICATES, NULL);
	must(claims != NULL);
	must(json_unpack(claims, "{s:s, s:s, s:s, s:s, s:I, s:I}", "iss", &issuer,
		     "sub", &subject, "aud", &audience, "jti", &jti, "iat", &issued_at,
		     "exp", &expires_at) == 0);
	must(strcmp(issuer, IDENTIFIER) == 0 && strcmp(subject, IDENTIFIER) == 0);
	must(strcmp(audience, request->audience) == 0 && strcmp(jti, JTI) == 0);
	must(issued_at == NOW && expires_at == NOW + LIFETIME);
	must((json_object_get(claims, "nbf") != NULL) == request->has_not_before);
	json_decref(claims);
}

/* A parameter of the header is there when it was asked for, and says what was asked. */
static void check_parameter(const json_t *header, const char *name, const char *value)
{
	const char *found = json_string_value(json_object_get(header, name));

	must((found != NULL) == (value[0] != '\0'));
	must(found == NULL || strcmp(found, value) == 0);
}

static void check_header(struct bytes encoded, const struct seal_request *request)
{
	CLEANUP(buf_deinit) struct buf json = BUF_INIT(JSON_MAX);
	json_t *header;

	must(base64url_decode(&json, encoded) == STATUS_OK);
	header = json_loadb(
		(const char *)json.p, json.len, JSON_REJECT_DUPLICATES, NULL);
	must(json_object_size(header) == 1 + (size_t)(request->typ[0] != '\0') +
						 (size_t)(request->cty[0] != '\0') +
						 (size_t)request->has_x5c);
	check_parameter(header, "alg", "ES256");
	check_parameter(header, "typ", request->typ);
	check_parameter(header, "cty", request->cty);
	must(json_is_array(json_object_get(header, "x5c")) == request->has_x5c);
	json_decref(header);
}

static void check_jws(struct bytes text, const struct seal_request *request)
{
	CLEANUP(buf_deinit) struct buf payload = BUF_INIT(REQUEST_PAYLOAD_MAX);
	const uint8_t *dot = memchr(text.p, '.', text.len);
	struct bytes head = text;

	must(dot != NULL);
	head.len = (size_t)(dot - text.p);
	check_header(head, request);
	text = (struct bytes){dot + 1, text.len - head.len - 1};
	must(base64url_decode(&payload, text) == STATUS_OK);
	must(bytes_is_equal(buf_get(&payload), buf_get(&request->payload)));
}

static void compose_jws(const struct seal_request *request)
{
	struct hashes hashes;
	struct draft draft = {.text = BUF_INIT(DRAFT_TEXT_MAX)};
	struct chain chain = {.x5c = BUF_INIT(16), .kind = KEY_P256};
	struct form_input input = {.request = request,
		.algorithm = algorithm_find(bytes_from_text("ES256")),
		.chain = &chain};

	must(hashes_init(&hashes) == STATUS_OK);
	must(buf_append_text(&chain.x5c, "[\"MIIB\"]") == STATUS_OK);
	chain.public_key = EVP_EC_gen("P-256");
	must(chain.public_key != NULL);
	input.hash = hashes.md[input.algorithm->hash];
	must(request->form->compose(&draft, &input) == STATUS_OK);
	check_jws(buf_get(&draft.text), request);
	EVP_PKEY_free(chain.public_key);
	buf_deinit(&chain.x5c);
	buf_deinit(&draft.text);
	hashes_deinit(&hashes);
}

static void compose_auth(const struct seal_request *request)
{
	struct hashes hashes;
	struct jws_head *head = NULL;
	struct draft draft = {.text = BUF_INIT(DRAFT_TEXT_MAX)};
	struct form_input input = {.request = request,
		.algorithm = request->algorithm,
		.identifier = IDENTIFIER,
		.jti = JTI,
		.now_s = NOW};

	must(hashes_init(&hashes) == STATUS_OK);
	must(jws_head_new(bytes_from_text("{}"), hashes.md[HASH_SHA256], &head) ==
		STATUS_OK);
	input.head = head;
	must(request->form->compose(&draft, &input) == STATUS_OK);
	check_payload(&draft, request);
	buf_deinit(&draft.text);
	jws_head_freep(&head);
	hashes_deinit(&hashes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(request_freep) struct seal_request *request = NULL;
	struct request_fields fields;

	if (size < HEAD)
		return 0;
	fields = split(data, size);
	if (request_new(&fields, &request) != STATUS_OK)
		return 0;
	check_limits(request, &fields);
	if (fields.input == INPUT_DSGO_AUTH)
		compose_auth(request);
	if (fields.input == INPUT_JWS)
		compose_jws(request);
	return 0;
}
