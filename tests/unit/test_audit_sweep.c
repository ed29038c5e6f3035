/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every fault at every place: each call of the disk fails as the first, the second, … of a
 * life, once or for good, whole or half, or is the last thing that the process does. And
 * lives of random acts with random faults. After each life the record is judged (clerk.h).
 * A failed assertion says which fault it was; the seed of the random lives is fixed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clerk.h"
#include "clock_fake.h"
#include "disk_fake.h"
#include "util/log.h"

enum {
	SEED = 20261124,
	LIVES = 30, /* of one record, one after the other */
	RECORDS = 3,
	STEPS = 120,   /* of a life */
	NTH_MAX = 200, /* more calls than a life makes */
	RETRY_MS = 300,
	TEN_MINUTES_MS = 600 * 1000,
	DAY_S = 24 * 3600,
	MIB = 1 << 20,
	DIED_OF_SYNC = 70 << 8,
	KILLED = DISK_DIED << 8,
};

static int set_up(void **state)
{
	(void)state;
	clock_fake_reset();
	disk_fake_mend();
	return 0;
}

static struct clerk *new_clerk(void)
{
	struct clerk *clerk = clerk_new_shared();

	clerk->spec.rotate_mib = 1;
	clerk->spec.is_daily = true;
	return clerk;
}

/* A turn or a few. */
static void turn(struct clerk *clerk)
{
	clerk_run_ms(clerk, 1);
}

static void fill_file(struct clerk *clerk)
{
	const char *path = clerk_path(clerk, "audit.jsonl");
	struct stat facts;

	while (stat(path, &facts) == 0 && facts.st_size < MIB &&
		clerk_is_sealing(clerk)) {
		for (size_t i = 0; i < 100; i++)
			(void)clerk_refuse(clerk, (uid_t)i, STATUS_DENIED);
		for (size_t i = 0; i < 400; i++) {
			const uint64_t attempt = clerk_attempt(clerk);

			if (attempt != 0)
				(void)clerk_fail(clerk, attempt);
		}
		clerk->n_ready = 0;
		audit_flush(clerk->audit);
	}
}

/* Everything that a record is there for, with a rotation in the middle. */
static void live_fully(struct clerk *clerk)
{
	uint64_t attempts[6] = {0};

	if (clerk_try_open(clerk) != STATUS_OK)
		return;
	for (size_t round = 0; round < 4; round++) {
		for (size_t i = 0; i < 3; i++) {
			attempts[i] = clerk_attempt(clerk);
			(void)clerk_refuse(clerk, 1000, STATUS_DENIED);
		}
		turn(clerk);
		if (attempts[0] != 0 && clerk_seal(clerk, attempts[0]) && round == 1)
			audit_add_undelivered(clerk->audit, attempts[0], "FORGOTTEN");
		if (attempts[1] != 0)
			(void)clerk_fail(clerk, attempts[1]);
		(void)clerk_act(clerk);
		clerk_run_ms(clerk, 10);
		if (round == 1)
			fill_file(clerk);
		clock_fake_pass_ms(RETRY_MS);
		clerk_run_ms(clerk, 10);
	}
	clerk_close(clerk);
}

static const char *describe(const struct disk_plan *plan)
{
	static char text[128];

	(void)snprintf(text, sizeof(text),
		"call %d nth %u good %d status %d half %d stuck %d end %d",
		(int)plan->call, (unsigned int)plan->nth, plan->is_for_good,
		(int)plan->status, plan->is_half, plan->is_stuck, (int)plan->end);
	return text;
}

static void live(struct clerk *clerk, clerk_life_fn *life, const char *what)
{
	const int status = clerk_live(clerk, life);

	disk_fake_mend();
	if (status != 0 && status != DIED_OF_SYNC && status != KILLED)
		fail_msg("a life ended with %#x: %s", (unsigned int)status, what);
}

/* Each nth call of a life, until there is none any more. */
static void sweep(struct disk_plan plan)
{
	bool has_failed = true;

	for (plan.nth = 1; has_failed; plan.nth++) {
		struct clerk *clerk = new_clerk();

		assert_true(plan.nth < NTH_MAX);
		print_message("%s\n", describe(&plan));
		disk_fake_plan(&plan);
		live(clerk, live_fully, describe(&plan));
		has_failed = disk_fake_has_failed();
		clerk_judge(clerk);
		clerk_free_shared(clerk);
	}
	/* The fault was there at all. */
	assert_true(plan.nth > 2);
}

static void a_call_that_fails_once_loses_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < DISK_CALLS; i++)
		sweep((struct disk_plan){
			.call = (enum disk_call)i, .status = STATUS_IO});
}

static void a_call_that_fails_for_good_loses_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < DISK_CALLS; i++)
		sweep((struct disk_plan){.call = (enum disk_call)i,
			.status = STATUS_DISK_FULL,
			.is_for_good = true});
}

static void half_a_write_loses_nothing(void **state)
{
	(void)state;
	sweep((struct disk_plan){
		.call = DISK_APPEND, .status = STATUS_DISK_FULL, .is_half = true});
	sweep((struct disk_plan){.call = DISK_APPEND,
		.status = STATUS_IO,
		.is_half = true,
		.is_stuck = true});
}

