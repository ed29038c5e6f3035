/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the record that end and begin, by size and by day, and what can go wrong then. */
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
#include "util/fd.h"
#include "util/log.h"

#define OLDER "audit-00000000000000000001.jsonl"

enum {
	MIB = 1 << 20,
	RETRY_MS = 250,
	DAY_S = 24 * 3600,
	HOUR_MS = 3600 * 1000,
	TEN_MINUTES_MS = 600 * 1000,
	SEALS_A_MIB = 1200, /* or a few less */
	FILES_MAX = 4,      /* a clock that jumps may make them */
	DIED = 70 << 8,
};

static int set_up(void **state)
{
	struct clerk *clerk = clerk_new_shared();

	clock_fake_reset();
	disk_fake_mend();
	clerk->spec.rotate_mib = 1;
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

static size_t count_files(const struct clerk *clerk)
{
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};

	ledger_read(&ledger, clerk->folder);
	return ledger.n_files;
}

/* Lines until the file is too long, each turn of them written at once. */
static void fill_file(struct clerk *clerk)
{
	const char *path;
	struct stat facts = {.st_size = 0};

	path = clerk_path(clerk, "audit.jsonl");
	while (facts.st_size < MIB) {
		for (size_t i = 0; i < 50; i++)
			assert_true(clerk_fail(clerk, clerk_attempt(clerk)));
		audit_flush(clerk->audit);
		clerk->n_given = 0;
		assert_int_equal(stat(path, &facts), 0);
	}
}

static bool has_two_files(const struct clerk *clerk)
{
	const char *path;

	path = clerk_path(clerk, OLDER);
	return access(path, F_OK) == 0 && !audit_has_lines(clerk->audit) &&
	       clerk_is_durable(clerk);
}

static void a_file_that_is_too_long_is_followed_by_another(void **state)
{
	struct clerk *clerk = *state;
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};
	CLEANUP(fd_closep) int fd = FD_NONE;
	char name[64];

	clerk_open(clerk);
	fill_file(clerk);
	clerk_run(clerk, has_two_files);
	assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
	clerk_run(clerk, clerk_is_durable);
	assert_true(clerk->seals[0].is_released);
	assert_int_equal(audit_open_file(clerk->audit, 1, name, &fd), STATUS_OK);
	assert_string_equal(name, OLDER);
	clerk_close(clerk);
	ledger_read(&ledger, clerk->folder);
	assert_int_equal(ledger.n_files, 2);
	assert_int_equal(ledger_count(&ledger, "rotate"), 1);
	clerk_assert_last(clerk, 4, "rotate attempt outcome stop");
	clerk_judge(clerk);
}

/* An attempt whose line waits for the new file, which hangs in the disk. */
static uint64_t wait_in_rotation(struct clerk *clerk)
{
	uint64_t attempt;

	disk_fake_hold();
	fill_file(clerk);
	for (;;) {
		attempt = clerk_attempt(clerk);
		audit_flush(clerk->audit);
		if (clerk->n_given == 0)
			return attempt;
		/* A sync was out before it: the rotation comes next. */
		clerk->n_given = 0;
		disk_fake_let_go();
		disk_fake_hold();
		clerk_run_ms(clerk, 20);
	}
}

static void lines_wait_for_the_file_that_is_on_its_way(void **state)
{
	struct clerk *clerk = *state;
	uint64_t attempt, other;

	clerk_open(clerk);
	attempt = clerk_attempt(clerk);
	clerk_run(clerk, clerk_is_durable);
	other = wait_in_rotation(clerk);
	assert_true(clerk_seal(clerk, attempt));
	audit_flush(clerk->audit);
	clerk_run_ms(clerk, 20);
	assert_false(audit_has_lines(clerk->audit));
	assert_int_equal(clerk->n_given, 0);
	disk_fake_let_go();
	clerk_run(clerk, has_two_files);
	clerk_run(clerk, clerk_is_durable);
	assert_int_equal(clerk->n_given, 1);
	assert_int_equal(clerk->given[0], other);
	assert_true(clerk->seals[0].is_released);
	clerk_assert_last(clerk, 3, "rotate attempt outcome");
	clerk_judge(clerk);
}

static void an_end_during_a_rotation_waits_for_the_new_file(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	(void)wait_in_rotation(clerk);
	disk_fake_let_go();
	clerk_close(clerk);
	clerk_assert_last(clerk, 4, "rotate attempt orphan stop");
	clerk_judge(clerk);
}

static void under_load_files_do_not_grow_much_beyond_their_length(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	for (size_t i = 0; i < 5; i++) {
		for (size_t j = 0; j < SEALS_A_MIB; j++) {
			assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
			/* There is always something that waits for a sync. */
			if (j % 50 == 0)
				clerk_run_ms(clerk, 10);
		}
		clerk->n_given = 0;
	}
	clerk_run(clerk, clerk_is_durable);
	assert_in_range(count_files(clerk), 4, 6);
	assert_int_equal(clerk->n_failures, 0);
	clerk_judge(clerk);
}

