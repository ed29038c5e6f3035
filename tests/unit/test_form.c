/* SPDX-License-Identifier: Apache-2.0 */
/* The vector of the DSGO facts: claims and dummy chain are given, every byte is fixed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <stdio.h>
#include <string.h>

#include "seal/form.h"
#include "util/base64.h"

#define ISSUER         "did:ishare:EU.NL.NTRNL-10000001"
#define AUDIENCE       "did:ishare:EU.NL.NTRNL-10000002"
#define JTI            "378a47c4-2822-4ca5-a49a-7e5a1cc7ea59"
#define HEADER         "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5c\":[\"MIIB\"]}"
#define HEADER_ENCODED "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsIng1YyI6WyJNSUlCIl19"
#define CLAIMS                                                                         \
	"{\"iss\":\"" ISSUER "\",\"sub\":\"" ISSUER "\",\"aud\":\"" AUDIENCE           \
	"\",\"jti\":\"" JTI "\",\"iat\":1504683445,\"exp\":1504683475"
#define DIGEST "91626c2584ecbe6035a83c8e9a08a19142b404e9562513e8bc5ba5d3451e9fa9"

enum {
	NOW = 1504683445,
	INPUT_LEN = 324,
	LONG_X5C = CHAIN_X5C_MAX - 4,
	USUAL_X5C = 8 * 1024,
};

struct fixture {
	struct hashes hashes;
	struct jws_head *head;
	struct seal_request *request;
	struct draft draft;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	CLEANUP(buf_deinit) struct buf header = BUF_INIT(1024);
	struct chain chain = {.x5c = BUF_INIT(64)};

	*state = &fixture;
	fixture.draft = (struct draft){.text = BUF_INIT(4096)};
	assert_int_equal(hashes_init(&fixture.hashes), STATUS_OK);
	assert_int_equal(buf_append_text(&chain.x5c, "[\"MIIB\"]"), STATUS_OK);
	assert_int_equal(form_dsgo_auth.header(&header, &chain,
				 algorithm_find(bytes_from_text("RS256"))),
		STATUS_OK);
	buf_deinit(&chain.x5c);
	assert_true(bytes_is_equal(buf_get(&header), bytes_from_text(HEADER)));
	assert_int_equal(jws_head_new(buf_get(&header), fixture.hashes.md[HASH_SHA256],
				 &fixture.head),
		STATUS_OK);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	jws_head_freep(&fixture->head);
	request_freep(&fixture->request);
	buf_deinit(&fixture->draft.text);
	hashes_deinit(&fixture->hashes);
	return 0;
}

static void compose(struct fixture *fixture, const char *claims, bool has_not_before)
{
	const struct request_fields fields = {
		.key = bytes_from_text("k"),
		.profile = bytes_from_text("dsgo-auth"),
		.input = INPUT_DSGO_AUTH,
		.audience = bytes_from_text(AUDIENCE),
		.has_claims = claims != NULL,
		.claims = bytes_from_text(claims == NULL ? "" : claims),
		.has_not_before = has_not_before,
	};
	struct form_input input = {
		.identifier = ISSUER, .head = fixture->head, .jti = JTI, .now_s = NOW};

	assert_int_equal(request_new(&fields, &fixture->request), STATUS_OK);
	input.request = fixture->request;
	input.algorithm = fixture->request->algorithm;
	assert_int_equal(form_dsgo_auth.compose(&fixture->draft, &input), STATUS_OK);
}

static void assert_payload(const struct fixture *fixture, const char *expected)
{
	CLEANUP(buf_deinit) struct buf encoded = BUF_INIT(4096);

	assert_int_equal(
		base64url_encode(&encoded, bytes_from_text(expected)), STATUS_OK);
	assert_true(bytes_is_equal(buf_get(&encoded), buf_get(&fixture->draft.text)));
}

static void dsgo_auth_gives_the_bytes_of_the_vector(void **state)
{
	struct fixture *fixture = *state;
	char hex[2 * HASH_LEN_MAX + 1] = "";

	compose(fixture, NULL, false);
	assert_payload(fixture, CLAIMS "}");
	assert_true(bytes_is_equal(
		buf_get(&fixture->head->text), bytes_from_text(HEADER_ENCODED ".")));
	assert_int_equal(fixture->head->text.len + fixture->draft.text.len, INPUT_LEN);
	for (size_t i = 0; i < fixture->draft.digest_len; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", fixture->draft.digest[i]);
	assert_string_equal(hex, DIGEST);
	assert_int_equal(fixture->draft.expires_at - fixture->draft.issued_at, 30);
}

static void dsgo_auth_sets_nbf_to_iat_on_wish(void **state)
{
	compose(*state, NULL, true);
	assert_payload(*state, CLAIMS ",\"nbf\":1504683445}");
}

static void dsgo_auth_puts_other_claims_behind_its_own(void **state)
{
	compose(*state,
		"{\"capabilitiesInfo\":{\"b\":1,\"a\":[]},\"aud\":\"" AUDIENCE "\"}",
		false);
	assert_payload(*state, CLAIMS ",\"capabilitiesInfo\":{\"b\":1,\"a\":[]}}");
}

static void dsgo_auth_assembles_header_payload_signature(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(JWS_MAX);
	const uint8_t signature[] = {0xfb, 0xff};

	compose(fixture, NULL, false);
	assert_int_equal(form_dsgo_auth.assemble(&out, &fixture->draft, fixture->head,
				 (struct bytes){signature, sizeof(signature)}),
		STATUS_OK);
	assert_int_equal(out.len, INPUT_LEN + 1 + 3);
	assert_memory_equal(out.p, HEADER_ENCODED ".", sizeof(HEADER_ENCODED));
	assert_int_equal(out.p[INPUT_LEN], (uint8_t)0x2e);
	assert_memory_equal(out.p + INPUT_LEN + 1, "-_8", 3);
}

/* A key of P-256 on a token, and a form that makes its own header. */
struct plain {
	struct hashes hashes;
	struct chain chain;
	struct draft draft;
	struct seal_request *request;
};

