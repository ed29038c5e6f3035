/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the token wing that need no worker: pace, PIN guard, gate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "token/gate.h"
#include "token/pace.h"
#include "token/pin.h"
#include "util/fd.h"

static void the_latch_opens_at_the_tenth_fruitless_start_in_a_minute(void **state)
{
	struct pace pace = {.n_starts = 0};

	(void)state;
	for (uint64_t i = 0; i < 9; i++) {
		pace_on_fruitless(&pace, 1000 + i, 1000 + i);
		assert_false(pace_is_open(&pace));
	}
	pace_on_fruitless(&pace, 1009, 1010);
	assert_true(pace_is_open(&pace));
	assert_int_equal(pace_get_pause_ms(&pace), 100);
}

static void the_latch_stays_closed_when_fruitless_starts_are_rare(void **state)
{
	struct pace pace = {.n_starts = 0};

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		pace_on_fruitless(&pace, i * 7000, i * 7000 + 1);
	assert_false(pace_is_open(&pace));
}

static void an_open_latch_doubles_its_pause_up_to_thirty_seconds(void **state)
{
	static const uint32_t expected[] = {
		200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
	struct pace pace = {.n_starts = 0};

	(void)state;
	for (uint64_t i = 0; i < 10; i++)
		pace_on_fruitless(&pace, i, i);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		pace_on_fruitless(&pace, i, i);
		assert_int_equal(pace_get_pause_ms(&pace), expected[i]);
	}
	pace_on_good(&pace);
	assert_false(pace_is_open(&pace));
	assert_int_equal(pace_get_pause_ms(&pace), 0);
}

static void a_first_fruitless_start_is_followed_at_once(void **state)
{
	struct pace pace = {.n_starts = 0};

	(void)state;
	pace_on_fruitless(&pace, 0, 0);
	assert_int_equal(pace_get_pause_ms(&pace), 0);
	pace_on_fruitless(&pace, 0, 0);
	assert_true(pace_get_pause_ms(&pace) > 0);
}

static void a_refused_pin_is_never_tried_again(void **state)
{
	struct pin_guard guard = {.n_unknown = 0};

	(void)state;
	assert_true(pin_can_try(&guard));
	pin_begin(&guard);
	pin_finish(&guard, false);
	pin_on_gone(&guard);
	assert_false(pin_can_try(&guard));
}

static void two_tries_of_unknown_end_in_a_row_are_the_last(void **state)
{
	struct pin_guard guard = {.n_unknown = 0};

	(void)state;
	pin_begin(&guard);
	pin_on_gone(&guard);
	assert_true(pin_can_try(&guard));
	pin_begin(&guard);
	pin_on_gone(&guard);
	assert_false(pin_can_try(&guard));
}

static void a_good_try_forgets_the_unknown_one(void **state)
{
	struct pin_guard guard = {.n_unknown = 0};

	(void)state;
	for (int i = 0; i < 10; i++) {
		pin_begin(&guard);
		pin_on_gone(&guard);
		assert_true(pin_can_try(&guard));
		pin_begin(&guard);
		pin_finish(&guard, true);
		pin_on_gone(&guard);
	}
}

static void a_pin_file_must_be_ours_alone(void **state)
{
	char path[] = "/tmp/zegel-pin-XXXXXX";
	struct token_spec spec = {
		.name = (char[]){"t"}, .pin = TOKEN_PIN_FILE, .pin_path = path};
	CLEANUP(fd_closep) int file = mkstemp(path);
	int fd = FD_NONE;

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(pin_open(&spec, &fd), STATUS_OK);
	fd_closep(&fd);
	assert_int_equal(fchmod(file, 0640), 0);
	assert_int_equal(pin_open(&spec, &fd), STATUS_BAD_FILE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(pin_open(&spec, &fd), STATUS_BAD_FILE);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_int_equal(pin_open(&spec, &fd), STATUS_BAD_FILE);
	assert_int_equal(unlink(path), 0);
	spec.pin = TOKEN_PIN_OFFICER;
	assert_int_equal(pin_open(&spec, &fd), STATUS_OK);
	assert_int_equal(fd, FD_NONE);
}

static void count_start(void *context)
{
	(*(int *)context)++;
}

static void workers_of_one_module_start_one_after_another(void **state)
{
	CLEANUP(token_gate_freep) struct token_gate *gate = NULL;
	int starts[3] = {0, 0, 0};
	struct gate_ticket tickets[3] = {
		{.module = "/a", .may_start = count_start, .context = &starts[0]},
		{.module = "/a", .may_start = count_start, .context = &starts[1]},
		{.module = "/b", .may_start = count_start, .context = &starts[2]},
	};

	(void)state;
	assert_int_equal(token_gate_new(NULL, LINK_SPAWN, &gate), STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(tickets); i++)
		gate_enter(gate, &tickets[i]);
	assert_int_equal(starts[0], 1);
	assert_int_equal(starts[1], 0);
	assert_int_equal(starts[2], 1);
	gate_leave(gate, &tickets[0]);
	assert_int_equal(starts[1], 1);
	gate_leave(gate, &tickets[0]);
	gate_leave(gate, &tickets[1]);
	gate_leave(gate, &tickets[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_latch_opens_at_the_tenth_fruitless_start_in_a_minute),
		cmocka_unit_test(the_latch_stays_closed_when_fruitless_starts_are_rare),
		cmocka_unit_test(an_open_latch_doubles_its_pause_up_to_thirty_seconds),
		cmocka_unit_test(a_first_fruitless_start_is_followed_at_once),
		cmocka_unit_test(a_refused_pin_is_never_tried_again),
		cmocka_unit_test(two_tries_of_unknown_end_in_a_row_are_the_last),
		cmocka_unit_test(a_good_try_forgets_the_unknown_one),
		cmocka_unit_test(a_pin_file_must_be_ours_alone),
		cmocka_unit_test(workers_of_one_module_start_one_after_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
