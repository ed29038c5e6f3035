/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "seal/claims.h"

struct row {
	const char *text;
	enum status status;
	const char *others; /* what is signed, when it is accepted */
};

static const struct row rows[] = {
	{"{}", STATUS_OK, ""},
	{" {\"a\": 1 , \"b\":[true,null]} ", STATUS_OK, ",\"a\":1,\"b\":[true,null]"},
	{"{\"z\":1,\"a\":2}", STATUS_OK, ",\"z\":1,\"a\":2"},
	{"{\"a\":\"\\u00e9\\n\\\"\"}", STATUS_OK, ",\"a\":\"\xc3\xa9\\n\\\"\""},
	{"{\"a\":0.1}", STATUS_OK, ",\"a\":0.1"},
	{"{\"a\":9007199254740991}", STATUS_OK, ",\"a\":9007199254740991"},
	{"", STATUS_BAD_CLAIMS, NULL},
	{"[]", STATUS_BAD_CLAIMS, NULL},
	{"\"a\"", STATUS_BAD_CLAIMS, NULL},
	{"{} {}", STATUS_BAD_CLAIMS, NULL},
	{"{\"a\":1,}", STATUS_BAD_CLAIMS, NULL},
	{"{\"a\":01}", STATUS_BAD_CLAIMS, NULL},
	{"{'a':1}", STATUS_BAD_CLAIMS, NULL},
	{"{\"a\":NaN}", STATUS_BAD_CLAIMS, NULL},
	{"{\"a\":\"\\u0000\"}", STATUS_BAD_CLAIMS, NULL},
	{"{\"a\":\"\xff\"}", STATUS_BAD_CLAIMS, NULL},
	{"{\"a\":\"\\ud800\"}", STATUS_BAD_CLAIMS, NULL},
	{"{\"a\":1,\"a\":2}", STATUS_CLAIMS_DUPLICATE, NULL},
	{"{\"a\":1,\"\\u0061\":2}", STATUS_CLAIMS_DUPLICATE, NULL},
	{"{\"x\":{\"a\":1,\"a\":2}}", STATUS_CLAIMS_DUPLICATE, NULL},
	{"{\"a\":9007199254740992}", STATUS_CLAIMS_NUMBER, NULL},
	{"{\"a\":-9007199254740992}", STATUS_CLAIMS_NUMBER, NULL},
	{"{\"a\":99999999999999999999}", STATUS_CLAIMS_NUMBER, NULL},
	{"{\"a\":[{\"b\":0.12345678901234567}]}", STATUS_CLAIMS_NUMBER, NULL},
	{"{\"a\":0.1000000000000000055511151231257827}", STATUS_CLAIMS_NUMBER, NULL},
	{"{\"a\":0.00000000000000000001,\"b\":\"12345678901234567890\"}", STATUS_OK,
		",\"a\":1e-20,\"b\":\"12345678901234567890\""},
	{"{\"a\":1e400}", STATUS_CLAIMS_NUMBER, NULL},
	{"{\"iat\":1}", STATUS_CLAIMS_RESERVED, NULL},
	{"{\"exp\":1}", STATUS_CLAIMS_RESERVED, NULL},
	{"{\"nbf\":1}", STATUS_CLAIMS_RESERVED, NULL},
	{"{\"jti\":\"x\"}", STATUS_CLAIMS_RESERVED, NULL},
	{"{\"\\u006ati\":\"x\"}", STATUS_CLAIMS_RESERVED, NULL},
	{"{\"aud\":[\"x\"]}", STATUS_CLAIMS_IDENTITY, NULL},
	{"{\"iss\":\"a b\"}", STATUS_CLAIMS_IDENTITY, NULL},
	{"{\"sub\":7}", STATUS_CLAIMS_IDENTITY, NULL},
	{"{\"inner\":{\"iat\":1,\"aud\":[]}}", STATUS_OK,
		",\"inner\":{\"iat\":1,\"aud\":[]}"},
};

