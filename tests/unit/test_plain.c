/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"
#include "utf8.h"

enum {
	N_NASTY = 100000,
	NASTY_MAX = 64,
	SHOWN_MAX = NASTY_MAX * 8,
};

struct shown {
	const char *foreign;
	size_t len;
	const char *plain;
	const char *word;
};

#define SHOWN(foreign, plain, word)                                                    \
	{                                                                              \
		(foreign), sizeof(foreign) - 1, (plain), (word)                        \
	}

static const struct shown all_shown[] = {
	SHOWN("", "", "\"\""),
	SHOWN("did:ishare:EU.NL", "did:ishare:EU.NL", "did:ishare:EU.NL"),
	SHOWN("a b", "a b", "\"a b\""),
	SHOWN("a=b", "a=b", "\"a=b\""),
	SHOWN("a\"b", "a\\\"b", "\"a\\\"b\""),
	SHOWN("\\u0041", "\\\\u0041", "\\\\u0041"),
	SHOWN("\0", "\\u0000", "\\u0000"),
	SHOWN("\x1b[2J", "\\u001b[2J", "\\u001b[2J"),
	SHOWN("\r\n", "\\u000d\\u000a", "\\u000d\\u000a"),
	SHOWN("\x7f", "\\u007f", "\\u007f"),
	SHOWN("\xc2\x9b", "\\u009b", "\\u009b"),
	SHOWN("\x9b", "\\x9b", "\\x9b"),
	SHOWN("\xc3\xa9", "\\u00e9", "\\u00e9"),
	SHOWN("\xe2\x80\xae", "\\u202e", "\\u202e"),
	SHOWN("\xe2\x80\xa8", "\\u2028", "\\u2028"),
	SHOWN("\xd8\x9c", "\\u061c", "\\u061c"),
	SHOWN("\xf0\x9f\x98\x80", "\\U01f600", "\\U01f600"),
	/* A surrogate, an overlong slash, past the last one, cut in the middle. */
	SHOWN("\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"),
	SHOWN("\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf"),
	SHOWN("\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\\xe0\\x80\\xaf"),
	SHOWN("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80"),
	SHOWN("\xf8\x88", "\\xf8\\x88", "\\xf8\\x88"),
	SHOWN("\xe2\x80", "\\xe2\\x80", "\\xe2\\x80"),
	SHOWN("\xe2\x80x", "\\xe2\\x80x", "\\xe2\\x80x"),
};

static void plain_escapes_all_but_printable_ascii(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all_shown); i++) {
		const struct bytes foreign = {
			(const uint8_t *)all_shown[i].foreign, all_shown[i].len};
		CLEANUP(buf_deinit) struct buf plain = BUF_INIT(SHOWN_MAX);
		CLEANUP(buf_deinit) struct buf word = BUF_INIT(SHOWN_MAX);
		const char *text = NULL;

		assert_int_equal(plain_append(&plain, foreign), STATUS_OK);
		assert_int_equal(buf_get_text(&plain, &text), STATUS_OK);
		assert_string_equal(text, all_shown[i].plain);
		assert_int_equal(plain_append_word(&word, foreign), STATUS_OK);
		assert_int_equal(buf_get_text(&word, &text), STATUS_OK);
		assert_string_equal(text, all_shown[i].word);
	}
}

static void plain_says_when_it_does_not_fit(void **state)
{
	(void)state;
	for (size_t max = 0; max < 8; max++) {
		CLEANUP(buf_deinit) struct buf small = BUF_INIT(max);

		assert_int_equal(plain_append_word(&small, bytes_from_text("a \x1b")),
			STATUS_NO_MEMORY);
	}
}

/* Whatever goes in: one word of printable ASCII comes out. */
static void no_bytes_pass_for_anything_but_text(void **state)
{
	(void)state;
	srandom(22);
	for (size_t n = 0; n < N_NASTY; n++) {
		uint8_t nasty[NASTY_MAX];
		const size_t len = (size_t)random() % NASTY_MAX;
		CLEANUP(buf_deinit) struct buf word = BUF_INIT(SHOWN_MAX);
		size_t n_quotes = 0;

		for (size_t i = 0; i < len; i++)
			nasty[i] = (uint8_t)random();
		assert_int_equal(plain_append_word(&word, (struct bytes){nasty, len}),
			STATUS_OK);
		for (size_t i = 0; i < word.len; i++) {
			assert_in_range(word.p[i], 0x20, 0x7e);
			if (word.p[i] == '\\' && i + 1 < word.len)
				i++;
			else
				n_quotes += word.p[i] == '"';
		}
		assert_true(n_quotes == 0 || n_quotes == 2);
		assert_true(n_quotes == 2 || memchr(word.p, ' ', word.len) == NULL);
	}
}

static void utf8_next_takes_every_character_there_is(void **state)
{
	(void)state;
	for (uint32_t wanted = 0; wanted <= 0x10ffff; wanted++) {
		const uint8_t long_form[] = {(uint8_t)(0xf0 | wanted >> 18),
			(uint8_t)(0x80 | (wanted >> 12 & 63)),
			(uint8_t)(0x80 | (wanted >> 6 & 63)),
			(uint8_t)(0x80 | (wanted & 63))};
		uint32_t character = 0;
		struct bytes text = {long_form, sizeof(long_form)};
		uint8_t form[3];

		if (wanted < 0x10000) {
			assert_int_equal(utf8_next(text, &character), 0);
			form[0] = (uint8_t)(0xe0 | wanted >> 12);
			form[1] = long_form[2];
			form[2] = long_form[3];
			text = (struct bytes){form, 3};
		}
		if (wanted < 0x800) {
			assert_int_equal(utf8_next(text, &character), 0);
			form[1] = (uint8_t)(0xc0 | wanted >> 6);
			text = (struct bytes){form + 1, 2};
		}
		if (wanted < 0x80) {
			assert_int_equal(utf8_next(text, &character), 0);
			form[2] = (uint8_t)wanted;
			text = (struct bytes){form + 2, 1};
		}
		if (wanted >= 0xd800 && wanted <= 0xdfff) {
			assert_int_equal(utf8_next(text, &character), 0);
			continue;
		}
		assert_int_equal(utf8_next(text, &character), text.len);
		assert_int_equal(character, wanted);
		text.len--;
		assert_int_equal(utf8_next(text, &character), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_escapes_all_but_printable_ascii),
		cmocka_unit_test(plain_says_when_it_does_not_fit),
		cmocka_unit_test(no_bytes_pass_for_anything_but_text),
		cmocka_unit_test(utf8_next_takes_every_character_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
