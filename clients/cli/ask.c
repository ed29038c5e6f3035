/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "command.h"
#include "say.h"

void ask_closep(struct zegel **zegel)
{
	zegel_close(*zegel);
	*zegel = NULL;
}

void ask_keys_freep(struct zegel_keys **keys)
{
	zegel_keys_free(*keys);
	*keys = NULL;
}

void ask_description_freep(struct zegel_description **description)
{
	zegel_description_free(*description);
	*description = NULL;
}

void ask_seal_freep(struct zegel_seal **seal)
{
	zegel_seal_free(*seal);
	*seal = NULL;
}

void ask_identity_freep(struct zegel_identity **identity)
{
	zegel_identity_free(*identity);
	*identity = NULL;
}

int ask_read_options(const char *command, int argc, char **argv, bool *is_json)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{NULL, 0, NULL, 0},
	};
	int found;

	while ((found = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (found != 'j')
			return say_bad_option(command, found, argv);
		*is_json = true;
	}
	if (optind < argc)
		return say_usage(command, "%s: no argument is wanted", argv[optind]);
	return EXIT_CODE_OK;
}

int ask_exit_code(enum zegel_status status)
{
	switch (status) {
	case ZEGEL_OK:
		return EXIT_CODE_OK;
	case ZEGEL_INVALID:
	case ZEGEL_UNSUPPORTED:
		return EXIT_CODE_DATA;
	case ZEGEL_DENIED:
	case ZEGEL_LOCKED:
		return EXIT_CODE_DENIED;
	case ZEGEL_BUSY:
	case ZEGEL_TIMEOUT:
		return EXIT_CODE_AGAIN;
	case ZEGEL_UNAVAILABLE:
		return EXIT_CODE_UNAVAILABLE;
	case ZEGEL_INTERNAL:
		return EXIT_CODE_INTERNAL;
	}
	return EXIT_CODE_INTERNAL;
}

static const char *hint_for(enum zegel_status status)
{
	switch (status) {
	case ZEGEL_DENIED:
		return "zegel keys lists the keys that you may use, and for what";
	case ZEGEL_LOCKED:
		return "a security officer must unlock the token";
	case ZEGEL_UNAVAILABLE:
		return "to try without an agent: zegel sandbox -- CMD";
	case ZEGEL_OK:
	case ZEGEL_INVALID:
	case ZEGEL_UNSUPPORTED:
	case ZEGEL_BUSY:
	case ZEGEL_TIMEOUT:
	case ZEGEL_INTERNAL:
		break;
	}
	return NULL;
}

int ask_fail(const char *command, const struct zegel_error *error)
{
	const char *hint = hint_for(error->status);

	say_error(command, zegel_status_name(error->status), "%s", error->text);
	if (error->retry_after_ms > 0)
		say_hint(command, "try again after %u ms",
			(unsigned)error->retry_after_ms);
	if (hint != NULL)
		say_hint(command, "%s", hint);
	return ask_exit_code(error->status);
}

const char *ask_state_name(enum zegel_key_state state)
{
	switch (state) {
	case ZEGEL_KEY_READY:
		return "READY";
	case ZEGEL_KEY_LOCKED:
		return "LOCKED";
	case ZEGEL_KEY_UNAVAILABLE:
		return "UNAVAILABLE";
	case ZEGEL_KEY_NOT_VALID:
		return "NOT_VALID";
	}
	return "UNKNOWN";
}

void ask_time_to_text(int64_t time_s, char out[static ASK_TIME_MAX])
{
	const time_t at = (time_t)time_s;
	struct tm parts;

	if (gmtime_r(&at, &parts) == NULL ||
		strftime(out, ASK_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		(void)snprintf(out, ASK_TIME_MAX, "-");
}
