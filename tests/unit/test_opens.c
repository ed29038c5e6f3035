/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which attempts have no outcome, first by examples, then at random against a table that
 * is kept the simple way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "memory_fake.h"
#include "policy/opens.h"

enum {
	STEPS = 200000,
	ATTEMPTS = 64, /* of the table: as many are open at once, at most */
	SEED = 20261124,
};

static void put_written(struct opens *opens, uint64_t seq)
{
	assert_int_equal(opens_put(opens, seq), STATUS_OK);
	opens_commit(opens);
}

static void an_attempt_is_open_until_its_outcome_is_written(void **state)
{
	CLEANUP(opens_deinit) struct opens opens = {.rows = NULL};

	(void)state;
	assert_int_equal(opens_get_oldest(&opens), 0);
	put_written(&opens, 3);
	put_written(&opens, 5);
	assert_int_equal(opens_get_oldest(&opens), 3);
	assert_true(opens_close(&opens, 3));
	assert_int_equal(opens_get_oldest(&opens), 5);
	assert_false(opens_close(&opens, 3));
	opens_commit(&opens);
	assert_int_equal(opens.n_rows, 1);
	assert_false(opens_close(&opens, 3));
	assert_false(opens_close(&opens, 4));
	assert_false(opens_close(&opens, 6));
	assert_int_equal(opens_get_abandoned(&opens), 0);
}

static void an_attempt_that_was_not_written_never_was(void **state)
{
	CLEANUP(opens_deinit) struct opens opens = {.rows = NULL};

	(void)state;
	put_written(&opens, 3);
	assert_int_equal(opens_put(&opens, 5), STATUS_OK);
	assert_int_equal(opens_put(&opens, 6), STATUS_OK);
	assert_true(opens_close(&opens, 6));
	opens_rollback(&opens);
	assert_int_equal(opens.n_rows, 1);
	assert_int_equal(opens_get_abandoned(&opens), 0);
	/* And its number is given again. */
	put_written(&opens, 5);
}

static void an_outcome_that_was_not_written_leaves_an_orphan(void **state)
{
	CLEANUP(opens_deinit) struct opens opens = {.rows = NULL};

	(void)state;
	put_written(&opens, 3);
	put_written(&opens, 5);
	assert_true(opens_close(&opens, 5));
	opens_rollback(&opens);
	assert_int_equal(opens_get_abandoned(&opens), 5);
	assert_int_equal(opens_get_oldest(&opens), 3);
	/* Its orphan line is like an outcome. */
	assert_true(opens_close(&opens, 5));
	assert_int_equal(opens_get_abandoned(&opens), 0);
	opens_rollback(&opens);
	assert_int_equal(opens_get_abandoned(&opens), 5);
	assert_true(opens_close(&opens, 5));
	opens_commit(&opens);
	assert_int_equal(opens.n_rows, 1);
}

static void what_could_not_be_added_is_abandoned_or_forgotten(void **state)
{
	CLEANUP(opens_deinit) struct opens opens = {.rows = NULL};

	(void)state;
	put_written(&opens, 3);
	assert_true(opens_close(&opens, 3));
	opens_abandon(&opens, 3);
	opens_abandon(&opens, 4);
	opens_commit(&opens);
	assert_int_equal(opens_get_abandoned(&opens), 3);
	assert_int_equal(opens_put(&opens, 7), STATUS_OK);
	opens_take_back(&opens, 7);
	assert_int_equal(opens.n_rows, 1);
}

static void the_end_abandons_only_what_has_no_outcome_on_its_way(void **state)
{
	CLEANUP(opens_deinit) struct opens opens = {.rows = NULL};

	(void)state;
	put_written(&opens, 3);
	put_written(&opens, 5);
	put_written(&opens, 6);
	assert_true(opens_close(&opens, 5));
	opens_abandon_all(&opens);
	assert_int_equal(opens_get_abandoned(&opens), 3);
	assert_true(opens_close(&opens, 3));
	assert_int_equal(opens_get_abandoned(&opens), 6);
	assert_true(opens_close(&opens, 6));
	assert_int_equal(opens_get_abandoned(&opens), 0);
	assert_int_equal(opens_get_oldest(&opens), 0);
}