static int set_up_plain(void **state)
{
	static struct plain plain;

	*state = &plain;
	plain.request = NULL;
	plain.draft = (struct draft){.text = BUF_INIT(DRAFT_TEXT_MAX)};
	plain.chain = (struct chain){
		.x5c = BUF_INIT(CHAIN_X5C_MAX),
		.kind = KEY_P256,
		.public_key = EVP_EC_gen("P-256"),
	};
	assert_non_null(plain.chain.public_key);
	assert_int_equal(buf_append_text(&plain.chain.x5c, "[\"MIIB\"]"), STATUS_OK);
	return hashes_init(&plain.hashes) == STATUS_OK ? 0 : -1;
}

static int tear_down_plain(void **state)
{
	struct plain *plain = *state;

	request_freep(&plain->request);
	buf_deinit(&plain->draft.text);
	buf_deinit(&plain->chain.x5c);
	EVP_PKEY_free(plain->chain.public_key);
	hashes_deinit(&plain->hashes);
	return 0;
}

/* typ, cty: NULL for none. */
static struct request_fields plain_fields(
	const char *typ, const char *cty, bool has_x5c, struct bytes payload)
{
	return (struct request_fields){
		.key = bytes_from_text("k"),
		.profile = bytes_from_text("jws"),
		.input = INPUT_JWS,
		.has_payload = true,
		.payload = payload,
		.has_typ = typ != NULL,
		.typ = bytes_from_text(typ == NULL ? "" : typ),
		.has_cty = cty != NULL,
		.cty = bytes_from_text(cty == NULL ? "" : cty),
		.has_x5c = has_x5c,
	};
}

static enum status compose_plain(
	struct plain *plain, const char *algorithm, const struct request_fields *fields)
{
	struct form_input input = {
		.algorithm = algorithm_find(bytes_from_text(algorithm)),
		.chain = &plain->chain,
		.jti = JTI,
		.now_s = NOW,
	};

	request_freep(&plain->request);
	buf_clear(&plain->draft.text);
	assert_int_equal(request_new(fields, &plain->request), STATUS_OK);
	input.request = plain->request;
	input.hash = plain->hashes.md[input.algorithm->hash];
	return form_jws.compose(&plain->draft, &input);
}

