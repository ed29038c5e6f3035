/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns over a whole text: * stands for any characters, ? for exactly one, all else
 * for itself. A character is one of UTF-8. There is no escape and no class.
 *
 * Thread: any
 */
#ifndef ZEGEL_POLICY_POLICY_PATTERN_H
#define ZEGEL_POLICY_POLICY_PATTERN_H

#include "util/defs.h"

enum {
	POLICY_PATTERN_MAX = 256, /* bytes of a pattern of a claim */
	POLICY_TARGET_MAX = 1024, /* bytes of a method, a space and a pattern */
	POLICY_METHOD_MAX = 32,
};

/*
 * text may be hostile: the time is at most the length of the text times the longest piece
 * of the pattern between two stars, however many stars there are.
 */
bool policy_pattern_matches(const char *pattern, struct bytes text);

/*
 * Whether text is "METHOD PATTERN": a method of A-Z a-z 0-9 . _ - or a lone *, one space,
 * and a pattern without spaces.
 */
bool policy_pattern_is_target(const char *text);
/* pattern: one for which policy_pattern_is_target() holds. The method counts as written. */
bool policy_pattern_matches_target(
	const char *pattern, const char *method, const char *target);

#endif