static void there_is_a_maximum(void **state)
{
	CLEANUP(opens_deinit) struct opens opens = {.rows = NULL};

	(void)state;
	for (uint64_t seq = 1; seq <= OPENS_MAX; seq++)
		assert_int_equal(opens_put(&opens, seq), STATUS_OK);
	assert_int_equal(opens_put(&opens, OPENS_MAX + 1), STATUS_NO_MEMORY);
	assert_true(opens_close(&opens, 1));
	opens_commit(&opens);
	assert_int_equal(opens_put(&opens, OPENS_MAX + 1), STATUS_OK);
}

static void without_memory_nothing_is_put(void **state)
{
	CLEANUP(opens_deinit) struct opens opens = {.rows = NULL};

	(void)state;
	*memory_is_out() = true;
	assert_int_equal(opens_put(&opens, 1), STATUS_NO_MEMORY);
	*memory_is_out() = false;
	assert_int_equal(opens.n_rows, 0);
	put_written(&opens, 1);
}

/* An attempt as the test knows it. */
struct attempt {
	uint64_t seq; /* 0: none */
	bool is_written;
	bool is_closing;
	bool is_abandoned;
};

struct books {
	struct attempt attempts[ATTEMPTS];
	uint64_t written; /* seq */
	uint64_t head;
};

static struct attempt *pick(struct books *books)
{
	return &books->attempts[(size_t)rand() % ATTEMPTS];
}

static void put_one(struct books *books, struct opens *opens)
{
	struct attempt *attempt = pick(books);

	if (attempt->seq != 0)
		return;
	*attempt = (struct attempt){.seq = ++books->head};
	assert_int_equal(opens_put(opens, attempt->seq), STATUS_OK);
}

static void close_one(struct books *books, struct opens *opens)
{
	struct attempt *attempt = pick(books);

	if (attempt->seq == 0)
		return;
	assert_int_equal(opens_close(opens, attempt->seq), !attempt->is_closing);
	attempt->is_closing = true;
	attempt->is_abandoned = false;
}

static void end_turn(struct books *books, struct opens *opens, bool is_written)
{
	for (size_t i = 0; i < ATTEMPTS; i++) {
		struct attempt *attempt = &books->attempts[i];

		if (is_written ? attempt->is_closing : !attempt->is_written)
			*attempt = (struct attempt){.seq = 0};
		attempt->is_abandoned |= attempt->is_closing;
		attempt->is_closing = false;
		attempt->is_written = attempt->seq != 0;
	}
	if (is_written) {
		books->written = books->head;
		opens_commit(opens);
		return;
	}
	books->head = books->written;
	opens_rollback(opens);
}

static void compare(const struct books *books, const struct opens *opens)
{
	uint64_t oldest = 0;
	uint64_t abandoned = 0;
	size_t n = 0;

	for (size_t i = 0; i < ATTEMPTS; i++) {
		const struct attempt *attempt = &books->attempts[i];

		n += attempt->seq != 0;
		if (attempt->seq == 0 || attempt->is_closing)
			continue;
		if (oldest == 0 || attempt->seq < oldest)
			oldest = attempt->seq;
		if (attempt->is_abandoned &&
			(abandoned == 0 || attempt->seq < abandoned))
			abandoned = attempt->seq;
	}
	assert_int_equal(opens->n_rows, n);
	assert_int_equal(opens_get_oldest(opens), oldest);
	assert_int_equal(opens_get_abandoned(opens), abandoned);
}

static void a_random_life_ends_as_in_the_books(void **state)
{
	CLEANUP(opens_deinit) struct opens opens = {.rows = NULL};
	struct books books;

	(void)state;
	memset(&books, 0, sizeof(books));
	srand(SEED);
	for (size_t i = 0; i < STEPS; i++) {
		const int what = rand() % 10;

		if (what < 4)
			put_one(&books, &opens);
		else if (what < 8)
			close_one(&books, &opens);
		else
			end_turn(&books, &opens, what == 8);
		compare(&books, &opens);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_attempt_is_open_until_its_outcome_is_written),
		cmocka_unit_test(an_attempt_that_was_not_written_never_was),
		cmocka_unit_test(an_outcome_that_was_not_written_leaves_an_orphan),
		cmocka_unit_test(what_could_not_be_added_is_abandoned_or_forgotten),
		cmocka_unit_test(the_end_abandons_only_what_has_no_outcome_on_its_way),
		cmocka_unit_test(there_is_a_maximum),
		cmocka_unit_test(without_memory_nothing_is_put),
		cmocka_unit_test(a_random_life_ends_as_in_the_books),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
