/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floods of refusals, and that no refusal is lost from the lines and sums: the last test
 * keeps count beside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_fake.h"
#include "policy/refusals.h"

enum {
	NOW = 1000000,
	ALICE = 1000,
	SEED = 20261124,
	STEPS = 100000,
};

static bool note(struct refusals *refusals, int64_t now_s)
{
	return refusals_note(refusals, "alice", ALICE, STATUS_DENIED, now_s);
}

/* n refusals of alice in one turn that is written; how many have a line. */
static size_t note_many(struct refusals *refusals, size_t n, int64_t now_s)
{
	size_t n_lines = 0;

	for (size_t i = 0; i < n; i++)
		n_lines += note(refusals, now_s);
	refusals_commit(refusals);
	return n_lines;
}

static void the_first_of_a_minute_have_a_line_and_the_others_a_sum(void **state)
{
	CLEANUP(refusals_deinit) struct refusals refusals = {.rows = NULL};
	struct refusals_row *row;

	(void)state;
	assert_true(refusals_is_empty(&refusals));
	assert_int_equal(note_many(&refusals, 1000, NOW), REFUSALS_SINGLE_MAX);
	assert_false(refusals_note(&refusals, "alice", ALICE, STATUS_BUSY, NOW + 59));
	assert_null(refusals_get_over(&refusals, NOW + 59, false));
	row = refusals_get_over(&refusals, NOW + 60, false);
	assert_non_null(row);
	assert_string_equal(row->client, "alice");
	assert_int_equal(row->uid, ALICE);
	assert_int_equal(row->since_s, NOW);
	assert_int_equal(row->n_counted, 1001 - REFUSALS_SINGLE_MAX);
	assert_int_equal(row->n_by_status[STATUS_DENIED], 1000 - REFUSALS_SINGLE_MAX);
	assert_int_equal(row->n_by_status[STATUS_BUSY], 1);
	refusals_tell(&refusals, row);
	assert_null(refusals_get_over(&refusals, NOW + 60, true));
	refusals_commit(&refusals);
	assert_true(refusals_is_empty(&refusals));
	/* A new minute. */
	assert_true(note(&refusals, NOW + 60));
}

static void a_sum_that_was_not_written_is_told_later(void **state)
{
	CLEANUP(refusals_deinit) struct refusals refusals = {.rows = NULL};

	(void)state;
	(void)note_many(&refusals, 100, NOW);
	refusals_tell(&refusals, refusals_get_over(&refusals, NOW + 60, false));
	/* One more, while the sum is on its way: it is not of that sum. */
	assert_true(note(&refusals, NOW + 60));
	refusals_rollback(&refusals);
	assert_int_equal(refusals_get_over(&refusals, NOW + 60, false)->n_counted,
		100 - REFUSALS_SINGLE_MAX);
	refusals_tell(&refusals, refusals_get_over(&refusals, NOW + 60, false));
	refusals_commit(&refusals);
	assert_int_equal(refusals_get_over(&refusals, NOW + 120, false)->n_counted, 1);
}

static void a_line_that_was_not_written_is_counted(void **state)
{
	CLEANUP(refusals_deinit) struct refusals refusals = {.rows = NULL};
	const struct refusals_row *row;

	(void)state;
	(void)note_many(&refusals, 5, NOW);
	assert_true(note(&refusals, NOW));
	assert_true(refusals_note(&refusals, "alice", ALICE, STATUS_LOCKED, NOW));
	refusals_rollback(&refusals);
	refusals_rollback(&refusals);
	row = refusals_get_over(&refusals, NOW, true);
	assert_int_equal(row->n_counted, 2);
	assert_int_equal(row->n_by_status[STATUS_DENIED], 1);
	assert_int_equal(row->n_by_status[STATUS_LOCKED], 1);
}

static void a_line_that_cannot_be_made_is_counted_once(void **state)
{
	CLEANUP(refusals_deinit) struct refusals refusals = {.rows = NULL};

	(void)state;
	assert_true(note(&refusals, NOW));
	refusals_count(&refusals, "alice", ALICE, STATUS_DENIED);
	refusals_rollback(&refusals);
	assert_int_equal(refusals_get_over(&refusals, NOW, true)->n_counted, 1);
	/* There is none that was promised a line. */
	refusals_count(&refusals, "alice", ALICE, STATUS_DENIED);
	refusals_count(&refusals, "nobody", ALICE, STATUS_DENIED);
	assert_int_equal(refusals_get_over(&refusals, NOW, true)->n_counted, 1);
}

static void who_was_not_refused_much_is_forgotten_after_the_minute(void **state)
{
	CLEANUP(refusals_deinit) struct refusals refusals = {.rows = NULL};

	(void)state;
	assert_true(note(&refusals, NOW));
	/* Not while his line can still be taken back. */
	assert_null(refusals_get_over(&refusals, NOW + 60, false));
	assert_false(refusals_is_empty(&refusals));
	refusals_commit(&refusals);
	assert_null(refusals_get_over(&refusals, NOW + 60, false));
	assert_true(refusals_is_empty(&refusals));
}

