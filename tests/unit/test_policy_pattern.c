/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns: what they match, against another way to say it, and with hostile texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy_pattern.h"

enum {
	WORD_MAX = 5,
	LONG = 60000,
};

struct pattern_case {
	const char *pattern;
	const char *text;
	bool is_match;
};

static const struct pattern_case cases[] = {
	{"", "", true},
	{"", "a", false},
	{"*", "", true},
	{"*", "anything at all", true},
	{"**", "", true},
	{"?", "", false},
	{"?", "a", true},
	{"?", "ab", false},
	{"abc", "abc", true},
	{"abc", "ABC", false},
	{"abc", "abcd", false},
	{"abc", "ab", false},
	{"a*c", "ac", true},
	{"a*c", "abcbc", true},
	{"a*c", "abcb", false},
	{"*.example.nl", "api.example.nl", true},
	{"*.example.nl", "example.nl", false},
	{"*.example.nl", "api.example.nl.evil.org", false},
	{"a?c*", "abcd", true},
	{"*?", "", false},
	{"*?", "a", true},
	{"a*b*c", "aXXbYYc", true},
	{"a*b*c", "aXXcYYb", false},
	/* Nothing is special but the two. */
	{"[ab]", "a", false},
	{"[ab]", "[ab]", true},
	{"a.c", "abc", false},
	{"\\*", "*", false},
	{"\\*", "\\x", true},
	/* A character is one of UTF-8, wherever it begins. */
	{"?", "\xc3\xa9", true},
	{"??", "\xc3\xa9", false},
	{"*??", "\xc3\xa9", false},
	{"*?", "\xe2\x82\xac", true},
	{"a?b",
		"a\xf0\x9f\x98\x80"
		"b",
		true},
	{"?*?*?", "\xc3\xa9\xc3\xa9", false},
	{"?*?*?", "\xc3\xa9\xc3\xa9x", true},
};

static void pattern_matches_the_whole_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(
			policy_pattern_matches(cases[i].pattern,
				bytes_from_text(cases[i].text)) == cases[i].is_match);
}

static void pattern_knows_no_end_but_the_length(void **state)
{
	static const uint8_t text[] = {'a', 0, 'b'};

	(void)state;
	assert_true(policy_pattern_matches("a?b", (struct bytes){text, 3}));
	assert_true(policy_pattern_matches("a*", (struct bytes){text, 3}));
	assert_false(policy_pattern_matches("a", (struct bytes){text, 3}));
	assert_false(policy_pattern_matches("a", (struct bytes){text, 2}));
}

/* The definition, word for word; exponential, so only for short ones. */
static bool matches_plainly(const char *pattern, const char *text)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '*')
		return matches_plainly(pattern + 1, text) ||
		       (*text != '\0' && matches_plainly(pattern, text + 1));
	return *text != '\0' && (*pattern == '?' || *pattern == *text) &&
	       matches_plainly(pattern + 1, text + 1);
}

/* The next word over the letters, shorter ones first; false behind the last. */
static bool next_word(char word[WORD_MAX + 1], const char *letters)
{
	const size_t len = strlen(word);

	for (size_t i = 0; i < len; i++) {
		const char *letter = strchr(letters, word[i]);

		if (letter[1] != '\0') {
			word[i] = letter[1];
			return true;
		}
		word[i] = letters[0];
	}
	if (len == WORD_MAX)
		return false;
	word[len] = letters[0];
	word[len + 1] = '\0';
	return true;
}

static void pattern_agrees_with_its_definition_on_all_short_ones(void **state)
{
	char pattern[WORD_MAX + 1] = "";
	size_t n = 0;

	(void)state;
	do {
		char text[WORD_MAX + 1] = "";

		do {
			assert_true(policy_pattern_matches(
					    pattern, bytes_from_text(text)) ==
				    matches_plainly(pattern, text));
			n++;
		} while (next_word(text, "ab"));
	} while (next_word(pattern, "ab*?"));
	assert_int_equal(n, 1365 * 63);
}

/* With a tree of ways back this would not end before the test is ended. */
static void pattern_with_many_stars_ends_on_a_hostile_text(void **state)
{
	static uint8_t text[LONG];
	char pattern[POLICY_PATTERN_MAX + 1];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i + 1 < sizeof(pattern); i += 2)
		memcpy(&pattern[i], "*a", 2);
	pattern[sizeof(pattern) - 1] = '\0';
	assert_true(policy_pattern_matches(pattern, (struct bytes){text, LONG}));
	pattern[sizeof(pattern) - 2] = 'b';
	assert_false(policy_pattern_matches(pattern, (struct bytes){text, LONG}));
	memset(pattern, 'a', sizeof(pattern) - 1);
	pattern[0] = '*';
	pattern[sizeof(pattern) - 2] = 'b';
	assert_false(policy_pattern_matches(pattern, (struct bytes){text, LONG}));
}

static const struct {
	const char *text;
	bool is_target;
} targets[] = {
	{"POST https://hub.example.nl/*", true},
	{"* *", true},
	{"get /", true},
	{"G /", true},
	{", /", false},
	{"POST /\x7f", false},
	{"M-SEARCH *", true},
	{"POST", false},
	{"POST ", false},
	{" /", false},
	{"", false},
	{"POST  /", false},
	{"POST / ", false},
	{"POST /a b", false},
	{"P*T /", false},
	{"** /", false},
	{"POST\t/", false},
	{"POST /\t", false},
	{"POST /\xc3\xa9", false},
	{"PO,ST /", false},
	{"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF /", true},
	{"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG /", false},
};

static void pattern_of_a_target_is_a_method_and_a_pattern(void **state)
{
	char text[POLICY_TARGET_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		assert_true(policy_pattern_is_target(targets[i].text) ==
			    targets[i].is_target);
	memset(text, 'x', sizeof(text));
	memcpy(text, "GET ", 4);
	text[POLICY_TARGET_MAX] = '\0';
	assert_true(policy_pattern_is_target(text));
	text[POLICY_TARGET_MAX] = 'x';
	text[POLICY_TARGET_MAX + 1] = '\0';
	assert_false(policy_pattern_is_target(text));
}

static const struct {
	const char *pattern;
	const char *method;
	const char *target;
	bool is_match;
} target_matches[] = {
	{"POST /a*", "POST", "/a/b", true},
	{"POST /a*", "post", "/a/b", false},
	{"POST /a*", "GET", "/a/b", false},
	{"POST /a*", "POS", "/a", false},
	{"POST /a*", "POSTS", "/a", false},
	{"POST /a*", "POST", "/b", false},
	{"* /a", "DELETE", "/a", true},
	{"* /a", "DELETE", "/b", false},
	{"* *", "", "", true},
};

static void pattern_of_a_target_matches_both_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(target_matches); i++)
		assert_true(
			policy_pattern_matches_target(target_matches[i].pattern,
				target_matches[i].method, target_matches[i].target) ==
			target_matches[i].is_match);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pattern_matches_the_whole_text),
		cmocka_unit_test(pattern_knows_no_end_but_the_length),
		cmocka_unit_test(pattern_agrees_with_its_definition_on_all_short_ones),
		cmocka_unit_test(pattern_with_many_stars_ends_on_a_hostile_text),
		cmocka_unit_test(pattern_of_a_target_is_a_method_and_a_pattern),
		cmocka_unit_test(pattern_of_a_target_matches_both_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
