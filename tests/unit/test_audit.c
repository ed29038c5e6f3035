/* SPDX-License-Identifier: Apache-2.0 */
/* The record on a disk that is well: what is added, told, and found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clerk.h"
#include "clock_fake.h"
#include "policy/refusals.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	MANY = 1000,
	MINUTE_MS = 60000,
	YEAR_S = 365 * 24 * 3600,
};

static int set_up(void **state)
{
	clock_fake_reset();
	*state = clerk_new_shared();
	return 0;
}

static int tear_down(void **state)
{
	clock_fake_reset();
	clerk_free_shared(*state);
	return 0;
}

static void a_new_record_begins_with_a_start_and_ends_with_a_stop(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	assert_int_equal(audit_get_status(clerk->audit), STATUS_OK);
	assert_string_equal(audit_get_why(clerk->audit), "");
	assert_int_equal(audit_get_n_lines(clerk->audit), 1);
	assert_true(audit_waits_for_sync(clerk->audit));
	assert_false(audit_has_lines(clerk->audit));
	clerk_assert_last(clerk, 9, "start");
	clerk_close(clerk);
	clerk_assert_last(clerk, 9, "start stop");
	clerk_open(clerk);
	clerk_close(clerk);
	clerk_assert_last(clerk, 9, "start stop start stop");
	clerk_close(clerk);
}

static void an_attempt_is_told_when_it_is_written_and_its_seal_when_it_is_durable(
	void **state)
{
	struct clerk *clerk = *state;
	uint64_t attempt;

	clerk_open(clerk);
	attempt = clerk_attempt(clerk);
	assert_int_equal(attempt, 2);
	assert_true(audit_has_lines(clerk->audit));
	assert_int_equal(clerk->n_given, 0);
	audit_flush(clerk->audit);
	assert_int_equal(clerk->n_given, 1);
	assert_int_equal(clerk->written, 2);
	assert_true(clerk_seal(clerk, attempt));
	audit_flush(clerk->audit);
	assert_int_equal(clerk->written, 3);
	assert_false(clerk->seals[0].is_released);
	clerk_run(clerk, clerk_is_durable);
	assert_true(clerk->seals[0].is_released);
	assert_int_equal(clerk->n_failures, 0);
	clerk_close(clerk);
	clerk_assert_last(clerk, 9, "start attempt outcome stop");
}

static void at_intervals_a_seal_is_told_when_it_is_written(void **state)
{
	struct clerk *clerk = *state;

	clerk->spec.sync = RECORD_SYNC_INTERVAL;
	clerk_open(clerk);
	assert_false(audit_waits_for_sync(clerk->audit));
	assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
	audit_flush(clerk->audit);
	assert_true(clerk->seals[0].is_released);
	assert_int_equal(clerk->durable, 1);
	clerk_run(clerk, clerk_is_durable);
	assert_int_equal(clerk->durable, 3);
}

static void what_nobody_waits_for_is_synced_all_the_same(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	(void)clerk_attempt(clerk);
	audit_flush(clerk->audit);
	clerk_run(clerk, clerk_is_durable);
	assert_int_equal(clerk->durable, 2);
}

static void many_seals_share_a_sync(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	for (size_t i = 0; i < MANY; i++)
		assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
	clerk_run(clerk, clerk_is_durable);
	for (size_t i = 0; i < MANY; i++)
		assert_true(clerk->seals[i].is_released);
	clerk_judge(clerk);
}

static void live_with_open_attempts(struct clerk *clerk)
{
	clerk_open(clerk);
	for (size_t i = 0; i < 10; i++)
		(void)clerk_attempt(clerk);
	clerk_run(clerk, clerk_is_durable);
	assert_true(clerk_seal(clerk, 5));
	assert_true(clerk_fail(clerk, 3));
	clerk_run(clerk, clerk_is_durable);
	/* And one more that nobody is told of. */
	(void)clerk_attempt(clerk);
}

