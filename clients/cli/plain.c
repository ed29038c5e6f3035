/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <inttypes.h>

#include "utf8.h"

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '\\' && c != '"';
}

/* How many bytes at the front need no escape. */
static size_t count_plain(struct bytes text)
{
	size_t n = 0;

	while (n < text.len && is_plain(text.p[n]))
		n++;
	return n;
}

/* Appends the first character or byte, and says how long it was. */
static enum status append_escaped(struct buf *out, struct bytes text, size_t *out_len)
{
	uint32_t character = 0;
	const size_t len = utf8_next(text, &character);

	*out_len = len == 0 ? 1 : len;
	if (len == 0)
		return buf_append_format(out, "\\x%02x", text.p[0]);
	if (character == '\\' || character == '"')
		return buf_append_format(out, "\\%c", (int)character);
	return buf_append_format(
		out, character > 0xffff ? "\\U%06" PRIx32 : "\\u%04" PRIx32, character);
}

enum status plain_append(struct buf *out, struct bytes foreign)
{
	struct bytes rest = foreign;

	while (rest.len > 0) {
		const size_t n_plain = count_plain(rest);
		size_t n = n_plain;

		if (n_plain > 0)
			TRY(buf_append(out, (struct bytes){rest.p, n_plain}));
		else
			TRY(append_escaped(out, rest, &n));
		rest.p += n;
		rest.len -= n;
	}
	return STATUS_OK;
}

static bool is_one_word(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == ' ' || text.p[i] == '"' || text.p[i] == '=')
			return false;
	}
	return text.len > 0;
}

enum status plain_append_word(struct buf *out, struct bytes foreign)
{
	if (is_one_word(foreign))
		return plain_append(out, foreign);
	TRY(buf_append_text(out, "\""));
	TRY(plain_append(out, foreign));
	return buf_append_text(out, "\"");
}
