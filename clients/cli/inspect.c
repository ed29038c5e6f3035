/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect.h"

#include <stdio.h>
#include <string.h>

void inspection_deinit(struct inspection *inspection)
{
	accounts_deinit(&inspection->accounts);
}

static bool hash_is_equal(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, ENTRY_HASH_LEN) == 0;
}

static void copy_time(struct bytes time, char out[static ENTRY_TIME_LEN + 1])
{
	must(time.len == ENTRY_TIME_LEN);
	memcpy(out, time.p, ENTRY_TIME_LEN);
	out[ENTRY_TIME_LEN] = '\0';
}

static void judge_mark(struct inspect_mark *mark, const uint8_t hash[ENTRY_HASH_LEN])
{
	mark->result = hash_is_equal(mark->hash, hash) ? INSPECT_MARK_HELD
						       : INSPECT_MARK_REWRITTEN;
}

/* The first line tells of the one before it, which is in no file given. */
static void judge_earlier_marks(
	const struct inspect_marks *marks, const struct entry *first)
{
	for (size_t i = 0; i < marks->n; i++) {
		struct inspect_mark *mark = &marks->list[i];

		if (mark->seq < first->seq)
			mark->result = INSPECT_MARK_BEFORE;
		if (mark->seq + 1 == first->seq)
			judge_mark(mark, first->prev);
	}
}

static void judge_marks(const struct inspect_marks *marks, const struct entry *entry)
{
	for (size_t i = 0; i < marks->n; i++) {
		if (marks->list[i].seq == entry->seq)
			judge_mark(&marks->list[i], entry->hash);
	}
}

static void set_bad(
	struct inspection *out, const struct walk_line *line, const char *why)
{
	out->is_good = false;
	out->bad.source = line->source;
	out->bad.number = line->number;
	out->bad.seq = line->is_entry ? line->entry.seq : 0;
	(void)snprintf(out->bad.why, sizeof(out->bad.why), "%s", why);
}

static enum status take(struct inspection *out, const struct inspect_marks *marks,
	const struct walk_line *line)
{
	const struct entry *entry = &line->entry;
	const char *why = line->why;

	if (why == NULL) {
		const enum status status = accounts_add(&out->accounts, entry, &why);

		if (status != STATUS_OK && status != STATUS_BAD_FILE)
			return status;
	}
	if (why != NULL) {
		set_bad(out, line, why);
		return STATUS_OK;
	}
	if (out->n_lines == 0) {
		out->first_seq = entry->seq;
		copy_time(entry->time, out->first_time);
		judge_earlier_marks(marks, entry);
	}
	out->n_lines++;
	out->last.seq = entry->seq;
	memcpy(out->last.hash, entry->hash, ENTRY_HASH_LEN);
	copy_time(entry->time, out->last_time);
	judge_marks(marks, entry);
	return STATUS_OK;
}

static enum status run(
	struct walk *walk, const struct inspect_marks *marks, struct inspection *out)
{
	struct walk_line line;

	while (out->is_good) {
		const enum status status = walk_next(walk, &line);

		if (status == STATUS_NOT_FOUND)
			return STATUS_OK;
		TRY(status);
		TRY(take(out, marks, &line));
	}
	for (size_t i = 0; i < marks->n; i++) {
		if (marks->list[i].result == INSPECT_MARK_BEHIND)
			marks->list[i].result = INSPECT_MARK_UNJUDGED;
	}
	return STATUS_OK;
}

enum status inspect_run(const struct sources *sources,
	const struct inspect_marks *marks, struct inspection *out, size_t *at)
{
	CLEANUP(walk_deinit) struct walk walk = WALK_INIT;
	enum status status = walk_init(&walk, sources);

	for (size_t i = 0; i < marks->n; i++)
		marks->list[i].result = INSPECT_MARK_BEHIND;
	out->is_good = true;
	if (status == STATUS_OK)
		status = run(&walk, marks, out);
	*at = walk.at;
	return status;
}
