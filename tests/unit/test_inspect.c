/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record_fixture.h"

enum {
	N_LINES = 2000,
	A_FILE = 700,
	N_RECORDS = 30,
};

static const struct record_maker_spec three_files = {
	.seed = 7, .n_lines = N_LINES, .a_file = A_FILE};

static const struct inspect_marks no_marks = {NULL, 0};

static int make_record(void **state)
{
	struct record *record = calloc(1, sizeof(*record));

	if (record == NULL)
		return -1;
	record_make(&three_files, record);
	*state = record;
	return 0;
}

static int free_record(void **state)
{
	record_deinit(*state);
	free(*state);
	return 0;
}

static void inspect(const struct record *record, const struct inspect_marks *marks,
	struct inspection *out)
{
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;

	*out = INSPECTION_INIT;
	record_open(record, &sources);
	record_inspect(&sources, marks, out);
	/* The sources end here. */
	out->bad.source = NULL;
}

static void expect_bad(
	const struct record *record, const char *name, uint64_t number, const char *why)
{
	CLEANUP(inspection_deinit) struct inspection found = INSPECTION_INIT;
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;

	record_open(record, &sources);
	record_inspect(&sources, &no_marks, &found);
	assert_false(found.is_good);
	assert_string_equal(found.bad.source->name, name);
	assert_int_equal(found.bad.number, number);
	if (strstr(found.bad.why, why) == NULL)
		fail_msg("%s: wanted: %s", found.bad.why, why);
}

static void remove_file(struct record *record, size_t at)
{
	buf_deinit(&record->files[at].content);
	record->n--;
	memmove(&record->files[at], &record->files[at + 1],
		(record->n - at) * sizeof(record->files[0]));
}

static void a_record_as_the_agent_writes_it_is_good(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= N_RECORDS; seed++) {
		const struct record_maker_spec spec = {
			.seed = seed, .n_lines = 100 * seed, .a_file = 30 + 7 * seed};
		CLEANUP(inspection_deinit) struct inspection found;
		CLEANUP(record_deinit) struct record record;

		record_make(&spec, &record);
		inspect(&record, &no_marks, &found);
		if (!found.is_good)
			fail_msg("seed %" PRIu32 ": seq %" PRIu64 ": %s", seed,
				found.bad.seq, found.bad.why);
		assert_int_equal(found.n_lines, spec.n_lines);
		assert_int_equal(found.first_seq, 1);
		assert_int_equal(found.last.seq, spec.n_lines);
		assert_string_equal(found.first_time, "2026-11-24T08:05:03.000000Z");
		assert_int_equal(found.accounts.n_attempts,
			found.accounts.n_released + found.accounts.n_failed +
				found.accounts.n_orphans + found.accounts.n_open);
	}
}

static void a_record_may_begin_with_any_file(void **state)
{
	struct record *record = *state;
	CLEANUP(inspection_deinit) struct inspection found;

	remove_file(record, 0);
	inspect(record, &no_marks, &found);
	assert_true(found.is_good);
	assert_int_equal(found.first_seq, A_FILE + 1);
	assert_int_equal(found.last.seq, N_LINES);
}

static void a_record_may_not_begin_in_the_middle_of_a_file(void **state)
{
	struct record *record = *state;
	struct record_file *last;

	/* Alone, so that no name and no line before it tell. */
	remove_file(record, 0);
	remove_file(record, 0);
	last = &record->files[0];
	record_splice(last, 0, record_offset(last, 11), (struct bytes){NULL, 0});
	expect_bad(record, "audit.jsonl", 1, "of the kind rotate");
}

/* The chain goes on, so nothing is gone, whatever the file begins with. */
static void a_file_behind_another_may_begin_with_any_line(void **state)
{
	struct record *record = *state;
	struct record_file *first = &record->files[0];
	struct record_file *last = &record->files[2];
	CLEANUP(inspection_deinit) struct inspection found;

	/* All of it in two files, cut at line 1390. */
	assert_int_equal(
		buf_append(&first->content, buf_get(&record->files[1].content)),
		STATUS_OK);
	record_splice(last, 0, 0,
		(struct bytes){first->content.p + record_offset(first, 1390),
			first->content.len - record_offset(first, 1390)});
	first->content.len = record_offset(first, 1390);
	remove_file(record, 1);
	inspect(record, &no_marks, &found);
	assert_true(found.is_good);
	assert_int_equal(found.n_lines, N_LINES);
}

static void a_missing_file_is_named_by_its_lines(void **state)
{
	struct record *record = *state;

	remove_file(record, 1);
	expect_bad(record, "audit.jsonl", 1, "lines 701 to 1400 are in no file given");
}