static void a_crash_leaves_orphans_which_the_next_start_names(void **state)
{
	struct clerk *clerk = *state;
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};

	assert_int_equal(clerk_live(clerk, live_with_open_attempts), 0);
	clerk_open(clerk);
	ledger_read(&ledger, clerk->folder);
	assert_int_equal(ledger_count(&ledger, "orphan"), 8);
	assert_int_equal(ledger_count_open(&ledger), 0);
	assert_non_null(ledger_find(&ledger, "orphan", 2));
	assert_null(ledger_find(&ledger, "orphan", 3));
	assert_null(ledger_find(&ledger, "orphan", 5));
	clerk_close(clerk);
	clerk_judge(clerk);
}

static void a_stop_leaves_orphans_too(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	(void)clerk_attempt(clerk);
	audit_flush(clerk->audit);
	(void)clerk_attempt(clerk);
	/* Its outcome is on its way when the end comes. */
	assert_true(clerk_fail(clerk, clerk_attempt(clerk)));
	clerk_close(clerk);
	clerk_assert_last(
		clerk, 99, "start attempt attempt attempt outcome orphan orphan stop");
	clerk_judge(clerk);
}

static void the_first_refusals_have_lines_and_the_others_a_sum(void **state)
{
	struct clerk *clerk = *state;
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};
	size_t n_lines = 0;

	clerk_open(clerk);
	for (size_t i = 0; i < MANY; i++)
		n_lines += clerk_refuse(clerk, 1000, STATUS_DENIED);
	assert_int_equal(n_lines, REFUSALS_SINGLE_MAX);
	clerk_run(clerk, clerk_is_durable);
	clerk_assert_last(clerk, 2, "refusal refusal");
	/* In a minute. */
	clock_fake_pass_ms(2 * MINUTE_MS);
	clock_fake_set_off_s(120);
	clerk_run_ms(clerk, 50);
	clerk_run(clerk, clerk_is_durable);
	clerk_assert_last(clerk, 2, "refusal refusals");
	/* And at the end. */
	for (size_t i = 0; i < MANY; i++)
		(void)clerk_refuse(clerk, 1001, STATUS_DENIED);
	clerk_close(clerk);
	ledger_read(&ledger, clerk->folder);
	assert_int_equal(ledger_count(&ledger, "refusals"), 2);
	assert_int_equal(ledger_count_refusals(&ledger), clerk->n_refusals);
}

static bool has_told_flood(const struct clerk *clerk)
{
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};

	ledger_read(&ledger, clerk->folder);
	return ledger_count(&ledger, "refusals") > 0;
}

static void a_sum_comes_while_seals_are_made_without_a_pause(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	for (size_t i = 0; i < MANY; i++)
		(void)clerk_refuse(clerk, 1000, STATUS_DENIED);
	clerk_run(clerk, clerk_is_durable);
	clock_fake_set_off_s(61);
	clock_fake_pass_ms(61000);
	for (size_t i = 0; i < MANY && !has_told_flood(clerk); i++) {
		/* There is always a sync out: no timer of it ever ends. */
		assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
		audit_flush(clerk->audit);
	}
	assert_true(has_told_flood(clerk));
}

/* With what was added before it in this turn, though the turn has not ended. */
static void an_act_is_in_the_record_before_it_is_answered(void **state)
{
	struct clerk *clerk = *state;
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};

	clerk_open(clerk);
	(void)clerk_attempt(clerk);
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	ledger_read(&ledger, clerk->folder);
	assert_int_equal(ledger_count(&ledger, "attempt"), 1);
	assert_int_equal(ledger_count(&ledger, "officer"), 1);
	clerk_close(clerk);
}

