/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends of records as crashes, power cuts, officers and enemies leave them, and what a
 * start makes of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "memory_fake.h"
#include "policy/audit_line.h"
#include "trail.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	GIB = 1 << 30,
	READ_MAX = 3 * 1024 * 1024,
};

static void an_empty_directory_is_a_new_record(void **state)
{
	struct trail *trail = *state;

	trail_write_file(trail, "audit-1.jsonl", bytes_from_text("not a name of ours"));
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	assert_int_equal(trail->tail.head.seq, 0);
	assert_false(trail->tail.has_file);
	assert_int_equal(trail->tail.size, 0);
	assert_int_equal(trail->tail.cut, 0);
}

static void the_chain_goes_on_behind_the_last_line(void **state)
{
	struct trail *trail = *state;

	trail_add(trail, AUDIT_KIND_START, "");
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_head(trail, &trail->head);
	assert_true(trail->tail.has_file);
	assert_false(trail->tail.was_stopped);
	assert_int_equal(trail->tail.first_seq, 1);
	assert_int_equal(trail->tail.first_s, TRAIL_TIME_S);
	trail_add(trail, AUDIT_KIND_STOP, "");
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_head(trail, &trail->head);
	assert_true(trail->tail.was_stopped);
	assert_int_equal(trail->tail.size, trail->text.len);
	assert_int_equal(trail->tail.cut, 0);
	assert_int_equal(trail->tail.opens.n_rows, 0);
}

static void whatever_part_of_the_last_lines_is_missing_is_cut(void **state)
{
	struct trail *trail = *state;
	struct entry_head heads[3];
	size_t ends[3];

	trail_add_many(trail, 5);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		trail_add_many(trail, 1);
		heads[i] = trail->head;
		ends[i] = trail->text.len;
	}
	for (size_t len = ends[0]; len < ends[2]; len++) {
		const size_t last = len < ends[1] ? 0 : 1;

		trail_write_file(
			trail, RECORD_NAME, (struct bytes){trail->text.p, len});
		assert_int_equal(trail_read_again(trail), STATUS_OK);
		trail_assert_head(trail, &heads[last]);
		assert_int_equal(trail->tail.size, ends[last]);
		assert_int_equal(trail->tail.cut, len - ends[last]);
	}
}

static void zeros_behind_the_last_line_are_cut(void **state)
{
	static const uint8_t zeros[8192];
	struct trail *trail = *state;
	const size_t lens[] = {1, 100, 4096, sizeof(zeros)};

	trail_add_many(trail, 5);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		const size_t len = trail->text.len;

		assert_int_equal(
			buf_append(&trail->text, (struct bytes){zeros, lens[i]}),
			STATUS_OK);
		trail_save(trail);
		trail->text.len = len;
		assert_int_equal(trail_read_again(trail), STATUS_OK);
		trail_assert_head(trail, &trail->head);
		assert_int_equal(trail->tail.size, len);
		assert_int_equal(trail->tail.cut, lens[i]);
	}
}

static void a_long_stretch_of_zeros_is_cut_and_a_longer_one_refused(void **state)
{
	struct trail *trail = *state;
	CLEANUP(fd_closep) int fd = FD_NONE;

	trail_add_many(trail, 5);
	trail_save(trail);
	fd = openat(trail->directory, RECORD_NAME, O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 10 << 20), 0);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_head(trail, &trail->head);
	assert_int_equal(trail->tail.size, trail->text.len);
	assert_int_equal(ftruncate(fd, 40 << 20), 0);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
}

static void lines_behind_a_hole_are_cut_with_it(void **state)
{
	struct trail *trail = *state;
	struct entry_head head;
	size_t at;

	trail_add_many(trail, 100);
	head = trail->head;
	at = trail->text.len;
	trail_add_many(trail, 100);
	/* A block that never reached the disk, between two that did. */
	memset(trail->text.p + at + 10, 0, 4096);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_head(trail, &head);
	assert_int_equal(trail->tail.size, at);
	assert_int_equal(trail->tail.cut, trail->text.len - at);
}

static void a_file_of_torn_bytes_only_is_a_new_record(void **state)
{
	struct trail *trail = *state;

	trail_write_file(trail, RECORD_NAME, bytes_from_text("{\"seq\":1,\"ti"));
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	assert_true(trail->tail.has_file);
	assert_int_equal(trail->tail.head.seq, 0);
	assert_int_equal(trail->tail.size, 0);
	assert_int_equal(trail->tail.cut, 12);
	assert_int_equal(trail->tail.first_seq, 0);
}

