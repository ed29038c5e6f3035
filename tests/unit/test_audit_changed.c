/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the record that somebody removes, replaces, cuts or adds to while we write: it
 * is found out, nothing is written to what is not ours, and an officer can mend it.
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
#include <sys/stat.h>
#include <unistd.h>

#include "clerk.h"
#include "clock_fake.h"
#include "disk_fake.h"
#include "util/buf.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	RETRY_MS = 250,
	FILE_MAX = 1 << 20,
	LOOK_MS = 200,
	TURNS_MAX = 200,
};

static int set_up(void **state)
{
	struct clerk *clerk = clerk_new_shared();

	clock_fake_reset();
	disk_fake_mend();
	clerk_open(clerk);
	(void)clerk_attempt(clerk);
	clerk_run(clerk, clerk_is_durable);
	*state = clerk;
	return 0;
}

static int tear_down(void **state)
{
	disk_fake_mend();
	clerk_free_shared(*state);
	clock_fake_reset();
	return 0;
}

static const char *current(const struct clerk *clerk)
{
	return clerk_path(clerk, "audit.jsonl");
}

static void move_away(const struct clerk *clerk)
{
	assert_int_equal(rename(current(clerk), clerk_path(clerk, "moved")), 0);
}

static void move_back(const struct clerk *clerk)
{
	assert_int_equal(rename(clerk_path(clerk, "moved"), current(clerk)), 0);
}

static void write_stranger(const struct clerk *clerk, const char *text)
{
	CLEANUP(fd_closep)
	int fd = open(current(clerk), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_int_equal(fd_write_all(fd, bytes_from_text(text)), STATUS_OK);
}

/* A seal, until it is told that there is no record. */
static void find_out(struct clerk *clerk)
{
	(void)clerk_seal(clerk, 2);
	clerk_run(clerk, clerk_is_refusing);
	assert_string_equal(
		audit_get_why(clerk->audit), status_text(STATUS_CHANGED_FILE));
	assert_true(clerk->n_seals == 0 || clerk->seals[0].is_dropped);
	assert_int_equal(clerk_attempt(clerk), 0);
	assert_int_equal(clerk_act(clerk), STATUS_NO_RECORD);
}

/* That nothing gets better by itself, and that nothing spins. */
static void wait_in_vain(struct clerk *clerk)
{
	const uint64_t n_turns = clerk->n_turns;

	clock_fake_pass_ms(60000);
	clerk_run_ms(clerk, LOOK_MS);
	assert_in_range(clerk->n_turns - n_turns, 1, TURNS_MAX);
	assert_true(clerk_is_refusing(clerk));
}

static void reopen(struct clerk *clerk)
{
	audit_reopen(clerk->audit);
	clerk_run(clerk, clerk_is_sealing);
	assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
	clerk_run(clerk, clerk_is_durable);
	assert_true(clerk->seals[clerk->n_seals - 1].is_released);
}

static void assert_file(
	const struct clerk *clerk, const char *name, const char *expected)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(FILE_MAX);

	assert_int_equal(fd_read_file(clerk_path(clerk, name), &text), STATUS_OK);
	assert_true(bytes_is_equal(buf_get(&text), bytes_from_text(expected)));
}

/* The current file is the first and only one that is read. */
static void assert_begins(const struct clerk *clerk, const char *kinds)
{
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};
	char found[64];

	ledger_read(&ledger, clerk->folder);
	ledger.n = 2;
	ledger_tell_kinds(&ledger, 2, sizeof(found), found);
	assert_string_equal(found, kinds);
}

static void a_file_that_was_moved_away_is_made_anew_when_an_officer_says_so(
	void **state)
{
	struct clerk *clerk = *state;

	move_away(clerk);
	find_out(clerk);
	wait_in_vain(clerk);
	reopen(clerk);
	assert_begins(clerk, "rotate resumed");
	assert_int_equal(unlink(clerk_path(clerk, "moved")), 0);
}

static void a_file_that_was_removed_is_made_anew_when_an_officer_says_so(void **state)
{
	struct clerk *clerk = *state;

	assert_int_equal(unlink(current(clerk)), 0);
	find_out(clerk);
	wait_in_vain(clerk);
	reopen(clerk);
	assert_begins(clerk, "rotate resumed");
}

static void a_file_that_came_back_is_gone_on_with(void **state)
{
	struct clerk *clerk = *state;

	move_away(clerk);
	find_out(clerk);
	move_back(clerk);
	wait_in_vain(clerk);
	reopen(clerk);
	clerk_judge(clerk);
}

static void a_strangers_file_is_never_written_to(void **state)
{
	struct clerk *clerk = *state;

	move_away(clerk);
	write_stranger(clerk, "mine\n");
	find_out(clerk);
	audit_reopen(clerk->audit);
	wait_in_vain(clerk);
	assert_file(clerk, "audit.jsonl", "mine\n");
	assert_int_equal(unlink(current(clerk)), 0);
	reopen(clerk);
	assert_int_equal(unlink(clerk_path(clerk, "moved")), 0);
}

static void what_is_no_file_at_all_is_not_opened(void **state)
{
	struct clerk *clerk = *state;

	move_away(clerk);
	assert_int_equal(symlink("moved", current(clerk)), 0);
	find_out(clerk);
	audit_reopen(clerk->audit);
	wait_in_vain(clerk);
	assert_int_equal(unlink(current(clerk)), 0);
	move_back(clerk);
	reopen(clerk);
	clerk_judge(clerk);
}

