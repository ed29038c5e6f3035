/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/fd.h"
#include "util/loop.h"

enum {
	MANY = 200,
};

/* What a callback finds and leaves behind. */
struct scene {
	struct loop *loop;
	struct loop_source sources[2];
	struct loop_timer timers[MANY];
	int fds[2];
	int n_calls;
	int order[MANY];
};

struct turn {
	struct scene *scene;
	int number;
};

static void open_scene(struct scene *scene)
{
	*scene = (struct scene){.fds = {FD_NONE, FD_NONE}};
	assert_int_equal(loop_new(&scene->loop), STATUS_OK);
	for (int i = 0; i < 2; i++) {
		scene->fds[i] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
		assert_true(scene->fds[i] >= 0);
		scene->sources[i].context = scene;
	}
}

static void close_scene(struct scene *scene)
{
	loop_freep(&scene->loop);
	fd_closep(&scene->fds[0]);
	fd_closep(&scene->fds[1]);
}

static void on_time_stop(void *context)
{
	struct scene *scene = context;

	loop_stop(scene->loop);
}

static void on_time_note(void *context)
{
	struct turn *turn = context;
	struct scene *scene = turn->scene;

	scene->order[scene->n_calls++] = turn->number;
}

static void loop_calls_timers_in_the_order_of_their_times(void **state)
{
	struct scene scene;
	struct turn turns[MANY];
	struct loop_timer stop = {.call = on_time_stop, .context = &scene};
	const uint64_t now = clock_monotonic_ms();

	(void)state;
	open_scene(&scene);
	for (int i = 0; i < MANY; i++) {
		/* 37 has no factor in common with MANY: each place once. */
		turns[i] = (struct turn){.scene = &scene, .number = i * 37 % MANY};
		scene.timers[i] =
			(struct loop_timer){.call = on_time_note, .context = &turns[i]};
		assert_int_equal(loop_timer_set(scene.loop, &scene.timers[i],
					 now - MANY + (uint64_t)turns[i].number),
			STATUS_OK);
	}
	/* Every third is set again to its own time, every fourth is taken out. */
	for (int i = 0; i < MANY; i += 3)
		assert_int_equal(loop_timer_set(scene.loop, &scene.timers[i],
					 scene.timers[i].at_ms),
			STATUS_OK);
	for (int i = 0; i < MANY; i += 4)
		loop_timer_remove(scene.loop, &scene.timers[i]);
	assert_int_equal(loop_timer_set(scene.loop, &stop, now), STATUS_OK);
	assert_int_equal(loop_run(scene.loop), STATUS_OK);
	assert_int_equal(scene.n_calls, MANY - MANY / 4);
	for (int i = 1; i < scene.n_calls; i++)
		assert_true(scene.order[i - 1] < scene.order[i]);
	close_scene(&scene);
}

static void loop_calls_no_timer_before_its_time(void **state)
{
	struct scene scene;
	struct loop_timer stop = {.call = on_time_stop, .context = &scene};
	const uint64_t at = clock_monotonic_ms() + 30;

	(void)state;
	open_scene(&scene);
	assert_int_equal(loop_timer_set(scene.loop, &stop, at), STATUS_OK);
	assert_int_equal(loop_run(scene.loop), STATUS_OK);
	assert_true(clock_monotonic_ms() >= at);
	close_scene(&scene);
}

static void on_ready_twice(void *context, uint32_t events)
{
	struct scene *scene = context;

	assert_int_equal(events, EPOLLIN);
	if (++scene->n_calls == 2)
		loop_stop(scene->loop);
}

static void loop_calls_a_source_while_it_is_ready(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene);
	scene.sources[0].call = on_ready_twice;
	assert_int_equal(
		loop_source_add(scene.loop, &scene.sources[0], scene.fds[0], EPOLLIN),
		STATUS_OK);
	assert_int_equal(loop_run(scene.loop), STATUS_OK);
	assert_int_equal(scene.n_calls, 2);
	loop_source_remove(scene.loop, &scene.sources[0]);
	loop_source_remove(scene.loop, &scene.sources[0]);
	close_scene(&scene);
}

static void on_ready_remove_both(void *context, uint32_t events)
{
	struct scene *scene = context;

	(void)events;
	scene->n_calls++;
	loop_source_remove(scene->loop, &scene->sources[0]);
	loop_source_remove(scene->loop, &scene->sources[1]);
}

