/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel status: how the agent is. Exits 0 when the agent answers, also when a key is not
 * ready: what is not ready is data, and --json says which.
 */
#include <inttypes.h>

#include "ask.h"
#include "command.h"
#include "output.h"
#include "say.h"

static const char name[] = "status";

static json_t *new_json(
	const struct zegel_health *health, const struct zegel_keys *keys)
{
	json_t *states = json_object();

	for (size_t i = 0; i < keys->n_keys; i++) {
		if (json_object_set_new(states, keys->keys[i].name,
			    json_string(ask_state_name(keys->keys[i].state))) != 0) {
			json_decref(states);
			return NULL;
		}
	}
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "agent",
		health->agent, "trouble", health->trouble, "uptime_s",
		(json_int_t)health->uptime_s, "waiting", (json_int_t)health->waiting,
		"in_flight", (json_int_t)health->in_flight, "sealed",
		(json_int_t)health->sealed, "keys_ready",
		(json_int_t)health->keys_ready, "n_keys", (json_int_t)health->keys,
		"keys", states);
}

static void print_text(const struct zegel_health *health, const struct zegel_keys *keys)
{
	output_format("agent      ");
	output_foreign(health->agent);
	output_format("\nuptime     %" PRIu64 " s\nwaiting    %" PRIu32
		      "\nin flight  %" PRIu32 "\nsealed     %" PRIu64
		      "\nkeys       %" PRIu32 " of %" PRIu32 " ready\n",
		health->uptime_s, health->waiting, health->in_flight, health->sealed,
		health->keys_ready, health->keys);
	if (health->trouble[0] != '\0') {
		output_format("TROUBLE    nothing can be sealed, there is no record: ");
		output_foreign(health->trouble);
		output_format("\n");
	}
	for (size_t i = 0; i < keys->n_keys; i++)
		output_format("  %-20s  %s\n", keys->keys[i].name,
			ask_state_name(keys->keys[i].state));
}

static int run(int argc, char **argv)
{
	CLEANUP(ask_closep) struct zegel *zegel = NULL;
	CLEANUP(ask_keys_freep) struct zegel_keys *keys = NULL;
	struct zegel_error error = {.status = ZEGEL_INTERNAL};
	struct zegel_health health = {.agent = ""};
	bool is_json = false;
	int code;

	code = ask_read_options(name, argc, argv, &is_json);
	if (code != EXIT_CODE_OK)
		return code;
	if (zegel_open(NULL, 0, &zegel, &error) != ZEGEL_OK ||
		zegel_health(zegel, &health, &error) != ZEGEL_OK ||
		zegel_list_keys(zegel, &keys, &error) != ZEGEL_OK)
		return ask_fail(name, &error);
	if (is_json)
		return output_finish_json(name, new_json(&health, keys), EXIT_CODE_OK);
	print_text(&health, keys);
	return output_finish(name, EXIT_CODE_OK);
}

static const char help[] =
	"Usage: zegel status [--json]\n"
	"Say how the agent is: version, uptime, requests, keys and their states.\n"
	"Exits 0 when the agent answers, also when a key is not READY.\n";

const struct command status_command = {
	.name = name,
	.summary = "say how the agent is",
	.help = help,
	.run = run,
};