static void an_act_a_peer_and_a_checkpoint_are_lines(void **state)
{
	struct clerk *clerk = *state;
	const struct audit_peer_event event = {.event = "peer-changed",
		.who = {.client = "api", .uid = 1, .pid = 2, .unit = ""},
		.has_other = true,
		.other = 3};
	uint8_t hash[ENTRY_HASH_LEN];
	uint64_t seq = 0;

	clerk_open(clerk);
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	audit_add_peer_event(clerk->audit, &event);
	assert_int_equal(audit_add_checkpoint(clerk->audit, 1,
				 bytes_from_text("zegel/audit\n\xe2\x80\x94 x\n")),
		STATUS_OK);
	audit_flush(clerk->audit);
	audit_get_head(clerk->audit, &seq, hash);
	assert_int_equal(seq, 4);
	clerk_assert_last(clerk, 9, "start officer peer checkpoint");
}

static void a_seal_that_was_not_delivered_is_a_line(void **state)
{
	struct clerk *clerk = *state;
	uint64_t attempt;

	clerk_open(clerk);
	attempt = clerk_attempt(clerk);
	assert_true(clerk_seal(clerk, attempt));
	clerk_run(clerk, clerk_is_durable);
	audit_add_undelivered(clerk->audit, attempt, "FORGOTTEN");
	clerk_run(clerk, clerk_is_durable);
	clerk_assert_last(clerk, 9, "start attempt outcome undelivered");
}

static void a_wrong_clock_stops_nothing(void **state)
{
	static const int64_t years[] = {-2000, -60, 80, 9000, 200000};
	struct clerk *clerk = *state;

	clerk->spec.is_daily = true;
	for (size_t i = 0; i < ARRAY_LEN(years); i++) {
		clock_fake_set_off_s(years[i] * YEAR_S);
		clerk_open(clerk);
		for (size_t j = 0; j < 2 * REFUSALS_SINGLE_MAX; j++)
			(void)clerk_refuse(clerk, 1000, STATUS_DENIED);
		assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
		clerk_run(clerk, clerk_is_durable);
		clerk_close(clerk);
	}
	clock_fake_reset();
	clerk_judge(clerk);
}

static void only_one_agent_writes_to_a_record(void **state)
{
	struct clerk *clerk = *state;
	struct clerk *other = clerk_new_shared();

	clerk_open(clerk);
	other->spec.directory = clerk->folder;
	assert_int_equal(clerk_try_open(other), STATUS_IN_USE);
	clerk_close(clerk);
	assert_int_equal(clerk_try_open(other), STATUS_OK);
	clerk_close(other);
	other->spec.directory = other->folder;
	clerk_free_shared(other);
}

static void a_directory_that_others_can_change_is_refused(void **state)
{
	static char missing[] = "/nowhere";
	static char no_directory[] = "/etc/passwd";
	struct clerk *clerk = *state;

	assert_int_equal(chmod(clerk->folder, 0770), 0);
	assert_int_equal(clerk_try_open(clerk), STATUS_BAD_FILE);
	assert_int_equal(chmod(clerk->folder, 0702), 0);
	assert_int_equal(clerk_try_open(clerk), STATUS_BAD_FILE);
	assert_int_equal(chmod(clerk->folder, 0700), 0);
	clerk->spec.directory = missing;
	assert_int_equal(clerk_try_open(clerk), STATUS_NO_RECORD);
	clerk->spec.directory = no_directory;
	assert_int_equal(clerk_try_open(clerk), STATUS_NO_RECORD);
	clerk->spec.directory = clerk->folder;
}

static void a_directory_of_another_user_is_refused(void **state)
{
	struct clerk *clerk = *state;

	if (geteuid() != 0) {
		print_message("skipped: only root can give a directory away\n");
		skip();
	}
	assert_int_equal(chown(clerk->folder, 12345, 12345), 0);
	assert_int_equal(clerk_try_open(clerk), STATUS_BAD_FILE);
	assert_int_equal(chown(clerk->folder, 0, 0), 0);
}

