/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key as the agent describes it, in JSON: the same members in `keys`, `cert` and
 * `status`.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_KEY_JSON_H
#define ZEGEL_CLI_KEY_JSON_H

#include <jansson.h>
#include <zegel.h>

#include "util/defs.h"

/* NULL without memory. gives */
json_t *key_json_new(const struct zegel_key *key);
/* Whole days until the certificate ends, negative after. */
int64_t key_json_days_left(const struct zegel_key *key);

enum {
	KEY_JSON_HEX_MAX = 65,
};
/* Lower-case hexadecimal of a SHA-256. */
void key_json_hex(const uint8_t sha256[static 32], char out[static KEY_JSON_HEX_MAX]);

#endif
