/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pattern is read once from left to right. When it does not go on, only the last star
 * may take more: an earlier one need not, since whatever it left over is still there for
 * the last one to take. So there is one way back, never a tree of them.
 */
#include "policy_pattern.h"

#include <string.h>

#include "util/text.h"

/* Behind the character at `at`: its first byte and those that only go on. */
static size_t skip_character(struct bytes text, size_t at)
{
	at++;
	while (at < text.len && (text.p[at] & 0xc0) == 0x80)
		at++;
	return at;
}

bool policy_pattern_matches(const char *pattern, struct bytes text)
{
	const char *after_star = NULL;
	size_t at = 0, star_at = 0;

	while (at < text.len) {
		if (*pattern == '*') {
			after_star = ++pattern;
			star_at = at;
		} else if (*pattern == '?') {
			pattern++;
			at = skip_character(text, at);
		} else if (*pattern != '\0' && (uint8_t)*pattern == text.p[at]) {
			pattern++;
			at++;
		} else if (after_star != NULL) {
			pattern = after_star;
			at = star_at = skip_character(text, star_at);
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool policy_pattern_is_target(const char *text)
{
	const size_t method_len = strcspn(text, " ");
	const struct bytes method = {(const uint8_t *)text, method_len};
	const bool is_any = method_len == 1 && text[0] == '*';
	size_t len = method_len;

	if (method_len > POLICY_METHOD_MAX || text[len] != ' ')
		return false;
	if (!is_any && !text_is_name(method))
		return false;
	for (len++; text[len] != '\0'; len++) {
		if (text[len] <= ' ' || text[len] > '~' || len >= POLICY_TARGET_MAX)
			return false;
	}
	return len > method_len + 1;
}

bool policy_pattern_matches_target(
	const char *pattern, const char *method, const char *target)
{
	const size_t len = strcspn(pattern, " ");
	const bool is_any = pattern[0] == '*';

	if (!is_any && (strlen(method) != len || memcmp(pattern, method, len) != 0))
		return false;
	return policy_pattern_matches(pattern + len + 1, bytes_from_text(target));
}
