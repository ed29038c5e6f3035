/* SPDX-License-Identifier: Apache-2.0 */
#include "form.h"

#include <stdio.h>
#include <sys/random.h>

static const struct form *const rows[FORM_COUNT] = {
	&form_dsgo_auth, &form_digest, &form_jws};

const struct form *form_find(struct bytes name)
{
	for (size_t i = 0; i < FORM_COUNT; i++) {
		if (bytes_is_equal(name, bytes_from_text(rows[i]->name)))
			return rows[i];
	}
	return NULL;
}

const struct form *form_get(size_t index)
{
	must(index < FORM_COUNT);
	return rows[index];
}

enum status form_make_jti(char out[static JTI_LEN + 1])
{
	uint8_t r[16];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return STATUS_IO;
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	(void)snprintf(out, JTI_LEN + 1,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10],
		r[11], r[12], r[13], r[14], r[15]);
	return STATUS_OK;
}
