/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts as a name, an identifier or a number, decided in one place.
 *
 * Thread: any
 */
#ifndef ZEGEL_UTIL_TEXT_H
#define ZEGEL_UTIL_TEXT_H

#include "defs.h"

enum {
	NAME_MAX_LEN = 64,      /* of a key, token, client, rule, profile, algorithm */
	AUDIENCE_MAX_LEN = 256, /* of an iss, sub or aud */
	MEDIA_TYPE_MAX_LEN = 127,
};

/* 1 to NAME_MAX_LEN characters of A-Z a-z 0-9 . _ - */
bool text_is_name(struct bytes bytes);
/* 1 to max printable ASCII characters, no space, quote or backslash. */
bool text_is_identifier(struct bytes bytes, size_t max);
/*
 * A media type as typ and cty carry it (RFC 7515 4.1.9): "application/" may be missing,
 * there are no parameters. At most MEDIA_TYPE_MAX_LEN characters, none of which JSON
 * would have to escape.
 */
bool text_is_media_type(struct bytes bytes);
/* A decimal number without sign or space, at most max. */
bool text_to_number(const char *text, uint64_t max, uint64_t *out);
/* A new C string; STATUS_NO_MEMORY. gives */
MUST_CHECK enum status text_copy(struct bytes bytes, char **out);

#endif