static void any_changed_bit_near_the_end_is_found(void **state)
{
	struct trail *trail = *state;

	trail_add_many(trail, 6);
	for (size_t i = 0; i < trail->text.len; i++) {
		const uint8_t before = trail->text.p[i];
		enum status status;

		/* Another printable byte: what is not printable reads as torn. */
		trail->text.p[i] = before == 'a' ? 'b' : 'a';
		trail_save(trail);
		status = trail_read_again(trail);
		/* Without its newline the last line is only half. */
		assert_int_equal(
			status, i + 1 == trail->text.len ? STATUS_OK : STATUS_BAD_FILE);
		trail->text.p[i] = before;
	}
}

static void lines_removed_added_or_exchanged_are_found(void **state)
{
	static const char junk[] = "{\"seq\":7,\"time\":\"now\"}\n";
	struct trail *trail = *state;
	size_t len, line_len;
	uint8_t *last;

	trail_add_many(trail, 9);
	line_len = trail->text.len / 9;
	len = trail->text.len;
	last = trail->text.p + len - line_len;
	/* A line less. */
	trail_write_file(
		trail, RECORD_NAME, (struct bytes){trail->text.p, len - 2 * line_len});
	{
		CLEANUP(fd_closep)
		int fd = openat(trail->directory, RECORD_NAME, O_WRONLY | O_APPEND);

		assert_int_equal(
			fd_write_all(fd, (struct bytes){last, line_len}), STATUS_OK);
	}
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
	/* Another's line more; then an empty one; then a line twice. */
	assert_int_equal(buf_append_text(&trail->text, junk), STATUS_OK);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
	trail->text.len = len;
	assert_int_equal(buf_append_text(&trail->text, "\n"), STATUS_OK);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
	trail->text.len = len;
	assert_int_equal(buf_reserve(&trail->text, line_len), STATUS_OK);
	memcpy(trail->text.p + len, trail->text.p + len - line_len, line_len);
	trail->text.len += line_len;
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
}

static void a_line_that_is_too_long_is_refused(void **state)
{
	struct trail *trail = *state;
	CLEANUP(buf_deinit) struct buf filler = BUF_INIT(4 * ENTRY_MAX);

	assert_int_equal(buf_reserve(&filler, 2 * ENTRY_MAX), STATUS_OK);
	memset(filler.p, 'x', 2 * ENTRY_MAX);
	filler.len = 2 * ENTRY_MAX;
	trail_add_many(trail, 3);
	assert_int_equal(buf_append(&trail->text, buf_get(&filler)), STATUS_OK);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
	assert_int_equal(buf_append_text(&trail->text, "\n"), STATUS_OK);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
}

static void a_first_line_that_was_changed_is_refused(void **state)
{
	struct trail *trail = *state;

	/* More than is checked at the end. */
	trail_add_many(trail, 15000);
	assert_true(trail->text.len > READ_MAX);
	trail->text.p[30] = 'x';
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
	memset(trail->text.p, 'x', 2 * ENTRY_MAX);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
}

static void what_is_no_regular_file_is_refused(void **state)
{
	struct trail *trail = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(symlinkat("elsewhere", trail->directory, RECORD_NAME), 0);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
	assert_int_equal(unlinkat(trail->directory, RECORD_NAME, 0), 0);
	assert_int_equal(mkfifoat(trail->directory, RECORD_NAME, 0600), 0);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
	assert_int_equal(unlinkat(trail->directory, RECORD_NAME, 0), 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
		trail->folder, RECORD_NAME);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
	assert_int_equal(unlinkat(trail->directory, RECORD_NAME, 0), 0);
	assert_int_equal(mkdirat(trail->directory, RECORD_NAME, 0700), 0);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
	assert_int_equal(unlinkat(trail->directory, RECORD_NAME, AT_REMOVEDIR), 0);
}

