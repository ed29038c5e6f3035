/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a plain JWS could pass as a token. A reader that is as careless as we can make
 * it looks for an object with a claim in the payload; where it finds one, the guard must
 * have said so.
 *
 * Input: the payload.
 */
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "seal/confusion.h"

enum {
	PAYLOAD_MAX = 32768,
	TRIES_MAX = 16, /* brackets to begin at, in each encoding */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_claim(const char *name)
{
	static const char *const claims[] = {"iss", "sub", "aud", "exp", "iat", "jti"};

	for (size_t i = 0; name != NULL && i < ARRAY_LEN(claims); i++) {
		if (strcasecmp(name, claims[i]) == 0)
			return true;
	}
	return false;
}

/* Of an object, or of an array of pairs. */
static bool has_claim(json_t *value)
{
	const char *name;
	json_t *member;
	size_t i;

	json_object_foreach(value, name, member)
	{
		if (is_claim(name))
			return true;
	}
	json_array_foreach(value, i, member)
	{
		if (is_claim(json_string_value(json_array_get(member, 0))))
			return true;
	}
	return false;
}

/* Takes what it can read, and does not mind what stands behind it. */
static bool reads_claim(struct bytes text)
{
	const size_t flags = JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL;
	json_t *value = json_loadb((const char *)text.p, text.len, flags, NULL);
	const bool is_found = has_claim(value);

	json_decref(value);
	return is_found;
}

/* Begins at the first bracket, whatever stands before it; the next only in vain. */
static bool finds_claim(struct bytes text)
{
	for (size_t i = 0; i < TRIES_MAX; i++) {
		const uint8_t *at =
			text.len == 0 ? NULL : memchr(text.p, '{', text.len);

		if (at == NULL)
			return false;
		text.len -= (size_t)(at - text.p);
		text.p = at;
		if (reads_claim(text))
			return true;
		text.p++;
		text.len--;
	}
	return false;
}

/* Every width-th byte from the first: ASCII in UTF-16 or UTF-32. */
static bool finds_claim_in(struct bytes payload, size_t first, size_t width)
{
	uint8_t narrow[PAYLOAD_MAX];
	size_t len = 0;

	for (size_t i = first; i < payload.len; i += width)
		narrow[len++] = payload.p[i];
	return finds_claim((struct bytes){narrow, len});
}

/* Of what is strict JSON the whole has one reading, and only its own names count. */
static bool is_strict(struct bytes payload)
{
	json_t *value = json_loadb((const char *)payload.p, payload.len,
		JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL,
		NULL);

	json_decref(value);
	return value != NULL;
}

static bool could_be_read(struct bytes payload)
{
	static const struct {
		size_t first;
		size_t width;
	} encodings[] = {{0, 1}, {0, 2}, {1, 2}, {0, 4}, {3, 4}};

	if (is_strict(payload))
		return reads_claim(payload);
	for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
		if (finds_claim_in(payload, encodings[i].first, encodings[i].width))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes payload = {data, size};
	bool is_token_like;

	if (size > PAYLOAD_MAX)
		return 0;
	is_token_like = confusion_is_token_like("", payload);
	must(is_token_like || !could_be_read(payload));
	/* The family of a JWT is one, and another typ has no say in what is read. */
	must(confusion_is_token_like("JWT", payload) == is_token_like);
	must(!confusion_is_token_like("text/plain", payload));
	return 0;
}
