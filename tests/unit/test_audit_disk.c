/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record on a real file system of one MiB that fills up, drains and turns read-only:
 * what is set aside for officers is there, and sealing goes on by itself.
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
#include "small_disk.h"
#include "util/log.h"

enum {
	DISK_KIB = 1024,
	RETRY_MS = 250,
	ACTS = 100, /* what an officer may do in an emergency */
	DRIPS = 20,
};

static int set_up(void **state)
{
	struct clerk *clerk = clerk_new_shared();

	clock_fake_reset();
	assert_int_equal(rmdir(clerk->folder), 0);
	small_disk_mount(DISK_KIB);
	(void)snprintf(clerk->folder, sizeof(clerk->folder), "%s/r", SMALL_DISK);
	assert_int_equal(mkdir(clerk->folder, 0700), 0);
	*state = clerk;
	return 0;
}

static int tear_down(void **state)
{
	clerk_free_shared(*state);
	small_disk_unmount();
	clock_fake_reset();
	return 0;
}

/* Seals until there is no space for more; how many there were. */
static size_t seal_until_full(struct clerk *clerk)
{
	size_t n = 0;

	while (clerk_is_sealing(clerk)) {
		const uint64_t attempt = clerk_attempt(clerk);

		if (attempt != 0 && clerk_seal(clerk, attempt))
			n++;
		audit_flush(clerk->audit);
	}
	clerk_run_ms(clerk, 50);
	return n;
}

static void try_again(struct clerk *clerk)
{
	clock_fake_pass_ms(RETRY_MS);
	clerk_run_ms(clerk, 10);
}

static void a_small_disk_is_sealed_on_until_it_is_full(void **state)
{
	struct clerk *clerk = *state;
	size_t n;

	clerk_open(clerk);
	n = seal_until_full(clerk);
	assert_in_range(n, 500, 1500);
	assert_string_equal(audit_get_why(clerk->audit), status_text(STATUS_DISK_FULL));
	clerk_assert_last(clerk, 1, "full");
	/* The last one was among the lines that did not fit. */
	for (size_t i = 0; i + 1 < n; i++)
		assert_true(clerk->seals[i].is_released);
	assert_true(clerk->seals[n - 1].is_dropped);
	for (size_t i = 0; i < ACTS; i++)
		assert_int_equal(clerk_act(clerk), STATUS_OK);
	clerk_run(clerk, clerk_is_durable);
	assert_int_equal(clerk_count(clerk, "officer"), ACTS);
	clerk_close(clerk);
	/* And it can be started, on what is left. */
	clerk_open(clerk);
	assert_true(clerk_is_refusing(clerk));
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	clerk_judge(clerk);
}

static void what_others_fill_is_not_what_officers_have(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
	clerk_run(clerk, clerk_is_durable);
	small_disk_fill(0);
	assert_true(seal_until_full(clerk) > 0);
	for (size_t i = 0; i < ACTS; i++)
		assert_int_equal(clerk_act(clerk), STATUS_OK);
	for (size_t i = 0; i < 10; i++)
		try_again(clerk);
	assert_int_equal(clerk_act(clerk), STATUS_OK);
	assert_int_equal(clerk_count(clerk, "full"), 1);
	assert_int_equal(clerk_count(clerk, "officer"), ACTS + 1);
	small_disk_drain();
	try_again(clerk);
	clerk_run(clerk, clerk_is_sealing);
	assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
	clerk_run(clerk, clerk_is_durable);
	clerk_judge(clerk);
}

static void space_that_comes_in_drips_does_not_make_it_flutter(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	small_disk_fill(0);
	(void)seal_until_full(clerk);
	for (size_t i = 0; i < DRIPS; i++) {
		/* Four KiB more each time, and taken again. */
		small_disk_drain();
		small_disk_fill(4 * ((int)i % 4));
		try_again(clerk);
	}
	assert_true(clerk_is_refusing(clerk));
	assert_int_equal(clerk_count(clerk, "full"), 1);
	assert_int_equal(clerk_count(clerk, "resumed"), 0);
	small_disk_drain();
	try_again(clerk);
	clerk_run(clerk, clerk_is_sealing);
	clerk_judge(clerk);
}

static void the_reserve_is_there_again_when_it_is_full_again(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	for (size_t i = 0; i < 3; i++) {
		small_disk_fill(0);
		(void)seal_until_full(clerk);
		for (size_t j = 0; j < ACTS; j++)
			assert_int_equal(clerk_act(clerk), STATUS_OK);
		small_disk_drain();
		try_again(clerk);
		clerk_run(clerk, clerk_is_sealing);
	}
	assert_int_equal(clerk_count(clerk, "officer"), 3 * ACTS);
	assert_int_equal(clerk_count(clerk, "full"), 3);
	clerk_judge(clerk);
}

static void a_read_only_disk_refuses_a_start_and_no_more(void **state)
{
	struct clerk *clerk = *state;

	clerk_open(clerk);
	assert_true(clerk_seal(clerk, clerk_attempt(clerk)));
	clerk_close(clerk);
	small_disk_set_read_only(true);
	assert_int_equal(clerk_try_open(clerk), STATUS_NO_RECORD);
	small_disk_set_read_only(false);
	clerk_judge(clerk);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_small_disk_is_sealed_on_until_it_is_full),
		TEST(what_others_fill_is_not_what_officers_have),
		TEST(space_that_comes_in_drips_does_not_make_it_flutter),
		TEST(the_reserve_is_there_again_when_it_is_full_again),
		TEST(a_read_only_disk_refuses_a_start_and_no_more),
	};

	if (!small_disk_begin())
		return SKIPPED;
	log_init("test", LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
