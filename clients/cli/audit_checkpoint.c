/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel audit checkpoint: the newest checkpoint of the record as the signed note that it
 * is, to be kept where nobody of this machine can change it.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>

#include "audit.h"
#include "command.h"
#include "note.h"
#include "output.h"
#include "say.h"
#include "util/buf.h"
#include "walk.h"

static const char name[] = "audit checkpoint";

/* Keeps the line when it is a checkpoint; a line that is not good ends the search. */
static enum status take(const struct walk_line *line, struct buf *kept)
{
	if (line->why != NULL)
		return STATUS_BAD_FILE;
	if (!bytes_is_equal(line->entry.kind, bytes_from_text("checkpoint")))
		return STATUS_OK;
	buf_clear(kept);
	return buf_append(kept, line->text);
}

/* NOT_FOUND when the record has none, BAD_FILE when it is not whole. */
static enum status find_newest(struct walk *walk, struct buf *kept)
{
	struct walk_line line;
	enum status status;

	while ((status = walk_next(walk, &line)) == STATUS_OK)
		TRY(take(&line, kept));
	if (status != STATUS_NOT_FOUND)
		return status;
	return kept->len == 0 ? STATUS_NOT_FOUND : STATUS_OK;
}

/* Printed only when it can be read again as what it is. */
static int print_note(struct bytes line)
{
	json_t *members = json_loadb((const char *)line.p, line.len, 0, NULL);
	const json_t *text = json_object_get(members, "note");
	CLEANUP(note_deinit) struct note note = NOTE_INIT;
	const char *why = "it has no note";
	int code = EXIT_CODE_DATA;

	if (json_is_string(text) &&
		note_read(&note,
			(struct bytes){(const uint8_t *)json_string_value(text),
				json_string_length(text)},
			&why) == STATUS_OK) {
		output_bytes((struct bytes){(const uint8_t *)json_string_value(text),
			json_string_length(text)});
		code = EXIT_CODE_OK;
	} else {
		say_error(name, "INVALID", "the newest checkpoint is none: %s", why);
	}
	json_decref(members);
	return code == EXIT_CODE_OK ? output_finish(name, code) : code;
}

static int tell(enum status status, const struct walk *walk, const struct buf *kept)
{
	if (status == STATUS_OK)
		return print_note(buf_get(kept));
	if (status == STATUS_NOT_FOUND) {
		say_error(name, "UNAVAILABLE", "the record has no checkpoint");
		say_hint(
			name, "checkpoint-key in the agent's configuration makes them");
		return EXIT_CODE_UNAVAILABLE;
	}
	if (status == STATUS_BAD_FILE) {
		say_error(name, "INVALID", "the record is not whole");
		say_hint(name, "zegel audit verify says where");
		return EXIT_CODE_NO;
	}
	return audit_fail(name, status,
		walk->at < walk->sources->n ? &walk->sources->list[walk->at] : NULL);
}

int audit_checkpoint(int argc, char **argv)
{
	static const struct option none[] = {{NULL, 0, NULL, 0}};
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	CLEANUP(walk_deinit) struct walk walk = WALK_INIT;
	CLEANUP(buf_deinit) struct buf kept = BUF_INIT(ENTRY_MAX);
	const int found = getopt_long(argc, argv, ":", none, NULL);
	enum status status;
	int code;

	if (found != -1)
		return say_bad_option("audit", found, argv);
	code = audit_open(name, argv + optind, &sources);
	if (code != EXIT_CODE_OK)
		return code;
	status = walk_init(&walk, &sources);
	if (status == STATUS_OK)
		status = find_newest(&walk, &kept);
	return tell(status, &walk, &kept);
}
