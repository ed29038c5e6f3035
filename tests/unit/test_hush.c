/* SPDX-License-Identifier: Apache-2.0 */
/* Few lines of many events, and their exact number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/fd.h"
#include "util/hush.h"
#include "util/log.h"

enum {
	PERIOD_MS = 50,
	LOG_MAX = 16 * 1024,
};

struct world {
	struct loop *loop;
	struct hush hush;
	struct loop_timer stop;
	int saved;
	int pipe[2];
	char log[LOG_MAX];
};

static void on_stop(void *context)
{
	loop_stop(((struct world *)context)->loop);
}

/* What is logged goes into a pipe until the test is over. */
static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	assert_int_equal(loop_new(&world->loop), STATUS_OK);
	hush_init(&world->hush, &(struct hush_setup){.loop = world->loop,
					.message = "many more",
					.n_lines = 5,
					.n_lines_each = 3,
					.period_ms = PERIOD_MS});
	world->stop = (struct loop_timer){.call = on_stop, .context = world};
	assert_int_equal(pipe2(world->pipe, O_CLOEXEC | O_NONBLOCK), 0);
	world->saved = dup(STDERR_FILENO);
	assert_true(dup2(world->pipe[1], STDERR_FILENO) >= 0);
	log_init("test", LOG_INFO);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	hush_deinit(&world->hush);
	assert_true(dup2(world->saved, STDERR_FILENO) >= 0);
	fd_closep(&world->saved);
	fd_closep(&world->pipe[0]);
	fd_closep(&world->pipe[1]);
	loop_freep(&world->loop);
	free(world);
	return 0;
}

static const char *read_log(struct world *world)
{
	const ssize_t n = read(world->pipe[0], world->log, LOG_MAX - 1);

	world->log[n < 0 ? 0 : n] = '\0';
	return world->log;
}

static size_t count(struct world *world, uint32_t user, size_t n)
{
	size_t n_said = 0;

	for (size_t i = 0; i < n; i++)
		n_said += hush_count(&world->hush, user);
	return n_said;
}

static void a_few_are_said_and_the_rest_is_counted(void **state)
{
	struct world *world = *state;

	assert_int_equal(count(world, 7, 100000), 3);
	assert_string_equal(read_log(world), "");
	assert_int_equal(loop_timer_set(world->loop, &world->stop,
				 clock_monotonic_ms() + 2 * PERIOD_MS),
		STATUS_OK);
	assert_int_equal(loop_run(world->loop), STATUS_OK);
	assert_string_equal(read_log(world), "test: many more more=99997 uid=7\n");
	/* A new period. */
	assert_int_equal(count(world, 7, 100), 3);
}

static void users_are_told_apart(void **state)
{
	struct world *world = *state;

	assert_int_equal(count(world, 1, 4), 3);
	assert_int_equal(count(world, 2, 2), 2);
	/* No more lines for anybody. */
	assert_int_equal(count(world, 3, 2), 0);
	hush_deinit(&world->hush);
	assert_string_equal(read_log(world),
		"test: many more more=1 uid=1\ntest: many more more=2 uid=3\n");
}

static void what_was_said_is_not_said_again(void **state)
{
	struct world *world = *state;

	assert_int_equal(count(world, 1, 3), 3);
	hush_deinit(&world->hush);
	assert_string_equal(read_log(world), "");
}

static void users_without_a_row_are_counted_together(void **state)
{
	struct world *world = *state;

	assert_int_equal(count(world, 0, 5), 3);
	for (uint32_t user = 1; user < 2 * HUSH_ROWS; user++)
		(void)count(world, user, 1);
	hush_deinit(&world->hush);
	/* Sixty-four users: two said, for thirty-one there was a row. */
	assert_non_null(strstr(read_log(world), "more=33 users=others\n"));
	assert_non_null(strstr(world->log, "more=1 uid=30\n"));
	assert_null(strstr(world->log, "uid=31"));
}

static void nothing_is_left_of_one_that_was_never_set_up(void **state)
{
	struct hush hush = {.n_rows = 0};

	(void)state;
	hush_deinit(&hush);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_few_are_said_and_the_rest_is_counted),
		TEST(users_are_told_apart),
		TEST(what_was_said_is_not_said_again),
		TEST(users_without_a_row_are_counted_together),
		TEST(nothing_is_left_of_one_that_was_never_set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