static void jws_has_the_header_that_was_asked_for(void **state)
{
	static const struct {
		const char *algorithm;
		const char *typ;
		const char *cty;
		bool has_x5c;
		const char *header;
		const char *hash;
	} rows[] = {
		{"ES256", NULL, NULL, false, "{\"alg\":\"ES256\"}", "SHA256"},
		{"RS512", "vnd.a+json", NULL, false,
			"{\"alg\":\"RS512\",\"typ\":\"vnd.a+json\"}", "SHA512"},
		{"PS384", NULL, "x/y", false, "{\"alg\":\"PS384\",\"cty\":\"x/y\"}",
			"SHA384"},
		{"ES256", NULL, NULL, true, "{\"alg\":\"ES256\",\"x5c\":[\"MIIB\"]}",
			"SHA256"},
		{"ES256", "JOSE", "json", true,
			"{\"alg\":\"ES256\",\"typ\":\"JOSE\",\"cty\":\"json\","
			"\"x5c\":[\"MIIB\"]}",
			"SHA256"},
	};
	const struct bytes payload = {(const uint8_t *)"a\0\xff", 3};
	struct plain *plain = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_deinit) struct buf expected = BUF_INIT(JWS_MAX);
		const struct request_fields fields = plain_fields(
			rows[i].typ, rows[i].cty, rows[i].has_x5c, payload);
		uint8_t digest[HASH_LEN_MAX];
		unsigned len = 0;

		assert_int_equal(
			compose_plain(plain, rows[i].algorithm, &fields), STATUS_OK);
		assert_int_equal(
			base64url_encode(&expected, bytes_from_text(rows[i].header)),
			STATUS_OK);
		assert_int_equal(buf_append_text(&expected, ".YQD_"), STATUS_OK);
		assert_true(bytes_is_equal(
			buf_get(&plain->draft.text), buf_get(&expected)));
		assert_int_equal(EVP_Digest(expected.p, expected.len, digest, &len,
					 EVP_get_digestbyname(rows[i].hash), NULL),
			1);
		assert_int_equal(plain->draft.digest_len, len);
		assert_memory_equal(plain->draft.digest, digest, len);
		assert_false(plain->draft.has_times);
		assert_string_equal(plain->draft.jti, "");
	}
}

static void jws_assembles_what_was_signed_and_the_signature(void **state)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(JWS_MAX);
	const struct request_fields fields =
		plain_fields(NULL, NULL, false, bytes_from_text(""));
	const uint8_t signature[] = {0xfb, 0xff};
	struct plain *plain = *state;

	assert_int_equal(compose_plain(plain, "ES256", &fields), STATUS_OK);
	assert_int_equal(form_jws.assemble(&out, &plain->draft, NULL,
				 (struct bytes){signature, sizeof(signature)}),
		STATUS_OK);
	assert_true(bytes_is_equal(
		buf_get(&out), bytes_from_text("eyJhbGciOiJFUzI1NiJ9..-_8")));
}

static void set_x5c_len(struct plain *plain, size_t len)
{
	buf_clear(&plain->chain.x5c);
	assert_int_equal(buf_reserve(&plain->chain.x5c, len), STATUS_OK);
	memset(plain->chain.x5c.p, 'x', len);
	plain->chain.x5c.len = len;
}

static void jws_refuses_before_signing_what_would_not_fit(void **state)
{
	static const uint8_t longest[REQUEST_PAYLOAD_MAX];
	const struct bytes payload = {longest, sizeof(longest)};
	struct request_fields fields = plain_fields("a", NULL, true, payload);
	struct plain *plain = *state;

	set_x5c_len(plain, USUAL_X5C);
	assert_int_equal(compose_plain(plain, "ES256", &fields), STATUS_OK);
	set_x5c_len(plain, LONG_X5C);
	assert_int_equal(compose_plain(plain, "ES256", &fields), STATUS_JWS_TOO_LONG);
	fields.has_x5c = false;
	assert_int_equal(compose_plain(plain, "ES256", &fields), STATUS_OK);
}

static void a_jti_is_a_new_uuid_each_time(void **state)
{
	char one[JTI_LEN + 1], two[JTI_LEN + 1];

	(void)state;
	assert_int_equal(form_make_jti(one), STATUS_OK);
	assert_int_equal(form_make_jti(two), STATUS_OK);
	assert_string_not_equal(one, two);
	assert_int_equal(strlen(one), JTI_LEN);
	assert_int_equal(one[14], '4');
	assert_non_null(strchr("89ab", one[19]));
}

int main(void)
{
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, set_up_plain, tear_down_plain)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			dsgo_auth_gives_the_bytes_of_the_vector, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			dsgo_auth_sets_nbf_to_iat_on_wish, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			dsgo_auth_puts_other_claims_behind_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			dsgo_auth_assembles_header_payload_signature, set_up,
			tear_down),
		PLAIN(jws_has_the_header_that_was_asked_for),
		PLAIN(jws_assembles_what_was_signed_and_the_signature),
		PLAIN(jws_refuses_before_signing_what_would_not_fit),
		cmocka_unit_test(a_jti_is_a_new_uuid_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
