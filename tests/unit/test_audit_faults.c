/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails under the record: nothing is released without its line, who waits is
 * told at once, and it goes on by itself when the disk is well again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clerk.h"
#include "clock_fake.h"
#include "disk_fake.h"
#include "policy/refusals.h"
#include "util/log.h"

enum {
	RETRY_MS = 250,
	STALL_MS = 2000,
	LOOK_MS = 200,   /* of real time, to see that something does not happen */
	TURNS_MAX = 200, /* of the loop in that time, if it does not spin */
	DIED = 70 << 8,  /* as waitpid() says it */
};

static int set_up(void **state)
{
	clock_fake_reset();
	disk_fake_mend();
	*state = clerk_new_shared();
	return 0;
}

static int tear_down(void **state)
{
	disk_fake_mend();
	clerk_free_shared(*state);
	clock_fake_reset();
	return 0;
}

static void fail_for_good(enum disk_call call, enum status status)
{
	disk_fake_plan(&(struct disk_plan){
		.call = call, .nth = 1, .is_for_good = true, .status = status});
}

static void fail_once(enum disk_call call, enum status status)
{
	disk_fake_plan(&(struct disk_plan){.call = call, .nth = 1, .status = status});
}

/* An attempt that is given, in a record that is open. */
static uint64_t open_with_attempt(struct clerk *clerk)
{
	uint64_t attempt;

	clerk_open(clerk);
	attempt = clerk_attempt(clerk);
	clerk_run(clerk, clerk_is_durable);
	return attempt;
}

/* More than what is set aside in advance needs another piece of the disk. */
static void use_up_what_is_set_aside(struct clerk *clerk)
{
	while (disk_fake_count(DISK_RESERVE) == 0) {
		for (size_t i = 0; i < 100; i++)
			assert_true(clerk_fail(clerk, clerk_attempt(clerk)));
		audit_flush(clerk->audit);
		clerk->n_given = 0;
	}
}

static void on_a_full_disk_nothing_is_sealed_until_there_is_space(void **state)
{
	struct clerk *clerk = *state;
	const uint64_t attempt = open_with_attempt(clerk);

	fail_for_good(DISK_RESERVE, STATUS_DISK_FULL);
	use_up_what_is_set_aside(clerk);
	assert_int_equal(audit_get_status(clerk->audit), STATUS_NO_RECORD);
	assert_string_equal(audit_get_why(clerk->audit), status_text(STATUS_DISK_FULL));
	assert_int_equal(clerk->n_failures, 1);
	assert_int_equal(clerk_attempt(clerk), 0);
	assert_false(clerk_seal(clerk, attempt));
	for (size_t i = 0; i < 20; i++) {
		clock_fake_pass_ms(RETRY_MS);
		clerk_run_ms(clerk, 10);
	}
	/* It says so once, however often it is tried. */
	assert_int_equal(clerk_count(clerk, "full"), 1);
	assert_int_equal(clerk_count(clerk, "resumed"), 0);
	disk_fake_mend();
	clock_fake_pass_ms(RETRY_MS);
	clerk_run(clerk, clerk_is_sealing);
	clerk_run(clerk, clerk_is_durable);
	clerk_assert_last(clerk, 3, "full resumed orphan");
	assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
	clerk_run(clerk, clerk_is_durable);
	assert_true(clerk->seals[0].is_released);
	clerk_judge(clerk);
}

static void what_an_officer_does_on_a_full_disk_is_a_line(void **state)
{
	struct clerk *clerk = *state;

	(void)open_with_attempt(clerk);
	fail_for_good(DISK_RESERVE, STATUS_DISK_FULL);
	use_up_what_is_set_aside(clerk);
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	clerk_run(clerk, clerk_is_durable);
	clerk_assert_last(clerk, 3, "full officer officer");
}

