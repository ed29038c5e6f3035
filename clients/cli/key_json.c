/* SPDX-License-Identifier: Apache-2.0 */
#include "key_json.h"

#include <stdio.h>

#include "ask.h"
#include "util/clock.h"

enum {
	DAY_S = 86400,
};

int64_t key_json_days_left(const struct zegel_key *key)
{
	const int64_t left = key->not_after - clock_real_s();

	/* Towards the past: half a day too late is -1, not 0. */
	return left >= 0 ? left / DAY_S : (left - DAY_S + 1) / DAY_S;
}

void key_json_hex(const uint8_t sha256[static 32], char out[static KEY_JSON_HEX_MAX])
{
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", sha256[i]);
}

/* A failed append shows as NULL in the pack that takes the array. */
static json_t *new_texts(const char *const *texts, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(array, json_string(texts[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

json_t *key_json_new(const struct zegel_key *key)
{
	char hex[KEY_JSON_HEX_MAX];

	key_json_hex(key->certificate_sha256, hex);
	return json_pack("{s:s, s:s, s:o, s:o, s:s?, s:I, s:I, s:I, s:s}", "name",
		key->name, "state", ask_state_name(key->state), "profiles",
		new_texts(key->profiles, key->n_profiles), "algorithms",
		new_texts(key->algorithms, key->n_algorithms), "identifier",
		key->identifier, "not_before", (json_int_t)key->not_before, "not_after",
		(json_int_t)key->not_after, "days_left",
		(json_int_t)key_json_days_left(key), "certificate_sha256", hex);
}
