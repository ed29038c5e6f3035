/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who finds a place in a line. Whose turn it is then, and places at random, are in
 * test_line.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seal/line.h"

enum {
	CLIENTS = 8,
};

static const char *const names[CLIENTS] = {
	"ada", "bob", "cor", "dik", "eva", "fay", "gus", "hal"};

static void put(struct line *line, struct line_link *link, size_t client)
{
	*link = (struct line_link){.thing = link};
	assert_int_equal(line_put(line, link, names[client], 1), STATUS_OK);
}

static void empty(struct line *line)
{
	while (line_peek(line) != NULL)
		line_take(line, line_peek(line));
	line_deinit(line);
}

/* Half of 10 is shared by two: 2 each, and 6 are common. */
static void nobody_fills_the_line_for_others(void **state)
{
	struct line_link links[10];
	struct line_link more = {.thing = &more};
	struct line line;

	(void)state;
	line_init(&line, 10, 2);
	for (size_t i = 0; i < 8; i++)
		put(&line, &links[i], 0);
	assert_false(line_can_join(&line, "ada"));
	assert_int_equal(line_put(&line, &more, "ada", 1), STATUS_BUSY);
	assert_int_equal(line.n_waiting, 8);
	assert_true(line_can_join(&line, "bob"));
	put(&line, &links[8], 1);
	put(&line, &links[9], 1);
	assert_false(line_can_join(&line, "bob"));
	/* A common place that becomes free is for whoever comes. */
	line_remove(&line, &links[3]);
	assert_true(line_can_join(&line, "bob"));
	assert_true(line_can_join(&line, "ada"));
	empty(&line);
}

static void everyone_has_a_place_however_short_the_line(void **state)
{
	struct line_link links[CLIENTS];
	struct line line;

	(void)state;
	line_init(&line, 1, CLIENTS);
	for (size_t i = 0; i < CLIENTS; i++) {
		put(&line, &links[i], i);
		assert_false(line_can_join(&line, names[i]));
	}
	empty(&line);
	line_init(&line, 1, 1);
	put(&line, &links[0], 0);
	assert_false(line_can_join(&line, "ada"));
	empty(&line);
}

static void a_reload_divides_the_places_anew(void **state)
{
	struct line_link links[8];
	struct line line;

	(void)state;
	line_init(&line, 8, 1);
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		put(&line, &links[i], 0);
	line_set_places(&line, line.max, 2);
	assert_int_equal(line.n_waiting, 8);
	assert_int_equal(line.n_common, 6);
	assert_false(line_can_join(&line, "ada"));
	assert_true(line_can_join(&line, "bob"));
	for (size_t i = 0; i < 3; i++)
		line_remove(&line, &links[i]);
	assert_true(line_can_join(&line, "ada"));
	assert_int_equal(line.n_common, 3);
	line_set_places(&line, line.max, 0);
	assert_int_equal(line.n_common, 1);
	empty(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_fills_the_line_for_others),
		cmocka_unit_test(everyone_has_a_place_however_short_the_line),
		cmocka_unit_test(a_reload_divides_the_places_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