static void an_act_of_the_turn_that_fills_the_disk_is_a_line(void **state)
{
	struct clerk *clerk = *state;

	(void)open_with_attempt(clerk);
	fail_once(DISK_APPEND, STATUS_DISK_FULL);
	(void)clerk_attempt(clerk);
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	audit_flush(clerk->audit);
	assert_true(clerk_is_refusing(clerk));
	clerk_assert_last(clerk, 4, "start attempt full officer");
}

static void an_act_that_cannot_be_a_line_is_refused(void **state)
{
	static const enum status statuses[] = {STATUS_DISK_FULL, STATUS_IO};
	struct clerk *clerk = *state;

	(void)open_with_attempt(clerk);
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		fail_for_good(DISK_APPEND, statuses[i]);
		(void)clerk_attempt(clerk);
		audit_flush(clerk->audit);
		assert_int_equal(clerk_act(clerk), STATUS_NO_RECORD);
		disk_fake_mend();
		clock_fake_pass_ms(RETRY_MS);
		clerk_run(clerk, clerk_is_sealing);
	}
	assert_int_equal(clerk_count(clerk, "officer"), 0);
	clerk_judge(clerk);
}

static void half_a_write_is_taken_back_whole(void **state)
{
	static const enum status statuses[] = {
		STATUS_IO, STATUS_DISK_FULL, STATUS_READ_ONLY};
	struct clerk *clerk = *state;
	uint64_t attempt = open_with_attempt(clerk);

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		const uint32_t n_failures = clerk->n_failures;

		disk_fake_plan(&(struct disk_plan){.call = DISK_APPEND,
			.nth = 1,
			.status = statuses[i],
			.is_half = true});
		(void)clerk_attempt(clerk);
		assert_true(clerk_seal(clerk, attempt));
		assert_int_equal(clerk_act(clerk), STATUS_OK);
		audit_flush(clerk->audit);
		assert_int_equal(clerk->n_failures, n_failures + 1);
		assert_true(clerk->seals[i].is_dropped);
		assert_string_equal(
			audit_get_why(clerk->audit), status_text(statuses[i]));
		clock_fake_pass_ms(RETRY_MS);
		clerk_run(clerk, clerk_is_sealing);
		attempt = clerk_attempt(clerk);
		clerk_run(clerk, clerk_is_durable);
	}
	/* What an officer did is there each time: he was told that it would be. */
	assert_int_equal(clerk_count(clerk, "officer"), ARRAY_LEN(statuses));
	clerk_judge(clerk);
}

static void half_a_line_that_cannot_be_cut_is_cut_later(void **state)
{
	struct clerk *clerk = *state;
	const uint64_t attempt = open_with_attempt(clerk);

	disk_fake_plan(&(struct disk_plan){.call = DISK_APPEND,
		.nth = 1,
		.status = STATUS_DISK_FULL,
		.is_half = true,
		.is_stuck = true});
	assert_true(clerk_seal(clerk, attempt));
	audit_flush(clerk->audit);
	/* Nothing is written behind half a line, not even what an officer does. */
	assert_int_equal(clerk_act(clerk), STATUS_NO_RECORD);
	for (size_t i = 0; i < 5; i++) {
		clock_fake_pass_ms(RETRY_MS);
		clerk_run_ms(clerk, 10);
		assert_true(clerk_is_refusing(clerk));
	}
	disk_fake_mend();
	clock_fake_pass_ms(RETRY_MS);
	clerk_run(clerk, clerk_is_sealing);
	clerk_run(clerk, clerk_is_durable);
	clerk_judge(clerk);
}

