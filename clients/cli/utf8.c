/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

/* By its first byte: how long, which bits of that byte count, and the least it may be. */
struct form {
	uint8_t mask;
	uint8_t mark;
	size_t len;
	uint32_t least;
};

static const struct form forms[] = {
	{0x80, 0x00, 1, 0},
	{0xe0, 0xc0, 2, 0x80},
	{0xf0, 0xe0, 3, 0x800},
	{0xf8, 0xf0, 4, 0x10000},
};

static size_t take(struct bytes text, const struct form *form, uint32_t *out)
{
	uint32_t character = text.p[0] & (uint32_t)~form->mask & 0xff;

	if (text.len < form->len)
		return 0;
	for (size_t i = 1; i < form->len; i++) {
		if ((text.p[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (text.p[i] & 0x3f);
	}
	if (character < form->least || character > 0x10ffff ||
		(character >= 0xd800 && character <= 0xdfff))
		return 0;
	*out = character;
	return form->len;
}

size_t utf8_next(struct bytes text, uint32_t *out)
{
	for (size_t i = 0; text.len > 0 && i < ARRAY_LEN(forms); i++) {
		if ((text.p[0] & forms[i].mask) == forms[i].mark)
			return take(text, &forms[i], out);
	}
	return 0;
}