static void a_day_that_has_ended_ends_its_file(void **state)
{
	struct clerk *clerk = *state;

	clerk->spec.is_daily = true;
	clerk_open(clerk);
	clerk_run_ms(clerk, 20);
	assert_int_equal(count_files(clerk), 1);
	clock_fake_set_off_s(DAY_S);
	clock_fake_pass_ms((uint64_t)DAY_S * 1000);
	clerk_run(clerk, has_two_files);
	clerk_run_ms(clerk, 20);
	assert_int_equal(count_files(clerk), 2);
	clerk_judge(clerk);
}

static void a_start_goes_on_in_the_file_of_its_day(void **state)
{
	struct clerk *clerk = *state;

	clerk->spec.is_daily = true;
	clerk_open(clerk);
	clerk_close(clerk);
	clerk_open(clerk);
	clerk_run_ms(clerk, 20);
	clerk_close(clerk);
	assert_int_equal(count_files(clerk), 1);
	/* It began yesterday, though it was written to today. */
	clock_fake_set_off_s(DAY_S);
	clerk_open(clerk);
	clerk_close(clerk);
	clerk_open(clerk);
	clerk_run(clerk, has_two_files);
	clerk_judge(clerk);
}

static void a_clock_that_jumps_makes_few_files(void **state)
{
	struct clerk *clerk = *state;

	clerk->spec.is_daily = true;
	clerk_open(clerk);
	for (int i = 0; i < 100; i++) {
		clock_fake_set_off_s(i % 2 == 0 ? 10 * DAY_S : -10 * DAY_S);
		(void)clerk_refuse(clerk, 1000, STATUS_DENIED);
		clerk_run_ms(clerk, 1);
	}
	clerk_run(clerk, clerk_is_durable);
	assert_in_range(count_files(clerk), 1, FILES_MAX);
	/* And the day it shows in the end ends like any other. */
	clock_fake_set_off_s(-9 * DAY_S);
	clock_fake_pass_ms(HOUR_MS);
	clerk_run_ms(clerk, 50);
	clerk_run(clerk, clerk_is_durable);
	assert_in_range(count_files(clerk), 2, FILES_MAX);
	clerk_judge(clerk);
}

static void put_in_the_way(const struct clerk *clerk)
{
	const char *path;
	CLEANUP(fd_closep) int fd = FD_NONE;

	path = clerk_path(clerk, OLDER);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
}

static void take_out_of_the_way(const struct clerk *clerk)
{
	const char *path;

	path = clerk_path(clerk, OLDER);
	assert_int_equal(unlink(path), 0);
}

static void a_rotation_that_cannot_be_is_put_off_and_seals_are_made(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	put_in_the_way(clerk);
	fill_file(clerk);
	clerk_run_ms(clerk, 50);
	assert_true(clerk_is_sealing(clerk));
	assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
	clerk_run(clerk, clerk_is_durable);
	assert_true(clerk->seals[0].is_released);
	take_out_of_the_way(clerk);
	clerk_run_ms(clerk, 50);
	assert_int_equal(count_files(clerk), 1);
	clock_fake_pass_ms(TEN_MINUTES_MS);
	clerk_run(clerk, has_two_files);
	clerk_judge(clerk);
}

static void each_step_of_a_rotation_can_fail_once(void **state)
{
	static const enum disk_call calls[] = {DISK_TRUNCATE, DISK_RENAME, DISK_OPEN};
	struct clerk *clerk = *state;

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		clerk_open(clerk);
		disk_fake_plan(&(struct disk_plan){
			.call = calls[i], .nth = 1, .status = STATUS_DISK_FULL});
		fill_file(clerk);
		clerk_run_ms(clerk, 50);
		assert_true(disk_fake_has_failed());
		clock_fake_pass_ms(RETRY_MS);
		clerk_run(clerk, clerk_is_sealing);
		clock_fake_pass_ms(TEN_MINUTES_MS);
		clerk_run_ms(clerk, 50);
		assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
		clerk_run(clerk, clerk_is_durable);
		clerk_close(clerk);
		assert_int_equal(count_files(clerk), i + 2);
	}
	clerk_judge(clerk);
}

static void lose_the_file(struct clerk *clerk)
{
	clerk_open(clerk);
	disk_fake_plan(&(struct disk_plan){.call = DISK_OPEN,
		.nth = 1,
		.is_for_good = true,
		.status = STATUS_DISK_FULL});
	fill_file(clerk);
	clerk_run(clerk, clerk_is_refusing);
}