static void what_was_not_delivered_is_told_when_it_can_be(void **state)
{
	struct clerk *clerk = *state;
	const uint64_t attempt = open_with_attempt(clerk);

	assert_true(clerk_seal(clerk, attempt));
	clerk_run(clerk, clerk_is_durable);
	fail_for_good(DISK_APPEND, STATUS_IO);
	(void)clerk_attempt(clerk);
	audit_flush(clerk->audit);
	audit_add_undelivered(clerk->audit, attempt, "FORGOTTEN");
	assert_int_equal(clerk_count(clerk, "undelivered"), 0);
	disk_fake_mend();
	clock_fake_pass_ms(RETRY_MS);
	clerk_run(clerk, clerk_is_sealing);
	assert_int_equal(clerk_count(clerk, "undelivered"), 1);
	/* And one that was among lines which had to be taken back. */
	audit_add_undelivered(clerk->audit, attempt, "FORGOTTEN");
	fail_once(DISK_APPEND, STATUS_IO);
	audit_flush(clerk->audit);
	clock_fake_pass_ms(RETRY_MS);
	clerk_run(clerk, clerk_is_sealing);
	assert_int_equal(clerk_count(clerk, "undelivered"), 2);
}

static void refusals_without_a_record_are_counted_to_the_last(void **state)
{
	struct clerk *clerk = *state;
	CLEANUP(ledger_deinit) struct ledger ledger = {.n = 0};

	(void)open_with_attempt(clerk);
	fail_for_good(DISK_APPEND, STATUS_IO);
	for (size_t i = 0; i < 2 * REFUSALS_SINGLE_MAX; i++) {
		(void)clerk_refuse(clerk, 1000, STATUS_DENIED);
		audit_flush(clerk->audit);
		(void)clerk_refuse(clerk, 1001, STATUS_NO_RECORD);
	}
	audit_add_peer_event(
		clerk->audit, &(struct audit_peer_event){.event = "peer-unclear",
				      .who = {.client = "", .unit = ""}});
	disk_fake_mend();
	clock_fake_pass_ms(RETRY_MS);
	clerk_run(clerk, clerk_is_sealing);
	clerk_close(clerk);
	ledger_read(&ledger, clerk->folder);
	/* The peer is counted with them. */
	assert_int_equal(ledger_count_refusals(&ledger), clerk->n_refusals + 1);
}

static void live_until_a_sync_fails(struct clerk *clerk)
{
	const uint64_t attempt = open_with_attempt(clerk);

	fail_once(DISK_SYNC, STATUS_IO);
	assert_true(clerk_seal(clerk, attempt));
	clerk_run_ms(clerk, 10000);
}

static void a_failed_sync_is_never_tried_again(void **state)
{
	struct clerk *clerk = *state;

	assert_int_equal(clerk_live(clerk, live_until_a_sync_fails), DIED);
	assert_false(clerk->seals[0].is_released);
	clerk_judge(clerk);
}

static void a_disk_that_does_not_answer_stops_the_sealing(void **state)
{
	struct clerk *clerk = *state;
	const uint64_t attempt = open_with_attempt(clerk);
	uint64_t n_turns;

	disk_fake_hold();
	assert_true(clerk_seal(clerk, attempt));
	clerk_run_ms(clerk, 20);
	assert_true(clerk_is_sealing(clerk));
	clock_fake_pass_ms(STALL_MS);
	clerk_run(clerk, clerk_is_refusing);
	assert_string_equal(audit_get_why(clerk->audit), "the disk does not answer");
	assert_int_equal(clerk_attempt(clerk), 0);
	/* What an officer does is no seal; and a job that is out may end. */
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	n_turns = clerk->n_turns;
	clerk_run_ms(clerk, LOOK_MS);
	assert_in_range(clerk->n_turns - n_turns, 1, TURNS_MAX);
	assert_false(clerk->seals[0].is_released);
	disk_fake_let_go();
	clerk_run(clerk, clerk_is_sealing);
	clerk_run(clerk, clerk_is_durable);
	assert_true(clerk->seals[0].is_released);
	clerk_judge(clerk);
}

static void live_and_close_while_the_disk_hangs(struct clerk *clerk)
{
	const uint64_t attempt = open_with_attempt(clerk);

	disk_fake_hold();
	assert_true(clerk_seal(clerk, attempt));
	clerk_run_ms(clerk, 20);
	clerk_close(clerk);
}

