/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum status walk_init(struct walk *walk, const struct sources *sources)
{
	*walk = (struct walk){.sources = sources, .lines = LINES_INIT};
	return entry_hasher_init(&walk->hasher);
}

void walk_deinit(struct walk *walk)
{
	entry_hasher_deinit(&walk->hasher);
	lines_deinit(&walk->lines);
	*walk = WALK_INIT;
}

FORMAT_PRINTF(2, 3)
static const char *say(struct walk *walk, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(walk->why, sizeof(walk->why), format, arguments);
	va_end(arguments);
	return walk->why;
}

/* What is wrong with it as the first line of its file; NULL when nothing is. */
static const char *judge_first(
	struct walk *walk, const struct source *source, const struct entry *entry)
{
	const uint64_t wanted = walk->head.seq + 1;

	if (source->has_named_seq && source->named_seq != entry->seq)
		return say(walk,
			"the name of its file says that line %" PRIu64 " is its first",
			source->named_seq);
	if (wanted > 1 && entry->seq == wanted + 1)
		return say(walk, "line %" PRIu64 " is in no file given", wanted);
	if (wanted > 1 && entry->seq > wanted)
		return say(walk,
			"lines %" PRIu64 " to %" PRIu64 " are in no file given", wanted,
			entry->seq - 1);
	if (wanted > 1 && entry->seq < wanted)
		return say(walk,
			"a file before this one has line %" PRIu64
			" too: two files overlap, or one is given twice",
			entry->seq);
	/* Behind another file the chain tells; of the first one only this does. */
	if (wanted == 1 && entry->seq > 1 &&
		!bytes_is_equal(entry->kind, bytes_from_text("rotate")))
		return "a file begins with line 1 or with a line of the kind rotate: "
		       "what stood before it in its file is gone";
	return NULL;
}

static enum status judge(
	struct walk *walk, const struct line *line, struct walk_line *out)
{
	struct entry *entry = &out->entry;
	enum status status;

	if (!line->has_end) {
		out->why =
			"the file ends in the middle of a line: a crash leaves that, "
			"and so does who cuts a file; the agent takes it off when it "
			"starts";
		return STATUS_OK;
	}
	status = entry_read(&walk->hasher, line->text, entry, &out->why);
	if (status != STATUS_OK)
		return status == STATUS_BAD_FILE ? STATUS_OK : status;
	out->is_entry = true;
	if (line->number == 1)
		out->why = judge_first(walk, out->source, entry);
	if (out->why == NULL &&
		entry_follow(&walk->head, entry, &out->why) == STATUS_OK)
		return STATUS_OK;
	/* Whoever goes on is told of the next break, not of this one again. */
	walk->head.seq = entry->seq;
	memcpy(walk->head.hash, entry->hash, ENTRY_HASH_LEN);
	return STATUS_OK;
}

/* NOT_FOUND at the end of the file. */
static enum status next_in_file(struct walk *walk, struct walk_line *out)
{
	struct line line;
	const enum status status = lines_next(&walk->lines, &line);

	*out = (struct walk_line){.source = &walk->sources->list[walk->at]};
	if (status == STATUS_NOT_FOUND && walk->lines.number == 0) {
		/* It is told once: now the walk stands behind its end. */
		walk->lines.number = 1;
		out->why = "the file is empty: a crash while the agent changed files "
			   "leaves that, and so does who cuts a file";
		return STATUS_OK;
	}
	TRY(status);
	out->number = line.number;
	out->text = line.text;
	return judge(walk, &line, out);
}

enum status walk_next(struct walk *walk, struct walk_line *out)
{
	while (walk->at < walk->sources->n) {
		enum status status;

		if (!walk->is_in_file)
			TRY(lines_init(&walk->lines, walk->sources->list[walk->at].fd));
		walk->is_in_file = true;
		status = next_in_file(walk, out);
		if (status != STATUS_NOT_FOUND)
			return status;
		lines_deinit(&walk->lines);
		walk->is_in_file = false;
		walk->at++;
	}
	return STATUS_NOT_FOUND;
}