static void lines_that_others_add_are_not_built_on(void **state)
{
	struct clerk *clerk = *state;
	struct stat before, after;

	write_stranger(clerk, "theirs\n");
	assert_int_equal(stat(current(clerk), &before), 0);
	find_out(clerk);
	audit_reopen(clerk->audit);
	wait_in_vain(clerk);
	assert_int_equal(stat(current(clerk), &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	/* What they added is taken off again. */
	assert_int_equal(truncate(current(clerk), before.st_size - 7), 0);
	reopen(clerk);
	clerk_judge(clerk);
}

static void a_file_that_was_cut_is_not_gone_on_with(void **state)
{
	struct clerk *clerk = *state;

	assert_int_equal(truncate(current(clerk), 100), 0);
	find_out(clerk);
	audit_reopen(clerk->audit);
	wait_in_vain(clerk);
	/* Nothing of it is left: that may be gone on with, under another number. */
	assert_int_equal(truncate(current(clerk), 0), 0);
	reopen(clerk);
	assert_begins(clerk, "rotate resumed");
}

static void an_officer_is_heard_while_the_disk_is_busy(void **state)
{
	struct clerk *clerk = *state;

	disk_fake_hold();
	assert_true(clerk_seal(clerk, 2));
	clerk_run_ms(clerk, 20);
	assert_int_equal(unlink(current(clerk)), 0);
	(void)clerk_attempt(clerk);
	audit_flush(clerk->audit);
	assert_true(clerk_is_refusing(clerk));
	audit_reopen(clerk->audit);
	disk_fake_let_go();
	clerk_run(clerk, clerk_is_sealing);
	assert_begins(clerk, "rotate resumed");
}

static void an_officer_who_changes_nothing_harms_nothing(void **state)
{
	struct clerk *clerk = *state;

	audit_reopen(clerk->audit);
	assert_true(clerk_seal(clerk, 2));
	clerk_run(clerk, clerk_is_durable);
	disk_fake_hold();
	assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
	clerk_run_ms(clerk, 20);
	audit_reopen(clerk->audit);
	disk_fake_let_go();
	clerk_run(clerk, clerk_is_durable);
	assert_int_equal(clerk->n_failures, 0);
	clerk_judge(clerk);
}

static void a_new_file_that_cannot_be_made_is_tried_again(void **state)
{
	struct clerk *clerk = *state;

	assert_int_equal(unlink(current(clerk)), 0);
	find_out(clerk);
	disk_fake_plan(&(struct disk_plan){.call = DISK_OPEN,
		.nth = 1,
		.is_for_good = true,
		.status = STATUS_DISK_FULL});
	audit_reopen(clerk->audit);
	for (size_t i = 0; i < 5; i++) {
		clerk_run_ms(clerk, 20);
		clock_fake_pass_ms(RETRY_MS);
	}
	assert_true(clerk_is_refusing(clerk));
	assert_string_equal(audit_get_why(clerk->audit), status_text(STATUS_DISK_FULL));
	disk_fake_mend();
	clock_fake_pass_ms(RETRY_MS);
	clerk_run(clerk, clerk_is_sealing);
	assert_begins(clerk, "rotate resumed");
}

static void trouble_of_another_kind_ends_only_where_the_file_still_is(void **state)
{
	struct clerk *clerk = *state;

	disk_fake_plan(&(struct disk_plan){
		.call = DISK_APPEND, .nth = 1, .status = STATUS_IO});
	(void)clerk_attempt(clerk);
	audit_flush(clerk->audit);
	assert_true(clerk_is_refusing(clerk));
	move_away(clerk);
	clock_fake_pass_ms(RETRY_MS);
	clerk_run_ms(clerk, 20);
	assert_string_equal(
		audit_get_why(clerk->audit), status_text(STATUS_CHANGED_FILE));
	move_back(clerk);
	reopen(clerk);
	assert_int_equal(clerk_count(clerk, "resumed"), 1);
	clerk_judge(clerk);
}

static void at_intervals_what_was_not_synced_counts_for_nothing(void **state)
{
	struct clerk *clerk = *state;

	clerk->spec.sync = RECORD_SYNC_INTERVAL;
	move_away(clerk);
	assert_true(clerk_seal(clerk, 2));
	audit_flush(clerk->audit);
	clerk_run(clerk, clerk_is_refusing);
	assert_string_equal(
		audit_get_why(clerk->audit), status_text(STATUS_CHANGED_FILE));
	move_back(clerk);
	reopen(clerk);
	clerk_judge(clerk);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_was_moved_away_is_made_anew_when_an_officer_says_so),
		TEST(a_file_that_was_removed_is_made_anew_when_an_officer_says_so),
		TEST(a_file_that_came_back_is_gone_on_with),
		TEST(a_strangers_file_is_never_written_to),
		TEST(what_is_no_file_at_all_is_not_opened),
		TEST(lines_that_others_add_are_not_built_on),
		TEST(a_file_that_was_cut_is_not_gone_on_with),
		TEST(an_officer_is_heard_while_the_disk_is_busy),
		TEST(an_officer_who_changes_nothing_harms_nothing),
		TEST(a_new_file_that_cannot_be_made_is_tried_again),
		TEST(trouble_of_another_kind_ends_only_where_the_file_still_is),
		TEST(at_intervals_what_was_not_synced_counts_for_nothing),
	};

	log_init("test", LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
