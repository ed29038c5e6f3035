/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#11 URIs (RFC 7512), judged without any library of PKCS#11: the broker knows none.
 * The worker parses them again with p11-kit; what is refused here never comes that far.
 *
 * Narrower than the RFC on purpose: only attributes that say which token or which object
 * lastingly. A slot number changes with the next plug or start, and a PIN in a URI would
 * be in a file and in every log.
 */
#include "internal.h"

#include <string.h>

struct attribute {
	const char *name;
	bool is_telling; /* one of these must be there */
	bool is_binary;
};

static const struct attribute token_attributes[] = {
	{"token", true, false},
	{"serial", true, false},
	{"manufacturer", false, false},
	{"model", false, false},
};

static const struct attribute key_attributes[] = {
	{"object", true, false},
	{"id", true, true},
};

/* What an URI is judged by, and the words for it. */
struct kind {
	const struct attribute *attributes;
	size_t n_attributes;
	const char *unknown;
	const char *not_telling;
};

static const struct kind token_kind = {token_attributes, ARRAY_LEN(token_attributes),
	"a PKCS#11 URI of the attributes token, serial, manufacturer and model only",
	"a PKCS#11 URI with serial or token (the label)"};

static const struct kind key_kind = {key_attributes, ARRAY_LEN(key_attributes),
	"a PKCS#11 URI of the attributes object and id only",
	"a PKCS#11 URI with object (the label) or id"};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* pk11-pchar of RFC 7512 2.3, but for the percent sign. */
static bool is_path_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~:[]@!$'()*+,=&", c));
}

static const char *judge_value(const char *value, size_t len, bool is_binary)
{
	if (len == 0)
		return "a PKCS#11 URI without empty values";
	for (size_t i = 0; i < len; i++) {
		if (is_path_character(value[i]))
			continue;
		if (value[i] != '%')
			return "a PKCS#11 URI of characters that RFC 7512 allows, "
			       "others as %XX";
		if (len - i < 3 || !is_hex(value[i + 1]) || !is_hex(value[i + 2]))
			return "a PKCS#11 URI with two hexadecimal digits after each %";
		if (!is_binary && value[i + 1] == '0' && value[i + 2] == '0')
			return "a PKCS#11 URI without %00";
		i += 2;
	}
	return NULL;
}

static const struct attribute *find_attribute(
	const struct kind *kind, const char *name, size_t len, size_t *index)
{
	for (size_t i = 0; i < kind->n_attributes; i++) {
		const struct attribute *attribute = &kind->attributes[i];

		if (strlen(attribute->name) != len ||
			memcmp(attribute->name, name, len) != 0)
			continue;
		*index = i;
		return attribute;
	}
	return NULL;
}

static bool is_slot(const char *name, size_t len)
{
	return len >= 5 && memcmp(name, "slot-", 5) == 0;
}

/* One attribute; marks in seen which it was. */
static const char *judge_attribute(
	const struct kind *kind, const char *text, size_t len, uint32_t *seen)
{
	const char *equals = memchr(text, '=', len);
	const struct attribute *attribute;
	size_t name_len, index;

	if (equals == NULL)
		return "a PKCS#11 URI of name=value, with ; between";
	name_len = (size_t)(equals - text);
	if (is_slot(text, name_len))
		return "a PKCS#11 URI that names the token by serial or label: never a "
		       "slot number";
	attribute = find_attribute(kind, text, name_len, &index);
	if (attribute == NULL)
		return kind->unknown;
	if ((*seen & (UINT32_C(1) << index)) != 0)
		return "a PKCS#11 URI with each attribute once";
	*seen |= UINT32_C(1) << index;
	return judge_value(equals + 1, len - name_len - 1, attribute->is_binary);
}

static bool is_telling(const struct kind *kind, uint32_t seen)
{
	for (size_t i = 0; i < kind->n_attributes; i++) {
		if (kind->attributes[i].is_telling && (seen & (UINT32_C(1) << i)) != 0)
			return true;
	}
	return false;
}

static const char *judge(const struct kind *kind, const char *text)
{
	static const char scheme[] = "pkcs11:";
	uint32_t seen = 0;

	if (strncmp(text, scheme, sizeof(scheme) - 1) != 0)
		return "a PKCS#11 URI, beginning with pkcs11:";
	if (strlen(text) >= JOB_URI_MAX)
		return "a PKCS#11 URI of at most 511 bytes";
	if (strchr(text, '?') != NULL)
		return "a PKCS#11 URI without ?: PIN and module have words of their "
		       "own";
	text += sizeof(scheme) - 1;
	while (*text != '\0') {
		const size_t len = strcspn(text, ";");
		const char *wrong = judge_attribute(kind, text, len, &seen);

		if (wrong != NULL)
			return wrong;
		text += len;
		if (*text == ';' && *++text == '\0')
			return "a PKCS#11 URI of name=value, with ; between";
	}
	return is_telling(kind, seen) ? NULL : kind->not_telling;
}

const char *config_uri_judge_token(const char *text)
{
	return judge(&token_kind, text);
}

const char *config_uri_judge_key(const char *text)
{
	return judge(&key_kind, text);
}
