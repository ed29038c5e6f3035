/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel audit show: what happened, in rows for people or in lines for programs.
 */
#include <getopt.h>
#include <inttypes.h>

#include "audit.h"
#include "command.h"
#include "output.h"
#include "say.h"
#include "show.h"
#include "util/clock.h"
#include "util/text.h"
#include "walk.h"

static const char name[] = "audit show";

static const struct option long_options[] = {
	{"since", required_argument, NULL, 's'},
	{"until", required_argument, NULL, 'u'},
	{"client", required_argument, NULL, 'c'},
	{"key", required_argument, NULL, 'k'},
	{"aud", required_argument, NULL, 'a'},
	{"jti", required_argument, NULL, 't'},
	{"status", required_argument, NULL, 'S'},
	{"kind", required_argument, NULL, 'K'},
	{"json", no_argument, NULL, 'j'},
	{NULL, 0, NULL, 0},
};

static int set_time(const char *option, bool is_end, char out[static MOMENT_LEN + 1])
{
	if (moment_read(optarg, clock_real_s(), is_end, out))
		return EXIT_CODE_OK;
	return say_usage(name,
		"%s %s: expected a time like 2026-11-24, 2026-11-24T08:05:03Z or -2h",
		option, optarg);
}

static int set_last(struct show_spec *spec)
{
	uint64_t last = 0;

	if (!text_to_number(optarg, SHOW_LAST_MAX, &last) || last == 0)
		return say_usage(name, "-n is 1 to %d", SHOW_LAST_MAX);
	spec->last = (size_t)last;
	return EXIT_CODE_OK;
}

static int set_option(int found, struct show_spec *spec)
{
	struct filter *filter = &spec->filter;

	switch (found) {
	case 's':
		filter->has_since = true;
		return set_time("--since", false, filter->since);
	case 'u':
		filter->has_until = true;
		return set_time("--until", true, filter->until);
	case 'c':
		filter->members[FILTER_CLIENT] = optarg;
		break;
	case 'k':
		filter->members[FILTER_KEY] = optarg;
		break;
	case 'a':
		filter->members[FILTER_AUD] = optarg;
		break;
	case 't':
		filter->members[FILTER_JTI] = optarg;
		break;
	case 'S':
		filter->status = optarg;
		break;
	case 'K':
		filter->kind = optarg;
		break;
	case 'n':
		return set_last(spec);
	default:
		spec->is_json = true;
		break;
	}
	return EXIT_CODE_OK;
}

static int read_options(int argc, char **argv, struct show_spec *spec)
{
	int found;

	while ((found = getopt_long(argc, argv, ":n:", long_options, NULL)) != -1) {
		int code;

		if (found == '?' || found == ':')
			return say_bad_option(name, found, argv);
		code = set_option(found, spec);
		if (code != EXIT_CODE_OK)
			return code;
	}
	return EXIT_CODE_OK;
}

static void on_row(void *context, struct bytes text)
{
	(void)context;
	output_bytes(text);
}

static enum status show_all(struct show *show, struct walk *walk)
{
	struct walk_line line;

	while (true) {
		const enum status status = walk_next(walk, &line);

		if (status == STATUS_NOT_FOUND)
			return show_finish(show);
		TRY(status);
		TRY(show_add(show, &line));
	}
}

static int finish(uint64_t n_bad)
{
	const int code = output_finish(name, n_bad == 0 ? EXIT_CODE_OK : EXIT_CODE_NO);

	if (n_bad == 0 || code != EXIT_CODE_NO)
		return code;
	say_error(name, "INVALID",
		"%" PRIu64 " %s not verify; of what follows the first nothing is sure",
		n_bad, n_bad == 1 ? "line does" : "lines do");
	say_hint(name, "zegel audit verify names the first");
	return code;
}

int audit_show(int argc, char **argv)
{
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	CLEANUP(walk_deinit) struct walk walk = WALK_INIT;
	CLEANUP(show_freep) struct show *show = NULL;
	struct show_spec spec = {.last = 0};
	enum status status;
	int code = read_options(argc, argv, &spec);

	if (code == EXIT_CODE_OK)
		code = audit_open(name, argv + optind, &sources);
	if (code != EXIT_CODE_OK)
		return code;
	status = walk_init(&walk, &sources);
	if (status == STATUS_OK)
		status = show_new(&spec, on_row, NULL, &show);
	if (status == STATUS_OK)
		status = show_all(show, &walk);
	if (status != STATUS_OK)
		return audit_fail(name, status,
			walk.at < sources.n ? &sources.list[walk.at] : NULL);
	return finish(show_get_n_bad(show));
}
