/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "seal/algorithm.h"
#include "seal/jws.h"

/* RFC 7515 appendix A.2: header, and the SHA-256 of H.P as any tool computes it. */
#define HEADER  "{\"alg\":\"RS256\"}"
#define ENCODED "eyJhbGciOiJSUzI1NiJ9"

static void a_saved_midstate_gives_the_hash_of_the_whole(void **state)
{
	static const char *const payloads[] = {"", "a", "eyJpc3MiOiJqb2UifQ"};
	CLEANUP(jws_head_freep) struct jws_head *head = NULL;
	struct hashes hashes;

	(void)state;
	assert_int_equal(hashes_init(&hashes), STATUS_OK);
	assert_int_equal(
		jws_head_new(bytes_from_text(HEADER), hashes.md[HASH_SHA256], &head),
		STATUS_OK);
	assert_true(bytes_is_equal(buf_get(&head->text), bytes_from_text(ENCODED ".")));
	/* Again and again from the same head: no seal leaves a trace in it. */
	for (size_t i = 0; i < 3 * ARRAY_LEN(payloads); i++) {
		const char *payload = payloads[i % ARRAY_LEN(payloads)];
		uint8_t expected[HASH_LEN_MAX], digest[HASH_LEN_MAX];
		char input[128];

		(void)snprintf(input, sizeof(input), ENCODED ".%s", payload);
		assert_int_equal(EVP_Digest(input, strlen(input), expected, NULL,
					 EVP_sha256(), NULL),
			1);
		assert_int_equal(
			jws_hash(head, bytes_from_text(payload), digest), STATUS_OK);
		assert_memory_equal(digest, expected, 32);
	}
	hashes_deinit(&hashes);
}

static void a_compact_serialization_has_three_parts(void **state)
{
	CLEANUP(jws_head_freep) struct jws_head *head = NULL;
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(JWS_MAX);
	CLEANUP(buf_deinit) struct buf narrow = BUF_INIT(sizeof(ENCODED));
	const struct bytes signature = {(const uint8_t *)"\xff\xfe\xfd", 3};

	(void)state;
	assert_int_equal(
		jws_head_new(bytes_from_text(HEADER), EVP_sha256(), &head), STATUS_OK);
	assert_int_equal(
		jws_append_compact(&out, head, bytes_from_text("e30"), signature),
		STATUS_OK);
	assert_true(
		bytes_is_equal(buf_get(&out), bytes_from_text(ENCODED ".e30.__79")));
	assert_int_equal(
		jws_append_compact(&narrow, head, bytes_from_text("e30"), signature),
		STATUS_NO_MEMORY);
}

static void a_header_of_one_seal_gives_the_same_bytes(void **state)
{
	CLEANUP(jws_head_freep) struct jws_head *head = NULL;
	CLEANUP(buf_deinit) struct buf input = BUF_INIT(JWS_MAX);
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(JWS_MAX);
	const struct bytes signature = {(const uint8_t *)"\xff\xfe\xfd\x00", 4};
	uint8_t expected[HASH_LEN_MAX], digest[HASH_LEN_MAX];

	(void)state;
	assert_int_equal(
		jws_head_new(bytes_from_text(HEADER), EVP_sha384(), &head), STATUS_OK);
	assert_int_equal(jws_hash(head, bytes_from_text("e30"), expected), STATUS_OK);
	assert_int_equal(jws_append_input(&input, bytes_from_text(HEADER),
				 bytes_from_text("{}")),
		STATUS_OK);
	assert_true(bytes_is_equal(buf_get(&input), bytes_from_text(ENCODED ".e30")));
	assert_int_equal(
		jws_hash_input(buf_get(&input), EVP_sha384(), digest), STATUS_OK);
	assert_memory_equal(digest, expected, 48);
	assert_int_equal(
		jws_append_signed(&out, buf_get(&input), signature), STATUS_OK);
	assert_true(
		bytes_is_equal(buf_get(&out), bytes_from_text(ENCODED ".e30.__79AA")));
	for (size_t len = 0; len <= 4; len++) {
		buf_clear(&out);
		assert_int_equal(jws_append_signed(&out, buf_get(&input),
					 (struct bytes){signature.p, len}),
			STATUS_OK);
		assert_int_equal(out.len, jws_get_len(input.len, len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_saved_midstate_gives_the_hash_of_the_whole),
		cmocka_unit_test(a_compact_serialization_has_three_parts),
		cmocka_unit_test(a_header_of_one_seal_gives_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
