/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel audit verify: is the record whole? Needs no agent, and trusts nothing but the
 * notes and certificates that it is given.
 */
#include <getopt.h>

#include "audit.h"
#include "checkpoint.h"
#include "command.h"
#include "inspect.h"
#include "output.h"
#include "say.h"
#include "verdict.h"

static const char name[] = "audit verify";

enum {
	TEXT_MAX = 1 << 20,
};

static const struct option long_options[] = {
	{"checkpoint", required_argument, NULL, 'c'},
	{"certificate", required_argument, NULL, 'k'},
	{"json", no_argument, NULL, 'j'},
	{NULL, 0, NULL, 0},
};

static int set_option(int found, struct checkpoints *checkpoints, bool *is_json)
{
	switch (found) {
	case 'c':
		return checkpoints_add(checkpoints, name, optarg);
	case 'k':
		return checkpoints_add_certificates(checkpoints, name, optarg);
	default:
		*is_json = true;
		return EXIT_CODE_OK;
	}
}

static int read_options(
	int argc, char **argv, struct checkpoints *checkpoints, bool *is_json)
{
	int found;

	while ((found = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		int code;

		if (found == '?' || found == ':')
			return say_bad_option(name, found, argv);
		code = set_option(found, checkpoints, is_json);
		if (code != EXIT_CODE_OK)
			return code;
	}
	if (checkpoints->n_keys > 0 && checkpoints->n == 0)
		return say_usage(name, "--certificate is for the notes that "
				       "--checkpoint names");
	return checkpoints_check(checkpoints, name);
}

static int print(const struct verdict *verdict, bool is_json)
{
	const int code = verdict_is_valid(verdict) ? EXIT_CODE_OK : EXIT_CODE_NO;
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_MAX);

	if (is_json)
		return output_finish_json(name, verdict_to_json(verdict), code);
	if (verdict_to_text(verdict, &text) != STATUS_OK) {
		say_error(name, "INTERNAL", "out of memory");
		return EXIT_CODE_INTERNAL;
	}
	output_bytes(buf_get(&text));
	return output_finish(name, code);
}

int audit_verify(int argc, char **argv)
{
	CLEANUP(checkpoints_deinit) struct checkpoints checkpoints = {.n = 0};
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	CLEANUP(inspection_deinit) struct inspection found = INSPECTION_INIT;
	struct inspect_marks marks;
	enum status status;
	bool is_json = false;
	size_t at = 0;
	int code = read_options(argc, argv, &checkpoints, &is_json);

	if (code == EXIT_CODE_OK)
		code = audit_open(name, argv + optind, &sources);
	if (code != EXIT_CODE_OK)
		return code;
	marks = (struct inspect_marks){checkpoints.marks, checkpoints.n};
	status = inspect_run(&sources, &marks, &found, &at);
	if (status != STATUS_OK)
		return audit_fail(
			name, status, at < sources.n ? &sources.list[at] : NULL);
	return print(&(struct verdict){&sources, &found, &checkpoints}, is_json);
}