static void a_missing_line_between_files_is_named(void **state)
{
	struct record *record = *state;
	struct record_file *file = &record->files[1];
	const size_t at = record_offset(file, A_FILE);

	record_splice(file, at, file->content.len - at, (struct bytes){NULL, 0});
	expect_bad(record, "audit.jsonl", 1, "line 1400 is in no file given");
}

static void a_file_given_twice_overlaps(void **state)
{
	struct record *record = *state;
	struct record_file *copy = &record->files[record->n];

	*copy = (struct record_file){.name = "copy", .content = BUF_INIT(1 << 22)};
	assert_int_equal(buf_append(&copy->content, buf_get(&record->files[1].content)),
		STATUS_OK);
	record->n++;
	expect_bad(record, "copy", 1, "a file before this one has line 701 too");
}

static void files_that_changed_their_names_are_found(void **state)
{
	struct record *record = *state;
	const struct buf content = record->files[0].content;

	record->files[0].content = record->files[1].content;
	record->files[1].content = content;
	expect_bad(record, "audit-00000000000000000001.jsonl", 1,
		"the name of its file says that line 1 is its first");
}

static void files_may_have_other_names_in_any_order(void **state)
{
	static const char *const names[] = {"z", "a", "m"};
	struct record *record = *state;
	CLEANUP(inspection_deinit) struct inspection found;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)snprintf(
			record->files[i].name, RECORD_MAKER_NAME_MAX, "%s", names[i]);
	inspect(record, &no_marks, &found);
	assert_true(found.is_good);
	assert_int_equal(found.n_lines, N_LINES);
}

static void a_torn_tail_and_an_empty_file_are_found(void **state)
{
	struct record *record = *state;
	struct record_file *last = &record->files[2];

	last->content.len--;
	expect_bad(record, "audit.jsonl", 600, "ends in the middle of a line");
	last->content.len = record_offset(last, 600) + 1;
	expect_bad(record, "audit.jsonl", 600, "ends in the middle of a line");
	last->content.len = 0;
	expect_bad(record, "audit.jsonl", 0, "the file is empty");
}

static void a_line_without_end_is_found(void **state)
{
	struct record *record = *state;
	struct record_file *last = &record->files[2];
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(1 << 21);

	while (line.len < 1 << 20)
		assert_int_equal(buf_append_text(&line, "{\"seq\":1401,"), STATUS_OK);
	record_splice(last, record_offset(last, 5), 0, buf_get(&line));
	expect_bad(record, "audit.jsonl", 5, "longer than any line");
}

/* Nothing of the record itself tells this, so the command says so. */
static void a_cut_tail_is_seen_only_against_a_mark(void **state)
{
	struct record *record = *state;
	struct record_file *last = &record->files[2];
	struct inspect_mark mark = {.seq = N_LINES};
	const struct inspect_marks marks = {&mark, 1};
	CLEANUP(inspection_deinit) struct inspection whole;
	CLEANUP(inspection_deinit) struct inspection cut;

	inspect(record, &no_marks, &whole);
	memcpy(mark.hash, whole.last.hash, ENTRY_HASH_LEN);
	last->content.len = record_offset(last, 600);
	inspect(record, &marks, &cut);
	assert_true(cut.is_good);
	assert_int_equal(cut.last.seq, N_LINES - 1);
	assert_int_equal(mark.result, INSPECT_MARK_BEHIND);
}

static void a_record_written_anew_is_seen_only_against_a_mark(void **state)
{
	const struct record_maker_spec other = {
		.seed = 8, .n_lines = N_LINES, .a_file = A_FILE};
	struct inspect_mark mark = {.seq = N_LINES};
	const struct inspect_marks marks = {&mark, 1};
	CLEANUP(inspection_deinit) struct inspection whole;
	CLEANUP(inspection_deinit) struct inspection anew;
	CLEANUP(record_deinit) struct record record;

	inspect(*state, &no_marks, &whole);
	memcpy(mark.hash, whole.last.hash, ENTRY_HASH_LEN);
	record_make(&other, &record);
	inspect(&record, &marks, &anew);
	assert_true(anew.is_good);
	assert_int_equal(mark.result, INSPECT_MARK_REWRITTEN);
}

static void set_mark(struct inspect_mark *mark, struct bytes of_line)
{
	CLEANUP(entry_hasher_deinit) struct entry_hasher hasher = ENTRY_HASHER_INIT;
	struct entry entry;
	const char *why = NULL;

	assert_int_equal(entry_hasher_init(&hasher), STATUS_OK);
	of_line.len--;
	assert_int_equal(entry_read(&hasher, of_line, &entry, &why), STATUS_OK);
	mark->seq = entry.seq;
	memcpy(mark->hash, entry.hash, ENTRY_HASH_LEN);
}

