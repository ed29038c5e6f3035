/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/text.h"

static struct bytes repeat(char *room, size_t n)
{
	memset(room, 'a', n);
	return (struct bytes){(const uint8_t *)room, n};
}

static void text_takes_names_of_the_plain_alphabet(void **state)
{
	static const char *const good[] = {"a", "Z9", "bouwplanning", "a.b_c-d", "."};
	char room[NAME_MAX_LEN + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(text_is_name(bytes_from_text(good[i])));
	assert_true(text_is_name(repeat(room, NAME_MAX_LEN)));
}

static void text_refuses_other_names(void **state)
{
	static const char *const bad[] = {
		"", " ", "a b", "a/b", "a\n", "\xc3\xa9", "a:b", "*", "a\"", "\x7f"};
	char room[NAME_MAX_LEN + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(text_is_name(bytes_from_text(bad[i])));
	assert_false(text_is_name(repeat(room, NAME_MAX_LEN + 1)));
	assert_false(text_is_name((struct bytes){(const uint8_t *)"seal\0evil", 9}));
}

static void text_takes_identifiers_of_printable_ascii(void **state)
{
	char room[AUDIENCE_MAX_LEN + 1];

	(void)state;
	assert_true(text_is_identifier(
		bytes_from_text("did:ishare:EU.NL.NTRNL-10000002"), AUDIENCE_MAX_LEN));
	assert_true(text_is_identifier(bytes_from_text("!#[]~"), 5));
	assert_true(
		text_is_identifier(repeat(room, AUDIENCE_MAX_LEN), AUDIENCE_MAX_LEN));
	assert_false(text_is_identifier(
		repeat(room, AUDIENCE_MAX_LEN + 1), AUDIENCE_MAX_LEN));
}

static void text_refuses_other_identifiers(void **state)
{
	static const char *const bad[] = {
		"", "a b", "a\"b", "a\\b", "\x7f", "\x1f", "\xc3\xa9", "a\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(text_is_identifier(bytes_from_text(bad[i]), 256));
	assert_false(
		text_is_identifier((struct bytes){(const uint8_t *)"a\0b", 3}, 256));
}

static void text_takes_media_types_with_and_without_application(void **state)
{
	static const char *const good[] = {"JWT", "JOSE", "a", "0", "at+jwt",
		"application/json", "application/vnd.a-b_c.v1+json", "x/y!#$&-^_.+"};
	char room[MEDIA_TYPE_MAX_LEN + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(text_is_media_type(bytes_from_text(good[i])));
	assert_true(text_is_media_type(repeat(room, MEDIA_TYPE_MAX_LEN)));
	assert_false(text_is_media_type(repeat(room, MEDIA_TYPE_MAX_LEN + 1)));
}

static void text_refuses_other_media_types(void **state)
{
	static const char *const bad[] = {"", "/", "a/", "/a", "a/b/c", "a//b", "+jwt",
		"a/+b", ".a", "a b", "a;b=c", "a\"", "a\\", "a\n", "a\x7f", "\xc3\xa9",
		"a,b", "a=b", "a*", "a'", "a(b)", "a:b", "a@b", "a[b]"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(text_is_media_type(bytes_from_text(bad[i])));
	assert_false(text_is_media_type((struct bytes){(const uint8_t *)"a\0b", 3}));
}

static void text_reads_numbers_up_to_the_maximum(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		uint64_t value;
	} good[] = {
		{"0", 0, 0},
		{"7", 7, 7},
		{"007", 9, 7},
		{"60000", 60000, 60000},
		{"18446744073709551615", UINT64_MAX, UINT64_MAX},
	};
	uint64_t value = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(text_to_number(good[i].text, good[i].max, &value));
		assert_int_equal(value, good[i].value);
	}
}

static void text_refuses_what_is_no_number_or_over_the_maximum(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
	} bad[] = {
		{"", 9},
		{"-1", 9},
		{"+1", 9},
		{" 1", 9},
		{"1 ", 9},
		{"0x1", 99},
		{"1.0", 99},
		{"8", 7},
		{"10", 7},
		{"60001", 60000},
		{"18446744073709551616", UINT64_MAX},
		{"99999999999999999999", UINT64_MAX},
	};
	uint64_t value = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(text_to_number(bad[i].text, bad[i].max, &value));
	assert_int_equal(value, 42);
}

static void text_copies_bytes_into_a_string(void **state)
{
	CLEANUP(freep) char *copy = NULL;
	CLEANUP(freep) char *empty = NULL;

	(void)state;
	assert_int_equal(text_copy((struct bytes){(const uint8_t *)"abcdef", 3}, &copy),
		STATUS_OK);
	assert_string_equal(copy, "abc");
	assert_int_equal(text_copy((struct bytes){NULL, 0}, &empty), STATUS_OK);
	assert_string_equal(empty, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_takes_names_of_the_plain_alphabet),
		cmocka_unit_test(text_refuses_other_names),
		cmocka_unit_test(text_takes_identifiers_of_printable_ascii),
		cmocka_unit_test(text_refuses_other_identifiers),
		cmocka_unit_test(text_takes_media_types_with_and_without_application),
		cmocka_unit_test(text_refuses_other_media_types),
		cmocka_unit_test(text_reads_numbers_up_to_the_maximum),
		cmocka_unit_test(text_refuses_what_is_no_number_or_over_the_maximum),
		cmocka_unit_test(text_copies_bytes_into_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
