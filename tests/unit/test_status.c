/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/defs.h"

static const enum status all[] = {
#define STATUS(name, wire, exit, text) STATUS_##name,
#include "util/status.def"
#undef STATUS
};

/* design 4.5: what a program exits with for a word of the wire. */
static const int exits[] = {
	[WIRE_OK] = 0,
	[WIRE_INVALID] = 65,
	[WIRE_DENIED] = 77,
	[WIRE_LOCKED] = 77,
	[WIRE_BUSY] = 75,
	[WIRE_TIMEOUT] = 75,
	[WIRE_UNAVAILABLE] = 69,
	[WIRE_UNSUPPORTED] = 65,
	[WIRE_INTERNAL] = 70,
};

static void status_ok_comes_first_and_is_zero(void **state)
{
	(void)state;
	assert_int_equal(STATUS_OK, 0);
	assert_string_equal(status_name(STATUS_OK), "OK");
	assert_int_equal(status_wire(STATUS_OK), WIRE_OK);
}

static void status_exit_follows_the_word_of_the_wire(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i] == STATUS_USAGE)
			continue;
		assert_int_equal(status_exit(all[i]), exits[status_wire(all[i])]);
	}
	assert_int_equal(status_exit(STATUS_USAGE), 64);
}

static void status_only_ok_reads_as_ok(void **state)
{
	(void)state;
	for (size_t i = 1; i < ARRAY_LEN(all); i++)
		assert_int_not_equal(status_wire(all[i]), WIRE_OK);
}

/* A client puts the text into a sentence of its own, and into struct zegel_error. */
static void status_texts_are_one_short_sentence_of_ascii(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const char *text = status_text(all[i]);
		const size_t len = strlen(text);

		assert_in_range(len, 1, 127);
		assert_int_not_equal(text[len - 1], '.');
		for (size_t j = 0; j < len; j++)
			assert_in_range((unsigned char)text[j], 0x20, 0x7e);
	}
}

static void status_texts_and_names_are_all_different(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(
				status_name(all[i]), status_name(all[j]));
			assert_string_not_equal(
				status_text(all[i]), status_text(all[j]));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_ok_comes_first_and_is_zero),
		cmocka_unit_test(status_exit_follows_the_word_of_the_wire),
		cmocka_unit_test(status_only_ok_reads_as_ok),
		cmocka_unit_test(status_texts_are_one_short_sentence_of_ascii),
		cmocka_unit_test(status_texts_and_names_are_all_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
