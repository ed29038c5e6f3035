/* SPDX-License-Identifier: Apache-2.0 */
#include "base64.h"

#include <string.h>

struct alphabet {
	char digits[65];
	bool has_padding;
};

static const struct alphabet standard = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true};
static const struct alphabet url = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false};

static enum status encode(
	struct buf *out, struct bytes bytes, const struct alphabet *alphabet)
{
	const char *digits = alphabet->digits;
	size_t i = 0;
	uint8_t *to;

	TRY(buf_reserve(out, (bytes.len + 2) / 3 * 4));
	to = out->p + out->len;
	for (; i + 3 <= bytes.len; i += 3) {
		const uint32_t three = (uint32_t)bytes.p[i] << 16 |
				       (uint32_t)bytes.p[i + 1] << 8 | bytes.p[i + 2];

		*to++ = (uint8_t)digits[three >> 18];
		*to++ = (uint8_t)digits[three >> 12 & 63];
		*to++ = (uint8_t)digits[three >> 6 & 63];
		*to++ = (uint8_t)digits[three & 63];
	}
	if (i < bytes.len) {
		const bool has_two = i + 1 < bytes.len;
		const uint32_t rest = (uint32_t)bytes.p[i] << 16 |
				      (has_two ? (uint32_t)bytes.p[i + 1] << 8 : 0);

		*to++ = (uint8_t)digits[rest >> 18];
		*to++ = (uint8_t)digits[rest >> 12 & 63];
		if (has_two)
			*to++ = (uint8_t)digits[rest >> 6 & 63];
		else if (alphabet->has_padding)
			*to++ = '=';
		if (alphabet->has_padding)
			*to++ = '=';
	}
	out->len = (size_t)(to - out->p);
	return STATUS_OK;
}

/* The value of a digit, or 64. */
static uint32_t value_of(uint8_t c, const struct alphabet *alphabet)
{
	const char *at = c == '\0' ? NULL : strchr(alphabet->digits, c);

	return at == NULL ? 64 : (uint32_t)(at - alphabet->digits);
}

static enum status decode_group(
	struct buf *out, struct bytes group, const struct alphabet *alphabet)
{
	uint32_t bits = 0;
	uint8_t three[3];

	for (size_t i = 0; i < 4; i++) {
		const uint32_t value =
			i < group.len ? value_of(group.p[i], alphabet) : 0;

		if (value == 64)
			return STATUS_BAD_FILE;
		bits = bits << 6 | value;
	}
	three[0] = (uint8_t)(bits >> 16);
	three[1] = (uint8_t)(bits >> 8);
	three[2] = (uint8_t)bits;
	/* Bits behind the last whole byte must be zero, else two texts mean the same. */
	if ((group.len == 2 && (bits & 0xffff) != 0) ||
		(group.len == 3 && three[2] != 0) || group.len == 1)
		return STATUS_BAD_FILE;
	return buf_append(out, (struct bytes){three, group.len - 1});
}

static enum status decode(
	struct buf *out, struct bytes text, const struct alphabet *alphabet)
{
	const size_t len_before = out->len;

	if (alphabet->has_padding) {
		if (text.len % 4 != 0)
			return STATUS_BAD_FILE;
		for (int i = 0; i < 2 && text.len > 0 && text.p[text.len - 1] == '=';
			i++)
			text.len--;
	}
	for (size_t i = 0; i < text.len; i += 4) {
		const size_t rest = text.len - i;
		const struct bytes group = {text.p + i, rest < 4 ? rest : 4};
		const enum status status = decode_group(out, group, alphabet);

		if (status != STATUS_OK) {
			out->len = len_before;
			return status;
		}
	}
	return STATUS_OK;
}

enum status base64_encode(struct buf *out, struct bytes bytes)
{
	return encode(out, bytes, &standard);
}

enum status base64url_encode(struct buf *out, struct bytes bytes)
{
	return encode(out, bytes, &url);
}

enum status base64_decode(struct buf *out, struct bytes text)
{
	return decode(out, text, &standard);
}

enum status base64url_decode(struct buf *out, struct bytes text)
{
	return decode(out, text, &url);
}