static void loop_calls_nobody_who_was_removed_in_the_same_turn(void **state)
{
	struct scene scene;
	struct loop_timer stop = {.call = on_time_stop, .context = &scene};

	(void)state;
	open_scene(&scene);
	for (int i = 0; i < 2; i++) {
		scene.sources[i].call = on_ready_remove_both;
		assert_int_equal(loop_source_add(scene.loop, &scene.sources[i],
					 scene.fds[i], EPOLLIN),
			STATUS_OK);
	}
	assert_int_equal(loop_timer_set(scene.loop, &stop, clock_monotonic_ms() + 20),
		STATUS_OK);
	assert_int_equal(loop_run(scene.loop), STATUS_OK);
	assert_int_equal(scene.n_calls, 1);
	close_scene(&scene);
}

static void on_ready_count(void *context, uint32_t events)
{
	struct scene *scene = context;

	(void)events;
	scene->n_calls++;
}

/* The slot of the other source of this turn is taken by a new one, not ready itself. */
static void on_ready_replace_other(void *context, uint32_t events)
{
	struct scene *scene = context;
	struct loop_source *other = &scene->sources[1];
	uint64_t value;

	(void)events;
	if (!other->is_added)
		return;
	loop_source_remove(scene->loop, other);
	assert_int_equal(read(scene->fds[0], &value, sizeof(value)), sizeof(value));
	assert_int_equal(read(scene->fds[1], &value, sizeof(value)), sizeof(value));
	other->call = on_ready_count;
	assert_int_equal(
		loop_source_add(scene->loop, other, scene->fds[1], EPOLLIN), STATUS_OK);
}

static void loop_gives_a_stale_event_to_nobody(void **state)
{
	struct scene scene;
	struct loop_timer stop = {.call = on_time_stop, .context = &scene};

	(void)state;
	open_scene(&scene);
	for (int i = 0; i < 2; i++) {
		scene.sources[i].call = on_ready_replace_other;
		assert_int_equal(loop_source_add(scene.loop, &scene.sources[i],
					 scene.fds[i], EPOLLIN),
			STATUS_OK);
	}
	assert_int_equal(loop_timer_set(scene.loop, &stop, clock_monotonic_ms() + 20),
		STATUS_OK);
	assert_int_equal(loop_run(scene.loop), STATUS_OK);
	assert_int_equal(scene.n_calls, 0);
	close_scene(&scene);
}

static void loop_hears_only_what_it_was_asked_for(void **state)
{
	struct scene scene;
	struct loop_timer stop = {.call = on_time_stop, .context = &scene};

	(void)state;
	open_scene(&scene);
	scene.sources[0].call = on_ready_count;
	assert_int_equal(
		loop_source_add(scene.loop, &scene.sources[0], scene.fds[0], EPOLLIN),
		STATUS_OK);
	assert_int_equal(
		loop_source_change(scene.loop, &scene.sources[0], 0), STATUS_OK);
	assert_int_equal(loop_timer_set(scene.loop, &stop, clock_monotonic_ms() + 20),
		STATUS_OK);
	assert_int_equal(loop_run(scene.loop), STATUS_OK);
	assert_int_equal(scene.n_calls, 0);
	close_scene(&scene);
}

static void loop_refuses_a_descriptor_that_is_not_open(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene);
	scene.sources[0].call = on_ready_count;
	assert_int_equal(
		loop_source_add(scene.loop, &scene.sources[0], FD_NONE, EPOLLIN),
		STATUS_IO);
	assert_false(scene.sources[0].is_added);
	assert_int_equal(
		loop_source_add(scene.loop, &scene.sources[0], scene.fds[0], EPOLLIN),
		STATUS_OK);
	close_scene(&scene);
}

static void loop_holds_many_sources(void **state)
{
	struct scene scene;
	struct loop_source sources[MANY];
	int fds[MANY];

	(void)state;
	open_scene(&scene);
	for (int i = 0; i < MANY; i++) {
		fds[i] = eventfd(0, EFD_CLOEXEC);
		sources[i] =
			(struct loop_source){.call = on_ready_count, .context = &scene};
		assert_int_equal(
			loop_source_add(scene.loop, &sources[i], fds[i], EPOLLIN),
			STATUS_OK);
	}
	for (int i = 0; i < MANY; i++) {
		loop_source_remove(scene.loop, &sources[i]);
		fd_closep(&fds[i]);
	}
	close_scene(&scene);
}

