/* SPDX-License-Identifier: Apache-2.0 */
/* The vector of the DSGO facts: claims and dummy chain are given, every byte is fixed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
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
		cmocka_unit_test(a_jti_is_a_new_uuid_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
