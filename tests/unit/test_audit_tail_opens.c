/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which attempts a start finds open, however far back, in files that rotated, were removed
 * or tampered with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/audit_line.h"
#include "trail.h"
#include "util/fd.h"
#include "util/log.h"

static void attempts_without_an_end_are_open(void **state)
{
	struct trail *trail = *state;
	uint64_t a, b, c;

	trail_add(trail, AUDIT_KIND_START, "");
	a = trail_add_attempt(trail);
	b = trail_add_attempt(trail);
	c = trail_add_attempt(trail);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_opens(trail, 3, a, c);
	trail_add_end(trail, AUDIT_KIND_OUTCOME, a, b);
	/* Of some other line it is only said. */
	trail_add_end(trail, AUDIT_KIND_UNDELIVERED, b, b);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_opens(trail, 2, b, c);
	trail_add_end(trail, AUDIT_KIND_ORPHAN, b, c);
	trail_add_end(trail, AUDIT_KIND_OUTCOME, c, 0);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_opens(trail, 0, 0, 0);
}

static void an_open_attempt_is_found_far_back_in_the_file(void **state)
{
	struct trail *trail = *state;
	uint64_t a, b;

	trail_add_many(trail, 20000);
	a = trail_add_attempt(trail);
	b = trail_add_attempt(trail);
	trail_add_many(trail, 30000);
	trail_add_end(trail, AUDIT_KIND_OUTCOME, b, a);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_opens(trail, 1, a, a);
	trail_assert_head(trail, &trail->head);
}

/* Files of lines: an attempt in the second of five. */
static uint64_t make_five(struct trail *trail)
{
	uint64_t attempt;

	trail_add_many(trail, 2000);
	trail_save_older(trail);
	trail_add_many(trail, 2000);
	attempt = trail_add_attempt(trail);
	trail_add_many(trail, 2000);
	trail_save_older(trail);
	trail_add_many(trail, 3000);
	trail_save_older(trail);
	trail_add_many(trail, 5);
	trail_save_older(trail);
	trail_add_many(trail, 5);
	trail_save(trail);
	return attempt;
}

static void an_open_attempt_is_found_three_files_back(void **state)
{
	struct trail *trail = *state;
	const uint64_t attempt = make_five(trail);

	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_opens(trail, 1, attempt, attempt);
	trail_assert_head(trail, &trail->head);
	trail_add_end(trail, AUDIT_KIND_OUTCOME, attempt, 0);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_opens(trail, 0, 0, 0);
}

static void a_file_missing_between_the_attempt_and_the_end_is_refused(void **state)
{
	struct trail *trail = *state;
	char name[RECORD_NAME_MAX];

	(void)make_five(trail);
	audit_tail_name_older(6002, name);
	assert_int_equal(unlinkat(trail->directory, name, 0), 0);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
}

static void files_that_were_removed_with_their_attempts_are_not_missed(void **state)
{
	struct trail *trail = *state;
	char name[RECORD_NAME_MAX];

	(void)make_five(trail);
	audit_tail_name_older(1, name);
	assert_int_equal(unlinkat(trail->directory, name, 0), 0);
	audit_tail_name_older(2001, name);
	assert_int_equal(unlinkat(trail->directory, name, 0), 0);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_opens(trail, 0, 0, 0);
	trail_assert_head(trail, &trail->head);
}

static void an_older_file_that_was_changed_is_refused(void **state)
{
	struct trail *trail = *state;
	char name[RECORD_NAME_MAX];
	CLEANUP(fd_closep) int fd = FD_NONE;

	(void)make_five(trail);
	audit_tail_name_older(6002, name);
	fd = openat(trail->directory, name, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 300000), 1);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
	/* A line of which a step back looks, and one that is no file. */
	assert_int_equal(pwrite(fd, "xxx\nyyy\n", 8, 200000), 8);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
	assert_int_equal(unlinkat(trail->directory, name, 0), 0);
	assert_int_equal(symlinkat("elsewhere", trail->directory, name), 0);
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
}

static void without_a_current_file_the_newest_older_one_is_the_end(void **state)
{
	struct trail *trail = *state;
	uint64_t attempt;

	trail_add_many(trail, 3);
	trail_save_older(trail);
	attempt = trail_add_attempt(trail);
	trail_save_older(trail);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_head(trail, &trail->head);
	assert_false(trail->tail.has_file);
	assert_int_equal(trail->tail.first_seq, attempt);
	trail_assert_opens(trail, 1, attempt, attempt);
	/* The same when the current file was made, and no line of it is there. */
	trail_write_file(trail, RECORD_NAME, bytes_from_text(""));
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_head(trail, &trail->head);
	assert_true(trail->tail.has_file);
	assert_int_equal(trail->tail.size, 0);
	trail_write_file(trail, RECORD_NAME, bytes_from_text("{\"se"));
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_head(trail, &trail->head);
	assert_int_equal(trail->tail.cut, 4);
	trail_assert_opens(trail, 1, attempt, attempt);
}

static void the_torn_end_of_the_newest_older_file_is_named(void **state)
{
	struct trail *trail = *state;
	size_t len;

	trail_add_many(trail, 3);
	len = trail->text.len;
	assert_int_equal(buf_append_text(&trail->text, "{\"seq\":4"), STATUS_OK);
	trail_save_older(trail);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_head(trail, &trail->head);
	assert_int_equal(trail->tail.torn_seq, 1);
	assert_int_equal(trail->tail.torn_size, len);
	assert_int_equal(trail->tail.cut, 8);
}

static void a_torn_end_of_an_older_file_hides_no_attempt(void **state)
{
	struct trail *trail = *state;
	const uint64_t attempt = trail_add_attempt(trail);

	assert_int_equal(buf_append_text(&trail->text, "{\"seq\":2"), STATUS_OK);
	trail_save_older(trail);
	trail_add_many(trail, 3);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_OK);
	trail_assert_opens(trail, 1, attempt, attempt);
	assert_int_equal(trail->tail.torn_seq, 0);
}

static void an_older_file_without_a_line_is_refused(void **state)
{
	struct trail *trail = *state;
	char name[RECORD_NAME_MAX];

	audit_tail_name_older(1, name);
	trail_write_file(trail, name, bytes_from_text(""));
	assert_int_equal(trail_read_again(trail), STATUS_BAD_FILE);
}

static void more_open_attempts_than_an_agent_can_have_are_refused(void **state)
{
	struct trail *trail = *state;

	for (size_t i = 0; i <= OPENS_MAX; i++)
		(void)trail_add_attempt(trail);
	trail_save(trail);
	assert_int_equal(trail_read_again(trail), STATUS_NO_MEMORY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trail_set_up, trail_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(attempts_without_an_end_are_open),
		TEST(an_open_attempt_is_found_far_back_in_the_file),
		TEST(an_open_attempt_is_found_three_files_back),
		TEST(a_file_missing_between_the_attempt_and_the_end_is_refused),
		TEST(files_that_were_removed_with_their_attempts_are_not_missed),
		TEST(an_older_file_that_was_changed_is_refused),
		TEST(without_a_current_file_the_newest_older_one_is_the_end),
		TEST(the_torn_end_of_the_newest_older_file_is_named),
		TEST(a_torn_end_of_an_older_file_hides_no_attempt),
		TEST(an_older_file_without_a_line_is_refused),
		TEST(more_open_attempts_than_an_agent_can_have_are_refused),
	};

	log_init("test", LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