static void what_cannot_be_opened_or_listed_is_a_failure(void **state)
{
	struct trail *trail = *state;
	CLEANUP(fd_closep) int file = FD_NONE;
	uint64_t *seqs = NULL;
	size_t n = 0;
	struct audit_tail tail = {.cut = 0};

	trail_write_file(trail, "file", bytes_from_text("x"));
	file = openat(trail->directory, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(audit_tail_list_older(file, &seqs, &n), STATUS_IO);
	assert_int_equal(audit_tail_read(file, &trail->hasher, &tail), STATUS_IO);
}

/* Bytes that this process has read, of all time. */
static uint64_t count_read(void)
{
	CLEANUP(fd_closep) int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
	unsigned long long n = 0;
	char text[512] = "";

	assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	assert_int_equal(sscanf(text, "rchar: %llu", &n), 1);
	return n;
}

static void of_ten_gigabytes_only_the_tail_is_read(void **state)
{
	struct trail *trail = *state;
	CLEANUP(fd_closep) int fd = FD_NONE;
	const off_t begin = (off_t)10 * GIB;
	size_t first_len;
	uint64_t before;

	trail_add(trail, AUDIT_KIND_START, "");
	first_len = trail->text.len;
	trail_save(trail);
	buf_clear(&trail->text);
	trail_add_many(trail, 15000);
	assert_true(trail->text.len > READ_MAX);
	fd = openat(trail->directory, RECORD_NAME, O_WRONLY | O_CLOEXEC);
	/* Between the first line and the last it is no record at all. */
	assert_int_equal(pwrite(fd, "no line\n", 8, (off_t)first_len), 8);
	assert_int_equal(pwrite(fd, "\n", 1, begin - 1), 1);
	assert_int_equal(
		pwrite(fd, trail->text.p, trail->text.len, begin), trail->text.len);
	before = count_read();
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	assert_true(count_read() - before < READ_MAX);
	trail_assert_head(trail, &trail->head);
	assert_int_equal(trail->tail.size, begin + (off_t)trail->text.len);
	assert_int_equal(trail->tail.first_seq, 1);
}

static void older_files_are_found_by_their_names(void **state)
{
	static const char *const others[] = {"audit-1.jsonl",
		"audit-00000000000000000000.jsonl", "audit-00000000000000000012.jsonx",
		"budit-00000000000000000012.jsonl", "audit-0000000000000000001x.jsonl",
		"audit-99999999999999999999.jsonl",
		"audit-00000000000000000012.jsonl.gz"};
	static const uint64_t seqs[] = {1000000000000000000, 9, 1, 10};
	struct trail *trail = *state;
	CLEANUP(freep) uint64_t *found = NULL;
	char name[RECORD_NAME_MAX];
	size_t n = 99;

	assert_int_equal(
		audit_tail_list_older(trail->directory, &found, &n), STATUS_OK);
	assert_int_equal(n, 0);
	freep(&found);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		trail_write_file(trail, others[i], bytes_from_text(""));
	for (size_t i = 0; i < ARRAY_LEN(seqs); i++) {
		audit_tail_name_older(seqs[i], name);
		trail_write_file(trail, name, bytes_from_text(""));
	}
	assert_int_equal(
		audit_tail_list_older(trail->directory, &found, &n), STATUS_OK);
	assert_int_equal(n, 4);
	assert_int_equal(found[0], 1);
	assert_int_equal(found[1], 9);
	assert_int_equal(found[2], 10);
	assert_int_equal(found[3], 1000000000000000000);
	*memory_is_out() = true;
	freep(&found);
	assert_int_equal(
		audit_tail_list_older(trail->directory, &found, &n), STATUS_NO_MEMORY);
	*memory_is_out() = false;
	assert_null(found);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trail_set_up, trail_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_empty_directory_is_a_new_record),
		TEST(the_chain_goes_on_behind_the_last_line),
		TEST(whatever_part_of_the_last_lines_is_missing_is_cut),
		TEST(zeros_behind_the_last_line_are_cut),
		TEST(a_long_stretch_of_zeros_is_cut_and_a_longer_one_refused),
		TEST(lines_behind_a_hole_are_cut_with_it),
		TEST(a_file_of_torn_bytes_only_is_a_new_record),
		TEST(any_changed_bit_near_the_end_is_found),
		TEST(lines_removed_added_or_exchanged_are_found),
		TEST(a_line_that_is_too_long_is_refused),
		TEST(a_first_line_that_was_changed_is_refused),
		TEST(what_is_no_regular_file_is_refused),
		TEST(what_cannot_be_opened_or_listed_is_a_failure),
		TEST(of_ten_gigabytes_only_the_tail_is_read),
		TEST(older_files_are_found_by_their_names),
	};

	log_init("test", LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
