/* SPDX-License-Identifier: Apache-2.0 */
/* The second door: each field that is not as it must be is refused with its own word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "seal/form.h"

static const uint8_t zeros[HASH_LEN_MAX + 1];

static struct request_fields good_auth(void)
{
	return (struct request_fields){
		.key = bytes_from_text("bouwplanning"),
		.profile = bytes_from_text("dsgo-auth"),
		.input = INPUT_DSGO_AUTH,
		.audience = bytes_from_text("did:ishare:EU.NL.NTRNL-76660680"),
	};
}

static struct request_fields good_digest(void)
{
	return (struct request_fields){
		.key = bytes_from_text("bouwplanning"),
		.profile = bytes_from_text("digest"),
		.input = INPUT_DIGEST,
		.digest = {zeros, 32},
	};
}

static struct request_fields good_jws(void)
{
	return (struct request_fields){
		.key = bytes_from_text("bouwplanning"),
		.profile = bytes_from_text("jws"),
		.input = INPUT_JWS,
		.has_payload = true,
		.payload = bytes_from_text("hello"),
	};
}

static void assert_request(const struct request_fields *fields, enum status expected)
{
	CLEANUP(request_freep) struct seal_request *request = NULL;

	assert_string_equal(
		status_name(request_new(fields, &request)), status_name(expected));
	assert_int_equal(request != NULL, expected == STATUS_OK);
}

static void a_good_request_becomes_one(void **state)
{
	struct request_fields fields = good_auth();

	(void)state;
	assert_request(&fields, STATUS_OK);
	fields = good_digest();
	assert_request(&fields, STATUS_OK);
	fields = good_jws();
	assert_request(&fields, STATUS_OK);
}

static void names_have_one_alphabet_and_one_length(void **state)
{
	static const char *const bad[] = {"", "a b", "a/b", "k\xc3\xa9y", "k\n",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct request_fields fields = good_auth();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		fields.key = bytes_from_text(bad[i]);
		assert_request(&fields, STATUS_BAD_NAME);
	}
	fields.key = (struct bytes){(const uint8_t *)"seal\0evil", 9};
	assert_request(&fields, STATUS_BAD_NAME);
}

static void an_audience_is_one_identifier(void **state)
{
	static const char *const bad[] = {
		"", "a b", "[\"a\"]", "a\\b", "a\"b", "a\x7f", "a\xc3\xa9"};
	char longest[AUDIENCE_MAX_LEN + 2];
	struct request_fields fields = good_auth();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		fields.audience = bytes_from_text(bad[i]);
		assert_request(&fields, STATUS_BAD_AUDIENCE);
	}
	memset(longest, 'a', sizeof(longest));
	fields.audience = (struct bytes){(const uint8_t *)longest, AUDIENCE_MAX_LEN};
	assert_request(&fields, STATUS_OK);
	fields.audience.len++;
	assert_request(&fields, STATUS_BAD_AUDIENCE);
}

static void profiles_and_algorithms_are_known_or_unsupported(void **state)
{
	struct request_fields fields = good_auth();

	(void)state;
	fields.profile = bytes_from_text("dsgo-nothing");
	assert_request(&fields, STATUS_UNKNOWN_PROFILE);
	fields = good_auth();
	fields.has_algorithm = true;
	fields.algorithm = bytes_from_text("HS256");
	assert_request(&fields, STATUS_UNKNOWN_ALGORITHM);
	fields.algorithm = bytes_from_text("PS256");
	assert_request(&fields, STATUS_DSGO_ALGORITHM);
	fields.algorithm = bytes_from_text("RS256");
	assert_request(&fields, STATUS_OK);
}

static void a_profile_takes_its_own_input_only(void **state)
{
	struct request_fields fields = good_auth();

	(void)state;
	fields.input = INPUT_DIGEST;
	assert_request(&fields, STATUS_BAD_INPUT);
	fields.input = INPUT_JWS;
	assert_request(&fields, STATUS_BAD_INPUT);
	fields.input = INPUT_NONE;
	assert_request(&fields, STATUS_BAD_INPUT);
	fields = good_jws();
	fields.profile = bytes_from_text("dsgo-auth");
	assert_request(&fields, STATUS_BAD_INPUT);
}

static void a_digest_is_as_long_as_its_hash(void **state)
{
	static const struct {
		const char *algorithm;
		size_t len;
	} good[] = {{"RS256", 32}, {"RS384", 48}, {"RS512", 64}, {"PS256", 32},
		{"ES384", 48}};
	struct request_fields fields = good_digest();

	(void)state;
	fields.has_algorithm = true;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		fields.algorithm = bytes_from_text(good[i].algorithm);
		for (size_t len = 0; len <= sizeof(zeros); len++) {
			fields.digest = (struct bytes){zeros, len};
			assert_request(&fields,
				len == good[i].len ? STATUS_OK : STATUS_BAD_DIGEST);
		}
	}
}

static void a_payload_is_there_and_has_a_bound(void **state)
{
	static uint8_t longest[REQUEST_PAYLOAD_MAX + 1];
	struct request_fields fields = good_jws();

	(void)state;
	fields.payload = (struct bytes){longest, REQUEST_PAYLOAD_MAX};
	assert_request(&fields, STATUS_OK);
	fields.payload.len++;
	assert_request(&fields, STATUS_PAYLOAD_TOO_LARGE);
	fields.payload = (struct bytes){NULL, 0};
	assert_request(&fields, STATUS_OK);
	fields.has_payload = false;
	assert_request(&fields, STATUS_NO_PAYLOAD);
}

static void typ_and_cty_are_media_types(void **state)
{
	static const char *const bad[] = {
		"", "a b", "a\"", "a\\", "JWT\",\"x\":\"", "/"};
	struct request_fields fields = good_jws();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		fields = good_jws();
		fields.has_typ = true;
		fields.typ = bytes_from_text(bad[i]);
		assert_request(&fields, STATUS_BAD_MEDIA_TYPE);
		fields = good_jws();
		fields.has_cty = true;
		fields.cty = bytes_from_text(bad[i]);
		assert_request(&fields, STATUS_BAD_MEDIA_TYPE);
	}
	fields.has_typ = true;
	fields.typ = bytes_from_text("application/vnd.example+json");
	fields.cty = bytes_from_text("json");
	assert_request(&fields, STATUS_OK);
}

static void a_request_knows_whether_it_is_token_like(void **state)
{
	static const struct {
		const char *typ; /* NULL: none */
		const char *payload;
		bool is_token_like;
	} rows[] = {
		{NULL, "{\"exp\":1}", true},
		{"JWT", "{\"exp\":1}", true},
		{"vnd.example", "{\"exp\":1}", false},
		{NULL, "{\"a\":1}", false},
		{NULL, "hello", false},
		{NULL, "", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(request_freep) struct seal_request *request = NULL;
		struct request_fields fields = good_jws();

		fields.payload = bytes_from_text(rows[i].payload);
		fields.has_typ = rows[i].typ != NULL;
		if (fields.has_typ)
			fields.typ = bytes_from_text(rows[i].typ);
		assert_int_equal(request_new(&fields, &request), STATUS_OK);
		assert_int_equal(request->is_token_like, rows[i].is_token_like);
	}
}