static void marks_are_held_against_the_line_they_name(void **state)
{
	struct record *record = *state;
	struct inspect_mark list[5] = {{.seq = 0}};
	const struct inspect_marks marks = {list, ARRAY_LEN(list)};
	CLEANUP(inspection_deinit) struct inspection found;

	set_mark(&list[0], record_get(&record->files[2], 300));
	set_mark(&list[1], record_get(&record->files[0], 1));
	/* The last one before the first file that is given, and one more before it. */
	set_mark(&list[2], record_get(&record->files[0], A_FILE));
	set_mark(&list[3], record_get(&record->files[0], A_FILE - 1));
	set_mark(&list[4], record_get(&record->files[1], 5));
	inspect(record, &marks, &found);
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		assert_int_equal(list[i].result, INSPECT_MARK_HELD);
	inspection_deinit(&found);
	list[4].hash[31] ^= 1;
	remove_file(record, 0);
	inspect(record, &marks, &found);
	assert_true(found.is_good);
	assert_int_equal(list[0].result, INSPECT_MARK_HELD);
	assert_int_equal(list[1].result, INSPECT_MARK_BEFORE);
	assert_int_equal(list[2].result, INSPECT_MARK_HELD);
	assert_int_equal(list[3].result, INSPECT_MARK_BEFORE);
	assert_int_equal(list[4].result, INSPECT_MARK_REWRITTEN);
}

static void marks_behind_a_bad_line_are_not_judged(void **state)
{
	struct record *record = *state;
	struct inspect_mark list[2] = {{.seq = 0}};
	const struct inspect_marks marks = {list, ARRAY_LEN(list)};
	CLEANUP(inspection_deinit) struct inspection found;

	set_mark(&list[0], record_get(&record->files[0], 9));
	set_mark(&list[1], record_get(&record->files[0], 10));
	record->files[0].content.p[record_offset(&record->files[0], 10) + 20] ^= 1;
	inspect(record, &marks, &found);
	assert_false(found.is_good);
	assert_int_equal(found.n_lines, 9);
	assert_int_equal(list[0].result, INSPECT_MARK_HELD);
	assert_int_equal(list[1].result, INSPECT_MARK_UNJUDGED);
}

/* A chain that is whole can still be wrong: then only its writer could have done it. */
static void a_lie_in_a_whole_chain_is_found(void **state)
{
	CLEANUP(entry_hasher_deinit) struct entry_hasher hasher = ENTRY_HASHER_INIT;
	CLEANUP(record_deinit) struct record record = {.n = 1};
	struct entry_head head = {.seq = 0};
	struct entry_front front = {.time_us = 1, .kind = "attempt"};
	struct buf *content = &record.files[0].content;

	(void)state;
	record.files[0] = (struct record_file){
		.name = "audit.jsonl", .content = BUF_INIT(1 << 16)};
	assert_int_equal(entry_hasher_init(&hasher), STATUS_OK);
	assert_int_equal(
		entry_append(content, &hasher, &head, &front, (struct bytes){NULL, 0}),
		STATUS_OK);
	front.kind = "outcome";
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(entry_append(content, &hasher, &head, &front,
					 bytes_from_text(",\"attempt\":1,"
							 "\"status\":\"OK\"")),
			STATUS_OK);
	expect_bad(&record, "audit.jsonl", 3, "its attempt had an outcome before");
}

#define ON_RECORD(test) cmocka_unit_test_setup_teardown(test, make_record, free_record)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_as_the_agent_writes_it_is_good),
		ON_RECORD(a_record_may_begin_with_any_file),
		ON_RECORD(a_record_may_not_begin_in_the_middle_of_a_file),
		ON_RECORD(a_file_behind_another_may_begin_with_any_line),
		ON_RECORD(a_missing_file_is_named_by_its_lines),
		ON_RECORD(a_missing_line_between_files_is_named),
		ON_RECORD(a_file_given_twice_overlaps),
		ON_RECORD(files_that_changed_their_names_are_found),
		ON_RECORD(files_may_have_other_names_in_any_order),
		ON_RECORD(a_torn_tail_and_an_empty_file_are_found),
		ON_RECORD(a_line_without_end_is_found),
		ON_RECORD(a_cut_tail_is_seen_only_against_a_mark),
		ON_RECORD(a_record_written_anew_is_seen_only_against_a_mark),
		ON_RECORD(marks_are_held_against_the_line_they_name),
		ON_RECORD(marks_behind_a_bad_line_are_not_judged),
		cmocka_unit_test(a_lie_in_a_whole_chain_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
