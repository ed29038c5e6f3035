/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel audit: the table of its subcommands, and how the files of a record are opened.
 */
#include "audit.h"

#include <errno.h>
#include <string.h>

#include "command.h"
#include "officer.h"
#include "output.h"
#include "say.h"
#include "util/fd.h"

static const char name[] = "audit";

struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv);
};

static const struct subcommand subcommands[] = {
	{"verify", audit_verify},
	{"show", audit_show},
	{"checkpoint", audit_checkpoint},
};

int audit_fail(const char *command, enum status status, const struct source *at)
{
	if (status == STATUS_IO && at != NULL) {
		say_error(command, "UNAVAILABLE", "cannot read %s: %s", at->name,
			strerror(errno));
		return EXIT_CODE_UNAVAILABLE;
	}
	if (status == STATUS_IO) {
		say_error(command, "UNAVAILABLE", "cannot read the record: %s",
			strerror(errno));
		return EXIT_CODE_UNAVAILABLE;
	}
	say_error(command, "INTERNAL", "%s", status_text(status));
	return EXIT_CODE_INTERNAL;
}

static int fail_open(const char *command, enum status status, const char *path)
{
	const int error = errno;

	if (status == STATUS_NOT_FOUND) {
		say_error(command, "UNAVAILABLE", "cannot open %s: %s", path,
			strerror(error));
		if (error == EACCES)
			say_hint(command,
				"the record is root's and the agent's to read");
		return EXIT_CODE_UNAVAILABLE;
	}
	if (status == STATUS_BAD_FILE) {
		say_error(command, "INVALID",
			"%s: expected a regular file with lines of a record", path);
		return EXIT_CODE_DATA;
	}
	return audit_fail(command, status, NULL);
}

/*
 * The agent's own files, by descriptors that it hands over: an officer need not be able to
 * open them. It may begin a new file meanwhile; then one comes twice, and is left out.
 */
static int open_by_agent(const char *command, struct sources *out)
{
	CLEANUP(officer_closep) struct officer *officer = NULL;
	int code = officer_open(command, &officer);

	for (uint64_t i = 0; code == EXIT_CODE_OK; i++) {
		char file[OFFICER_NAME_MAX];
		enum status status;
		int fd = FD_NONE;

		code = officer_open_record(officer, i, file, &fd);
		if (code != EXIT_CODE_OK || fd == FD_NONE)
			break;
		status = sources_add_once(out, file, fd);
		if (status != STATUS_OK)
			return fail_open(command, status, file);
	}
	return code;
}

static int open_own(const char *command, struct sources *out)
{
	enum status status;

	if (officer_is_there())
		return open_by_agent(command, out);
	status = sources_add_directory(out, SOURCES_DIRECTORY);
	return status == STATUS_OK ? EXIT_CODE_OK
				   : fail_open(command, status,
					     SOURCES_DIRECTORY "/" SOURCES_CURRENT);
}

int audit_open(const char *command, char **paths, struct sources *out)
{
	const int code = paths[0] == NULL ? open_own(command, out) : EXIT_CODE_OK;
	enum status status = STATUS_OK;

	if (code != EXIT_CODE_OK)
		return code;
	for (char **path = paths; *path != NULL; path++) {
		status = sources_add_path(out, *path);
		if (status != STATUS_OK)
			return fail_open(command, status, *path);
	}
	status = sources_sort(out);
	return status == STATUS_OK ? EXIT_CODE_OK : audit_fail(command, status, NULL);
}

static int run(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(subcommands); i++) {
		if (strcmp(subcommands[i].name, argv[1]) == 0)
			return subcommands[i].run(argc - 1, argv + 1);
	}
	if (argc > 1)
		return say_usage(name,
			"there is no %s; verify, show and checkpoint there are",
			argv[1]);
	return say_usage(name, "verify, show or checkpoint?");
}

static const char help[] =
	"Usage: zegel audit verify [--checkpoint NOTE]... [--certificate PEM] "
	"[--json]\n"
	"                          [FILE...]\n"
	"       zegel audit show [FILTER]... [-n N] [--json] [FILE...]\n"
	"       zegel audit checkpoint [FILE...]\n"
	"The record of what was sealed, refused and done. Without FILE it is that of\n"
	"the running agent, which hands it to officers (members of the group\n"
	"zegel-officers, and root); where none runs, what lies in /var/log/zegel.\n"
	"\n"
	"verify: is the record whole? Files may be named in any order. Exits 0 when "
	"it\n"
	"is, 1 when not; then the first bad line is named, and nothing behind it can "
	"be\n"
	"trusted.\n"
	"  --checkpoint NOTE   hold this signed note against the record; repeatable.\n"
	"                      Without one a cut tail, and a record that was written\n"
	"                      anew as a whole, cannot be seen\n"
	"  --certificate PEM   certificates of the keys that sign notes: each note "
	"must\n"
	"                      be by one of them. Whose they are is yours to judge\n"
	"  --json              the verdict for programs\n"
	"\n"
	"show: what happened? A row for each event; an attempt and its outcome share "
	"a\n"
	"row. Lines that do not verify are shown with ! in front; then it exits 1.\n"
	"  --since T, --until T   2026-11-24 (the whole day, UTC), -30m, -2h, -7d "
	"ago,\n"
	"                         or 2026-11-24T08:05:03Z\n"
	"  --client N, --key N, --aud ID, --jti ID\n"
	"  --status S          OK, TIMEOUT, DENIED ...; OPEN: no outcome yet; ORPHAN: "
	"a\n"
	"                      crash came between\n"
	"  --kind K            attempt, outcome, refusal, officer ...\n"
	"  -n N                the last N only, 1 to 10000\n"
	"  --json              the lines as they stand in the record, one JSON object "
	"a\n"
	"                      line; what does not verify becomes {\"unverified\": "
	"...}\n"
	"\n"
	"checkpoint: the newest signed note of the record, to be kept elsewhere. Exits "
	"69\n"
	"when the record has none.\n"
	"\n"
	"More: docs/audit.md\n";

const struct command audit_command = {
	.name = name,
	.summary = "read the record of all seals, and judge it",
	.help = help,
	.run = run,
};