/* They are guarded by rules of their own; the guard of jws must not get in their way. */
static void other_profiles_are_never_token_like(void **state)
{
	const struct request_fields all[] = {good_auth(), good_digest()};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		CLEANUP(request_freep) struct seal_request *request = NULL;

		assert_int_equal(request_new(&all[i], &request), STATUS_OK);
		assert_false(request->is_token_like);
	}
}

static void a_timeout_has_bounds(void **state)
{
	struct request_fields fields = good_auth();

	(void)state;
	fields.has_timeout = true;
	assert_request(&fields, STATUS_BAD_TIMEOUT);
	fields.timeout_ms = REQUEST_TIMEOUT_MAX_MS;
	assert_request(&fields, STATUS_OK);
	fields.timeout_ms++;
	assert_request(&fields, STATUS_BAD_TIMEOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_request_becomes_one),
		cmocka_unit_test(names_have_one_alphabet_and_one_length),
		cmocka_unit_test(an_audience_is_one_identifier),
		cmocka_unit_test(profiles_and_algorithms_are_known_or_unsupported),
		cmocka_unit_test(a_profile_takes_its_own_input_only),
		cmocka_unit_test(a_digest_is_as_long_as_its_hash),
		cmocka_unit_test(a_payload_is_there_and_has_a_bound),
		cmocka_unit_test(typ_and_cty_are_media_types),
		cmocka_unit_test(a_request_knows_whether_it_is_token_like),
		cmocka_unit_test(other_profiles_are_never_token_like),
		cmocka_unit_test(a_timeout_has_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
