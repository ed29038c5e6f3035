/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdlib.h>
#include <string.h>

static bool is_alphanumeric(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9');
}

static bool is_name_character(uint8_t c)
{
	return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
}

bool text_is_name(struct bytes bytes)
{
	if (bytes.len == 0 || bytes.len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < bytes.len; i++) {
		if (!is_name_character(bytes.p[i]))
			return false;
	}
	return true;
}

bool text_is_identifier(struct bytes bytes, size_t max)
{
	if (bytes.len == 0 || bytes.len > max)
		return false;
	for (size_t i = 0; i < bytes.len; i++) {
		const uint8_t c = bytes.p[i];

		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\')
			return false;
	}
	return true;
}

/* RFC 6838 4.2: a letter or a digit, then restricted-name-chars. */
static bool is_restricted_name(struct bytes bytes)
{
	static const char others[] = "!#$&-^_.+";

	if (bytes.len == 0 || !is_alphanumeric(bytes.p[0]))
		return false;
	for (size_t i = 1; i < bytes.len; i++) {
		const uint8_t c = bytes.p[i];

		if (!is_alphanumeric(c) &&
			memchr(others, c, sizeof(others) - 1) == NULL)
			return false;
	}
	return true;
}

bool text_is_media_type(struct bytes bytes)
{
	struct bytes type = bytes;
	const uint8_t *slash;

	if (bytes.len == 0 || bytes.len > MEDIA_TYPE_MAX_LEN)
		return false;
	slash = memchr(bytes.p, '/', bytes.len);
	if (slash == NULL)
		return is_restricted_name(bytes);
	type.len = (size_t)(slash - bytes.p);
	return is_restricted_name(type) &&
	       is_restricted_name((struct bytes){slash + 1, bytes.len - type.len - 1});
}

bool text_to_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (text[0] == '\0')
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		const uint64_t digit = (uint64_t)(*c - '0');

		if (*c < '0' || *c > '9' || digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

enum status text_copy(struct bytes bytes, char **out)
{
	char *copy = malloc(bytes.len + 1);

	if (copy == NULL)
		return STATUS_NO_MEMORY;
	if (bytes.len > 0)
		memcpy(copy, bytes.p, bytes.len);
	copy[bytes.len] = '\0';
	*out = copy;
	return STATUS_OK;
}
