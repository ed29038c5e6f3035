/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel keys: the keys that this user may ask seals of.
 */
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "command.h"
#include "key_json.h"
#include "output.h"
#include "say.h"
#include "util/clock.h"

static const char name[] = "keys";

static int print_json(const struct zegel_keys *keys)
{
	json_t *array = json_array();

	for (size_t i = 0; i < keys->n_keys; i++) {
		if (json_array_append_new(array, key_json_new(&keys->keys[i])) != 0) {
			json_decref(array);
			array = NULL;
			break;
		}
	}
	return output_finish_json(name,
		array == NULL ? NULL : json_pack("{s:o}", "keys", array), EXIT_CODE_OK);
}

static void print_row(const struct zegel_key *key)
{
	char until[ASK_TIME_MAX];
	char profiles[64] = "";
	size_t at = 0;

	for (size_t i = 0; i < key->n_profiles && at < sizeof(profiles); i++)
		at += (size_t)snprintf(profiles + at, sizeof(profiles) - at, "%s%s",
			i == 0 ? "" : ",", key->profiles[i]);
	ask_time_to_text(key->not_after, until);
	output_format("%-20s  %-11s  %-20s  %-36s  %-20s  %lld\n", key->name,
		ask_state_name(key->state), profiles,
		key->identifier == NULL ? "-" : key->identifier, until,
		(long long)key_json_days_left(key));
}

static int run(int argc, char **argv)
{
	CLEANUP(ask_closep) struct zegel *zegel = NULL;
	CLEANUP(ask_keys_freep) struct zegel_keys *keys = NULL;
	struct zegel_error error = {.status = ZEGEL_INTERNAL};
	bool is_json = false;
	int code;

	code = ask_read_options(name, argc, argv, &is_json);
	if (code != EXIT_CODE_OK)
		return code;
	if (zegel_open(NULL, 0, &zegel, &error) != ZEGEL_OK ||
		zegel_list_keys(zegel, &keys, &error) != ZEGEL_OK)
		return ask_fail(name, &error);
	if (is_json)
		return print_json(keys);
	output_format("%-20s  %-11s  %-20s  %-36s  %-20s  %s\n", "NAME", "STATE",
		"PROFILES", "IDENTIFIER", "VALID UNTIL", "DAYS LEFT");
	for (size_t i = 0; i < keys->n_keys; i++)
		print_row(&keys->keys[i]);
	return output_finish(name, EXIT_CODE_OK);
}

static const char help[] = "Usage: zegel keys [--json]\n"
			   "List the keys that you may ask seals of.\n";

const struct command keys_command = {
	.name = name,
	.summary = "list the keys that you may use",
	.help = help,
	.run = run,
};