static void a_kill_before_a_call_loses_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < DISK_CALLS; i++)
		sweep((struct disk_plan){
			.call = (enum disk_call)i, .end = DISK_DIES_BEFORE});
	sweep((struct disk_plan){
		.call = DISK_APPEND, .is_half = true, .end = DISK_DIES_BEFORE});
}

static void a_kill_behind_a_call_loses_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < DISK_CALLS; i++)
		sweep((struct disk_plan){
			.call = (enum disk_call)i, .end = DISK_DIES_AFTER});
}

static void plan_any_fault(void)
{
	static const enum status statuses[] = {
		STATUS_IO, STATUS_DISK_FULL, STATUS_READ_ONLY};

	disk_fake_plan(
		&(struct disk_plan){.call = (enum disk_call)(rand() % DISK_CALLS),
			.nth = (uint32_t)(rand() % 3 + 1),
			.is_for_good = rand() % 2 == 0,
			.status = statuses[rand() % 3],
			.is_half = rand() % 2 == 0,
			.is_stuck = rand() % 4 == 0,
			.end = rand() % 8 != 0   ? DISK_GOES_ON
			       : rand() % 2 == 0 ? DISK_DIES_BEFORE
						 : DISK_DIES_AFTER});
}

/* Ends some attempt of this life whose job was given; their places are from first on. */
static void end_any(struct clerk *clerk, size_t first, bool *has_ended)
{
	size_t i;

	if (clerk->n_given == first)
		return;
	i = first + (size_t)rand() % (clerk->n_given - first);
	if (has_ended[i])
		return;
	has_ended[i] = true;
	if (rand() % 3 == 0)
		(void)clerk_fail(clerk, clerk->given[i]);
	else
		(void)clerk_seal(clerk, clerk->given[i]);
}

static void fail_to_deliver(struct clerk *clerk)
{
	const struct clerk_seal *seal;

	if (clerk->n_seals == 0)
		return;
	seal = &clerk->seals[clerk->n_seals - 1];
	if (seal->is_released)
		audit_add_undelivered(clerk->audit, seal->attempt, "FORGOTTEN");
}

static void change_the_clock(void)
{
	if (rand() % 2 == 0)
		clock_fake_set_off_s((rand() % 5 - 2) * DAY_S);
	clock_fake_pass_ms((uint64_t)(rand() % 3 == 0 ? TEN_MINUTES_MS : RETRY_MS));
}

static void do_anything(struct clerk *clerk, size_t first, bool *has_ended)
{
	const int what = rand() % 100;

	if (what < 30)
		(void)clerk_attempt(clerk);
	else if (what < 55)
		end_any(clerk, first, has_ended);
	else if (what < 65)
		(void)clerk_refuse(clerk, (uid_t)(rand() % 3), STATUS_DENIED);
	else if (what < 68)
		(void)clerk_act(clerk);
	else if (what < 71)
		fail_to_deliver(clerk);
	else if (what < 80)
		audit_flush(clerk->audit);
	else if (what < 92)
		clerk_run_ms(clerk, rand() % 4 == 0 ? 10 : 1);
	else if (what < 95)
		change_the_clock();
	else if (what < 96)
		plan_any_fault();
	else if (what < 98)
		disk_fake_mend();
	else if (what < 99)
		audit_reopen(clerk->audit);
	else if (rand() % 10 == 0)
		fill_file(clerk);
}

/* Some life, with some faults, that ends in order or in the middle of something. */
static void live_anyhow(struct clerk *clerk)
{
	static bool has_ended[CLERK_PROMISES];
	const size_t first = clerk->n_given;
	const int n_steps = rand() % STEPS;

	if (clerk_try_open(clerk) != STATUS_OK)
		return;
	for (int i = 0; i < n_steps; i++)
		do_anything(clerk, first, has_ended);
	if (rand() % 2 == 0)
		clerk_close(clerk);
}

static void random_lives_keep_every_promise(void **state)
{
	(void)state;
	for (unsigned int record = 0; record < RECORDS; record++) {
		struct clerk *clerk = new_clerk();

		clerk->spec.sync =
			record % 3 == 0 ? RECORD_SYNC_INTERVAL : RECORD_SYNC_SEAL;
		for (unsigned int i = 0; i < LIVES; i++) {
			char what[32];

			(void)snprintf(
				what, sizeof(what), "record %u life %u", record, i);
			print_message("%s\n", what);
			srand(SEED + record * LIVES + i);
			live(clerk, live_anyhow, what);
			clerk_check(clerk);
		}
		clerk_judge(clerk);
		clerk_free_shared(clerk);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(a_call_that_fails_once_loses_nothing),
		TEST(a_call_that_fails_for_good_loses_nothing),
		TEST(half_a_write_loses_nothing),
		TEST(a_kill_before_a_call_loses_nothing),
		TEST(a_kill_behind_a_call_loses_nothing),
		TEST(random_lives_keep_every_promise),
	};

	/* What is wrong with the disk is known: it would be said a thousand times. */
	log_init("test", LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