static void a_clock_that_is_set_back_ends_the_minute(void **state)
{
	CLEANUP(refusals_deinit) struct refusals refusals = {.rows = NULL};

	(void)state;
	(void)note_many(&refusals, 100, NOW);
	assert_non_null(refusals_get_over(&refusals, NOW - 1, false));
	assert_non_null(refusals_get_over(&refusals, -5, false));
}

static void users_without_a_place_are_counted_together(void **state)
{
	CLEANUP(refusals_deinit) struct refusals refusals = {.rows = NULL};
	char client[16];
	uint64_t n_lines = 0;
	uint64_t n_counted = 0;
	struct refusals_row *row;

	(void)state;
	for (unsigned int i = 0; i < 2 * REFUSALS_USERS_MAX; i++) {
		(void)snprintf(client, sizeof(client), "c%u", i);
		n_lines += refusals_note(&refusals, client, i, STATUS_DENIED, NOW);
	}
	assert_int_equal(refusals.n_rows, REFUSALS_USERS_MAX);
	assert_int_equal(n_lines, REFUSALS_USERS_MAX - 1 + REFUSALS_SINGLE_MAX);
	/* Of one who has no row of his own. */
	refusals_count(&refusals, "c400", 400, STATUS_DENIED);
	refusals_commit(&refusals);
	while ((row = refusals_get_over(&refusals, NOW, true)) != NULL) {
		assert_int_equal(row->uid, (uid_t)-1);
		n_counted += row->n_counted;
		refusals_tell(&refusals, row);
	}
	assert_int_equal(n_lines - 1 + n_counted, 2 * REFUSALS_USERS_MAX);
}

static void without_memory_each_has_a_line(void **state)
{
	CLEANUP(refusals_deinit) struct refusals refusals = {.rows = NULL};

	(void)state;
	*memory_is_out() = true;
	for (size_t i = 0; i < 100; i++)
		assert_true(note(&refusals, NOW));
	*memory_is_out() = false;
	assert_true(refusals_is_empty(&refusals));
	assert_int_equal(note_many(&refusals, 100, NOW), REFUSALS_SINGLE_MAX);
}

/* What the record would hold, and what waits for the end of the turn. */
struct books {
	uint64_t n_noted;
	uint64_t n_written;
	uint64_t n_turn; /* in lines and sums of this turn */
};

static void tell_all(
	struct books *books, struct refusals *refusals, int64_t now_s, bool is_end)
{
	struct refusals_row *row;

	while ((row = refusals_get_over(refusals, now_s, is_end)) != NULL) {
		books->n_turn += row->n_counted;
		refusals_tell(refusals, row);
	}
}

static void end_turn(struct books *books, struct refusals *refusals, bool is_written)
{
	if (is_written) {
		books->n_written += books->n_turn;
		refusals_commit(refusals);
	} else {
		refusals_rollback(refusals);
	}
	books->n_turn = 0;
}

static void note_one(struct books *books, struct refusals *refusals, int64_t now_s)
{
	static const char *const clients[] = {"", "a", "b", "c"};
	const char *client = clients[rand() % 4];
	const enum status status = rand() % 2 == 0 ? STATUS_DENIED : STATUS_BUSY;
	const uid_t uid = (uid_t)(rand() % 100);

	books->n_noted++;
	if (!refusals_note(refusals, client, uid, status, now_s))
		return;
	if (rand() % 10 == 0)
		refusals_count(refusals, client, uid, status);
	else
		books->n_turn++;
}

static void no_refusal_is_ever_lost(void **state)
{
	CLEANUP(refusals_deinit) struct refusals refusals = {.rows = NULL};
	struct books books = {.n_noted = 0};
	int64_t now_s = NOW;

	(void)state;
	srand(SEED);
	for (size_t i = 0; i < STEPS; i++) {
		const int what = rand() % 20;

		if (what < 16)
			note_one(&books, &refusals, now_s);
		else if (what == 16)
			tell_all(&books, &refusals, now_s, false);
		else if (what == 17)
			now_s += rand() % 40 - 5;
		else
			end_turn(&books, &refusals, what == 18);
	}
	tell_all(&books, &refusals, now_s, true);
	end_turn(&books, &refusals, true);
	assert_null(refusals_get_over(&refusals, now_s, true));
	assert_true(refusals_is_empty(&refusals));
	assert_int_equal(books.n_written, books.n_noted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_first_of_a_minute_have_a_line_and_the_others_a_sum),
		cmocka_unit_test(a_sum_that_was_not_written_is_told_later),
		cmocka_unit_test(a_line_that_was_not_written_is_counted),
		cmocka_unit_test(a_line_that_cannot_be_made_is_counted_once),
		cmocka_unit_test(
			who_was_not_refused_much_is_forgotten_after_the_minute),
		cmocka_unit_test(a_clock_that_is_set_back_ends_the_minute),
		cmocka_unit_test(users_without_a_place_are_counted_together),
		cmocka_unit_test(without_memory_each_has_a_line),
		cmocka_unit_test(no_refusal_is_ever_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
