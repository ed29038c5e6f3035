/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifiers read JSON with many parsers, and few are as strict as ours. Gson, which
 * Nimbus and so Spring Security read claims with, takes comments, bare and single-quoted
 * names, and even an array of pairs for an object; PyJWT takes UTF-16 and UTF-32; Go, cJSON
 * and Newtonsoft find "ISS" where "iss" is asked for; others stop at a NUL, skip a byte
 * order mark, or take the last of two equal names. A list of what they all do would never
 * be complete, so nothing is listed. Harmless is only what has one reading for all:
 *
 *   strict JSON in which no claim of a token is named, or
 *   plain text without the brackets that every object or array must open with.
 *
 * All else is token-like, binary content too. That is no loss: a typ that says what it is
 * makes it harmless, as RFC 8725 3.11 advises anyway.
 *
 * What remains: a verifier that does not look at typ.
 */
#include "confusion.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

/*
 * Each of these is in every token of DSGO and iSHARE (D-JWT-4), so what has none of them
 * is not one. One is enough to be token-like: a careless verifier may miss the others.
 */
static const char *const claims[] = {"iss", "sub", "aud", "exp", "iat", "jti"};

/*
 * Absent says nothing, and most verifiers accept that. "JWT", "application/jwt" and
 * "at+jwt" are a JWT's (RFC 7519 5.1, RFC 8725 3.11), "dc+sd-jwt" is one too; a verifier
 * may compare without case, or look for a part only. "JOSE" is the typ of the other JWT of
 * DSGO (Onweerlegbaarheid), and says of the content no more than its absence.
 */
static bool is_jwt_family(const char *typ)
{
	return typ[0] == '\0' || strcasestr(typ, "jwt") != NULL ||
	       strcasestr(typ, "jose") != NULL;
}

/* The next character of UTF-8 that jansson has checked. */
static const char *skip_character(const char *at)
{
	at++;
	while (((uint8_t)*at & 0xc0) == 0x80)
		at++;
	return at;
}

/*
 * Whether some reader may take name for claim. Case does not count. A character outside
 * ASCII stands for one letter or more: Go folds U+017F to s, Java U+0131 to i, and in
 * capitals U+00DF is SS. Each step takes a letter of claim, so this ends soon.
 */
static bool is_spelling_of(const char *name, const char *claim)
{
	if (*name == '\0' || *claim == '\0')
		return *name == *claim;
	if ((uint8_t)*name < 0x80)
		return strncasecmp(name, claim, 1) == 0 &&
		       is_spelling_of(name + 1, claim + 1);
	name = skip_character(name);
	while (*claim != '\0') {
		claim++;
		if (is_spelling_of(name, claim))
			return true;
	}
	return false;
}

/* name: NULL when there is none. */
static bool is_claim(const char *name)
{
	for (size_t i = 0; name != NULL && i < ARRAY_LEN(claims); i++) {
		if (is_spelling_of(name, claims[i]))
			return true;
	}
	return false;
}

/* Deeper levels do not count: no verifier looks for its claims there. */
static bool names_claim(json_t *value)
{
	const char *name;
	json_t *member;
	size_t i;

	json_object_foreach(value, name, member)
	{
		if (is_claim(name))
			return true;
	}
	/* Gson: [["iss","x"],["exp",1]] is the map {"iss":"x","exp":1}. */
	json_array_foreach(value, i, member)
	{
		if (is_claim(json_string_value(json_array_get(member, 0))))
			return true;
	}
	return false;
}

/*
 * In every encoding that starts from ASCII an object or array has one of two bytes, in
 * UTF-16 and UTF-32 as well. Control characters are refused so that binary content always
 * is: not only on the days when it happens to hold a bracket.
 */
static bool is_plain_text(struct bytes payload)
{
	for (size_t i = 0; i < payload.len; i++) {
		const uint8_t c = payload.p[i];
		const bool is_space = c == ' ' || c == '\t' || c == '\n' || c == '\r';

		if (c == '{' || c == '[' || (c <= ' ' && !is_space) || c == 0x7f)
			return false;
	}
	return true;
}

/*
 * jansson refuses all that could be read in two ways: equal names at any level, NUL (also
 * written as \u0000), a byte order mark, bad UTF-8, lone surrogates, bytes behind the end,
 * and more than 2048 levels, where its recursion would become deep. What it refuses, also
 * for want of memory, must be plain text. Numbers are not in doubt here: as reals they
 * are not refused for their size.
 */
static bool is_harmless(struct bytes payload)
{
	const size_t flags =
		JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL;
	json_t *value = json_loadb((const char *)payload.p, payload.len, flags, NULL);
	bool has_claim;

	if (value == NULL)
		return is_plain_text(payload);
	has_claim = names_claim(value);
	json_decref(value);
	return !has_claim;
}

bool confusion_is_token_like(const char *typ, struct bytes payload)
{
	return is_jwt_family(typ) && !is_harmless(payload);
}