/* Has more to do, three times; nothing ever happens on the descriptor. */
static void on_again(void *context, uint32_t events)
{
	struct scene *scene = context;

	assert_int_equal(events, 0);
	scene->order[scene->n_calls++] = 1;
	if (scene->n_calls == 5) {
		loop_stop(scene->loop);
		return;
	}
	/* However often: once. */
	loop_source_again(scene->loop, &scene->sources[0]);
	loop_source_again(scene->loop, &scene->sources[0]);
}

static void on_ready_note(void *context, uint32_t events)
{
	struct scene *scene = context;

	assert_int_equal(events, EPOLLIN);
	scene->order[scene->n_calls++] = 2;
}

static void loop_comes_back_in_the_next_turn_after_all_others(void **state)
{
	struct scene scene;
	uint64_t n;

	(void)state;
	open_scene(&scene);
	assert_int_equal(read(scene.fds[0], &n, sizeof(n)), sizeof(n));
	scene.sources[0].call = on_again;
	scene.sources[1].call = on_ready_note;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(loop_source_add(scene.loop, &scene.sources[i],
					 scene.fds[i], EPOLLIN),
			STATUS_OK);
	loop_source_again(scene.loop, &scene.sources[0]);
	assert_int_equal(loop_run(scene.loop), STATUS_OK);
	/* No timer is set, so it did not wait; and each had a part of each turn. */
	assert_int_equal(scene.n_calls, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(scene.order[i], i % 2 == 0 ? 1 : 2);
	close_scene(&scene);
}

static void on_again_remove_both(void *context, uint32_t events)
{
	struct scene *scene = context;

	assert_int_equal(events, 0);
	scene->n_calls++;
	loop_source_remove(scene->loop, &scene->sources[0]);
	loop_source_remove(scene->loop, &scene->sources[1]);
	loop_stop(scene->loop);
}

static void loop_does_not_come_back_for_who_was_removed(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene);
	for (size_t i = 0; i < 2; i++) {
		scene.sources[i].call = on_again_remove_both;
		assert_int_equal(
			loop_source_add(scene.loop, &scene.sources[i], scene.fds[i], 0),
			STATUS_OK);
		loop_source_again(scene.loop, &scene.sources[i]);
	}
	assert_int_equal(loop_run(scene.loop), STATUS_OK);
	assert_int_equal(scene.n_calls, 1);
	close_scene(&scene);
}

static void on_again_stop(void *context, uint32_t events)
{
	struct scene *scene = context;

	(void)events;
	scene->n_calls++;
	loop_stop(scene->loop);
}

static void loop_that_is_stopped_calls_nobody_again(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene);
	for (size_t i = 0; i < 2; i++) {
		scene.sources[i].call = on_again_stop;
		assert_int_equal(
			loop_source_add(scene.loop, &scene.sources[i], scene.fds[i], 0),
			STATUS_OK);
		loop_source_again(scene.loop, &scene.sources[i]);
	}
	assert_int_equal(loop_run(scene.loop), STATUS_OK);
	assert_int_equal(scene.n_calls, 1);
	loop_source_remove(scene.loop, &scene.sources[0]);
	loop_source_remove(scene.loop, &scene.sources[1]);
	close_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loop_calls_timers_in_the_order_of_their_times),
		cmocka_unit_test(loop_calls_no_timer_before_its_time),
		cmocka_unit_test(loop_calls_a_source_while_it_is_ready),
		cmocka_unit_test(loop_calls_nobody_who_was_removed_in_the_same_turn),
		cmocka_unit_test(loop_gives_a_stale_event_to_nobody),
		cmocka_unit_test(loop_hears_only_what_it_was_asked_for),
		cmocka_unit_test(loop_refuses_a_descriptor_that_is_not_open),
		cmocka_unit_test(loop_holds_many_sources),
		cmocka_unit_test(loop_comes_back_in_the_next_turn_after_all_others),
		cmocka_unit_test(loop_does_not_come_back_for_who_was_removed),
		cmocka_unit_test(loop_that_is_stopped_calls_nobody_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