static void claims_are_read_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(claims_deinit) struct claims claims;

		claims_init(&claims);
		if (claims_parse(&claims, bytes_from_text(rows[i].text)) !=
			rows[i].status)
			fail_msg("row %zu: %s", i, rows[i].text);
		if (rows[i].others != NULL && !bytes_is_equal(buf_get(&claims.others),
						      bytes_from_text(rows[i].others)))
			fail_msg("row %zu is signed as %.*s", i, (int)claims.others.len,
				(const char *)claims.others.p);
	}
}

/* {"a":[[…]]} with depth levels in all */
static enum status parse_depth(size_t depth)
{
	CLEANUP(claims_deinit) struct claims claims;
	char text[256] = "{\"a\":";
	size_t at = strlen(text);

	claims_init(&claims);
	memset(text + at, '[', depth - 1);
	at += depth - 1;
	memset(text + at, ']', depth - 1);
	at += depth - 1;
	text[at++] = '}';
	return claims_parse(&claims, (struct bytes){(const uint8_t *)text, at});
}

static void claims_refuse_the_seventeenth_level(void **state)
{
	(void)state;
	assert_int_equal(parse_depth(CLAIMS_DEPTH_MAX), STATUS_OK);
	assert_int_equal(parse_depth(CLAIMS_DEPTH_MAX + 1), STATUS_CLAIMS_TOO_DEEP);
}

static void claims_do_not_count_brackets_in_strings(void **state)
{
	CLEANUP(claims_deinit) struct claims claims;

	(void)state;
	claims_init(&claims);
	assert_int_equal(
		claims_parse(&claims,
			bytes_from_text("{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"}")),
		STATUS_OK);
}

static void claims_have_a_largest_size(void **state)
{
	static char text[CLAIMS_MAX + 2];

	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		CLEANUP(claims_deinit) struct claims claims;
		const size_t len = CLAIMS_MAX + extra;

		claims_init(&claims);
		memset(text, 'x', sizeof(text));
		memcpy(text, "{\"a\":\"", 6);
		memcpy(text + len - 2, "\"}", 2);
		assert_int_equal(claims_parse(&claims,
					 (struct bytes){(const uint8_t *)text, len}),
			extra == 0 ? STATUS_OK : STATUS_CLAIMS_TOO_LARGE);
	}
}

/* 1e9 is three characters as sent and twelve as written. */
static void claims_that_grow_when_written_are_too_large(void **state)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(CLAIMS_MAX);
	CLEANUP(claims_deinit) struct claims claims;

	(void)state;
	claims_init(&claims);
	assert_int_equal(buf_append_text(&text, "{\"a\":[1e9"), STATUS_OK);
	while (buf_append_text(&text, ",1e9") == STATUS_OK && text.len < CLAIMS_MAX - 8)
		continue;
	assert_int_equal(buf_append_text(&text, "]}"), STATUS_OK);
	assert_int_equal(
		claims_parse(&claims, buf_get(&text)), STATUS_CLAIMS_TOO_LARGE);
}

static void claims_may_repeat_what_the_seal_says_and_nothing_else(void **state)
{
	CLEANUP(claims_deinit) struct claims claims;

	(void)state;
	claims_init(&claims);
	assert_int_equal(
		claims_parse(&claims,
			bytes_from_text(
				"{\"iss\":\"me\",\"sub\":\"me\",\"aud\":\"you\"}")),
		STATUS_OK);
	assert_int_equal(claims.others.len, 0);
	assert_int_equal(claims_check_identity(&claims, "me", "you"), STATUS_OK);
	assert_int_equal(
		claims_check_identity(&claims, "me", "her"), STATUS_CLAIMS_IDENTITY);
	assert_int_equal(
		claims_check_identity(&claims, "her", "you"), STATUS_CLAIMS_IDENTITY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_are_read_as_the_table_says),
		cmocka_unit_test(claims_refuse_the_seventeenth_level),
		cmocka_unit_test(claims_do_not_count_brackets_in_strings),
		cmocka_unit_test(claims_have_a_largest_size),
		cmocka_unit_test(claims_that_grow_when_written_are_too_large),
		cmocka_unit_test(claims_may_repeat_what_the_seal_says_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