static void a_disk_that_hangs_keeps_no_process_from_its_end(void **state)
{
	struct clerk *clerk = *state;

	assert_int_equal(clerk_live(clerk, live_and_close_while_the_disk_hangs), 0);
	assert_false(clerk->seals[0].is_released);
	clerk_judge(clerk);
}

static void the_end_of_a_record_that_cannot_be_written_is_like_a_crash(void **state)
{
	struct clerk *clerk = *state;

	(void)open_with_attempt(clerk);
	fail_for_good(DISK_APPEND, STATUS_IO);
	clerk_close(clerk);
	disk_fake_mend();
	clerk_assert_last(clerk, 9, "start attempt");
	/* The same when it was known before. */
	clerk_open(clerk);
	fail_for_good(DISK_APPEND, STATUS_IO);
	(void)clerk_attempt(clerk);
	audit_flush(clerk->audit);
	clerk_close(clerk);
	disk_fake_mend();
	clerk_assert_last(clerk, 9, "start attempt start orphan");
	clerk_judge(clerk);
}

static void a_start_that_fails_says_so_and_harms_nothing(void **state)
{
	static const enum disk_call calls[] = {
		DISK_OPEN, DISK_APPEND, DISK_SYNC, DISK_SYNC_DIRECTORY};
	struct clerk *clerk = *state;

	(void)open_with_attempt(clerk);
	clerk_close(clerk);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		fail_for_good(calls[i], STATUS_READ_ONLY);
		assert_int_equal(clerk_try_open(clerk), STATUS_NO_RECORD);
		assert_true(disk_fake_has_failed());
		disk_fake_mend();
	}
	clerk_judge(clerk);
}

static void a_start_on_a_full_disk_says_what_there_is_room_for(void **state)
{
	struct clerk *clerk = *state;

	(void)open_with_attempt(clerk);
	clerk_close(clerk);
	fail_for_good(DISK_RESERVE, STATUS_DISK_FULL);
	clerk_open(clerk);
	assert_true(clerk_is_refusing(clerk));
	clerk_assert_last(clerk, 2, "start full");
	clock_fake_pass_ms(RETRY_MS);
	clerk_run_ms(clerk, 20);
	assert_true(clerk_is_refusing(clerk));
	disk_fake_mend();
	clock_fake_pass_ms(RETRY_MS);
	clerk_run(clerk, clerk_is_sealing);
	clerk_judge(clerk);
}

static void nothing_spins_while_the_record_cannot_be_written(void **state)
{
	struct clerk *clerk = *state;
	uint64_t n_turns;

	(void)open_with_attempt(clerk);
	fail_for_good(DISK_APPEND, STATUS_IO);
	(void)clerk_refuse(clerk, 1000, STATUS_DENIED);
	(void)clerk_attempt(clerk);
	audit_flush(clerk->audit);
	n_turns = clerk->n_turns;
	clerk_run_ms(clerk, LOOK_MS);
	assert_in_range(clerk->n_turns - n_turns, 1, TURNS_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(on_a_full_disk_nothing_is_sealed_until_there_is_space),
		TEST(what_an_officer_does_on_a_full_disk_is_a_line),
		TEST(an_act_of_the_turn_that_fills_the_disk_is_a_line),
		TEST(an_act_that_cannot_be_a_line_is_refused),
		TEST(half_a_write_is_taken_back_whole),
		TEST(half_a_line_that_cannot_be_cut_is_cut_later),
		TEST(what_was_not_delivered_is_told_when_it_can_be),
		TEST(refusals_without_a_record_are_counted_to_the_last),
		TEST(a_failed_sync_is_never_tried_again),
		TEST(a_disk_that_does_not_answer_stops_the_sealing),
		TEST(a_disk_that_hangs_keeps_no_process_from_its_end),
		TEST(the_end_of_a_record_that_cannot_be_written_is_like_a_crash),
		TEST(a_start_that_fails_says_so_and_harms_nothing),
		TEST(a_start_on_a_full_disk_says_what_there_is_room_for),
		TEST(nothing_spins_while_the_record_cannot_be_written),
	};

	log_init("test", LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