static void a_record_that_was_changed_is_not_gone_on_with(void **state)
{
	struct clerk *clerk = *state;
	const char *path = clerk_path(clerk, "audit.jsonl");

	clerk_open(clerk);
	clerk_close(clerk);
	{
		CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

		assert_int_equal(pwrite(fd, "5", 1, 7), 1);
	}
	assert_int_equal(clerk_try_open(clerk), STATUS_BAD_FILE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(clerk_try_open(clerk), STATUS_BAD_FILE);
	assert_int_equal(unlink(path), 0);
	clerk_judge(clerk);
}

static void the_files_can_be_read_while_they_grow(void **state)
{
	struct clerk *clerk = *state;
	CLEANUP(fd_closep) int current = FD_NONE;
	char name[64] = "";
	char text[8] = "";
	int other = 12345;

	clerk_open(clerk);
	assert_int_equal(audit_open_file(clerk->audit, 0, name, &current), STATUS_OK);
	assert_string_equal(name, "audit.jsonl");
	assert_int_equal(read(current, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_string_equal(text, "{\"seq\":");
	assert_int_equal(write(current, "x", 1), -1);
	assert_int_equal(
		audit_open_file(clerk->audit, 1, name, &other), STATUS_NOT_FOUND);
	assert_int_equal(other, 12345);
}

static void a_turn_that_is_too_full_takes_no_more_and_loses_nothing(void **state)
{
	struct clerk *clerk = *state;
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};
	uint64_t attempt;
	uint64_t n = 0;

	clerk_open(clerk);
	attempt = clerk_attempt(clerk);
	clerk_run(clerk, clerk_is_durable);
	while (clerk_fail(clerk, attempt) || n == 0) {
		attempt = clerk_attempt(clerk);
		clerk->n_ready = 0;
		if (attempt == 0)
			break;
		n++;
	}
	/* Whatever came last could not be added: it is caught up with. */
	for (size_t i = 0; i < 2 * REFUSALS_SINGLE_MAX; i++)
		(void)clerk_refuse(clerk, 1000, STATUS_DENIED);
	assert_int_equal(clerk_act(clerk), STATUS_NO_RECORD);
	clerk_run(clerk, clerk_is_durable);
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	clerk_close(clerk);
	ledger_read(&ledger, clerk->folder);
	assert_true(n > MANY);
	assert_int_equal(ledger_count(&ledger, "attempt"), n + 1);
	assert_int_equal(ledger_count_open(&ledger), 0);
	assert_int_equal(ledger_count_refusals(&ledger), clerk->n_refusals);
	assert_int_equal(ledger_count(&ledger, "officer"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_new_record_begins_with_a_start_and_ends_with_a_stop),
		TEST(an_attempt_is_told_when_it_is_written_and_its_seal_when_it_is_durable),
		TEST(at_intervals_a_seal_is_told_when_it_is_written),
		TEST(what_nobody_waits_for_is_synced_all_the_same),
		TEST(many_seals_share_a_sync),
		TEST(a_crash_leaves_orphans_which_the_next_start_names),
		TEST(a_stop_leaves_orphans_too),
		TEST(the_first_refusals_have_lines_and_the_others_a_sum),
		TEST(a_sum_comes_while_seals_are_made_without_a_pause),
		TEST(an_act_is_in_the_record_before_it_is_answered),
		TEST(an_act_a_peer_and_a_checkpoint_are_lines),
		TEST(a_seal_that_was_not_delivered_is_a_line),
		TEST(a_wrong_clock_stops_nothing),
		TEST(only_one_agent_writes_to_a_record),
		TEST(a_directory_that_others_can_change_is_refused),
		TEST(a_directory_of_another_user_is_refused),
		TEST(a_record_that_was_changed_is_not_gone_on_with),
		TEST(the_files_can_be_read_while_they_grow),
		TEST(a_turn_that_is_too_full_takes_no_more_and_loses_nothing),
	};

	log_init("test", LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