static void without_a_new_file_officers_still_have_the_old(void **state)
{
	struct clerk *clerk = *state;

	lose_the_file(clerk);
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	assert_int_equal(clerk_attempt(clerk), 0);
	clock_fake_pass_ms(RETRY_MS);
	clerk_run_ms(clerk, 20);
	assert_true(clerk_is_refusing(clerk));
	assert_int_equal(clerk_count(clerk, "officer"), 1);
	disk_fake_mend();
	clock_fake_pass_ms(RETRY_MS);
	clerk_run(clerk, clerk_is_sealing);
	clerk_run(clerk, clerk_is_durable);
	clerk_assert_last(clerk, 4, "full officer rotate resumed");
	clerk_judge(clerk);
}

static void an_act_while_the_new_file_is_being_made_is_not_lost(void **state)
{
	struct clerk *clerk = *state;

	lose_the_file(clerk);
	disk_fake_hold();
	clock_fake_pass_ms(RETRY_MS);
	clerk_run_ms(clerk, 50);
	/* The old file is being synced for the last time: nothing is written there now. */
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	assert_int_equal(clerk_count(clerk, "officer"), 0);
	disk_fake_let_go();
	clerk_run_ms(clerk, 50);
	assert_int_equal(clerk_count(clerk, "officer"), 1);
	disk_fake_mend();
	clock_fake_pass_ms(RETRY_MS);
	clerk_run(clerk, clerk_is_sealing);
	clerk_judge(clerk);
}

static void a_strangers_file_in_place_of_the_new_one_is_left_alone(void **state)
{
	const char *path;
	struct clerk *clerk = *state;
	CLEANUP(fd_closep) int fd = FD_NONE;

	lose_the_file(clerk);
	path = clerk_path(clerk, "audit.jsonl");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "mine\n", 5), 5);
	disk_fake_mend();
	clock_fake_pass_ms(RETRY_MS);
	clerk_run_ms(clerk, 50);
	assert_string_equal(
		audit_get_why(clerk->audit), status_text(STATUS_CHANGED_FILE));
	assert_int_equal(unlink(path), 0);
	audit_reopen(clerk->audit);
	clerk_run(clerk, clerk_is_sealing);
	clerk_judge(clerk);
}

static void live_until_a_directory_is_not_synced(struct clerk *clerk)
{
	clerk_open(clerk);
	disk_fake_plan(&(struct disk_plan){
		.call = DISK_SYNC_DIRECTORY, .nth = 1, .status = STATUS_IO});
	fill_file(clerk);
	clerk_run_ms(clerk, 10000);
}

static void live_until_the_new_file_is_lost(struct clerk *clerk)
{
	const char *path;
	CLEANUP(fd_closep) int fd = FD_NONE;

	lose_the_file(clerk);
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	/* A power cut leaves half of what the officer did. */
	path = clerk_path(clerk, OLDER);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "{\"seq\":", 7), 7);
}

static void a_directory_that_is_not_synced_ends_the_process(void **state)
{
	struct clerk *clerk = *state;

	assert_int_equal(clerk_live(clerk, live_until_a_directory_is_not_synced), DIED);
	/* The new file was made, and is empty. */
	clerk_open(clerk);
	clerk_run(clerk, clerk_is_durable);
	clerk_assert_last(clerk, 2, "rotate start");
	clerk_judge(clerk);
}

static void a_start_makes_the_file_that_was_lost(void **state)
{
	struct clerk *clerk = *state;

	assert_int_equal(clerk_live(clerk, live_until_the_new_file_is_lost), 0);
	disk_fake_mend();
	clerk_open(clerk);
	clerk_assert_last(clerk, 4, "full officer rotate start");
	assert_int_equal(count_files(clerk), 2);
	clerk_judge(clerk);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_is_too_long_is_followed_by_another),
		TEST(lines_wait_for_the_file_that_is_on_its_way),
		TEST(an_end_during_a_rotation_waits_for_the_new_file),
		TEST(under_load_files_do_not_grow_much_beyond_their_length),
		TEST(a_day_that_has_ended_ends_its_file),
		TEST(a_start_goes_on_in_the_file_of_its_day),
		TEST(a_clock_that_jumps_makes_few_files),
		TEST(a_rotation_that_cannot_be_is_put_off_and_seals_are_made),
		TEST(each_step_of_a_rotation_can_fail_once),
		TEST(without_a_new_file_officers_still_have_the_old),
		TEST(an_act_while_the_new_file_is_being_made_is_not_lost),
		TEST(a_strangers_file_in_place_of_the_new_one_is_left_alone),
		TEST(a_directory_that_is_not_synced_ends_the_process),
		TEST(a_start_makes_the_file_that_was_lost),
	};

	log_init("test", LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
