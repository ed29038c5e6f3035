/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is, first by examples, then at random against what line.h promises: the
 * test keeps its own books of who waits and who had how many turns since.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "seal/line.h"

enum {
	CLIENTS = 8,
	LINKS = 400,
	STEPS = 200000,
};

struct waiter {
	struct line_link link;
	size_t client;
	uint32_t order; /* among those of its client */
	bool is_first;
};

static const char *const names[CLIENTS] = {
	"ada", "bob", "cor", "dik", "eva", "fay", "gus", "hal"};

static struct waiter *put(
	struct line *line, struct waiter *waiter, size_t client, uint32_t weight)
{
	*waiter = (struct waiter){.client = client};
	waiter->link.thing = waiter;
	assert_int_equal(
		line_put(line, &waiter->link, names[client], weight), STATUS_OK);
	return waiter;
}

static struct waiter *take(struct line *line)
{
	struct line_link *link = line_peek(line);

	assert_non_null(link);
	line_take(line, link);
	return link->thing;
}

/* Takes n turns, and says whose they were: "a" for ada … */
static const char *take_turns(struct line *line, size_t n)
{
	static char turns[LINKS];

	assert_true(n < sizeof(turns));
	for (size_t i = 0; i < n; i++)
		turns[i] = names[take(line)->client][0];
	turns[n] = '\0';
	return turns;
}

static void empty(struct line *line)
{
	while (line_peek(line) != NULL)
		line_take(line, line_peek(line));
	line_deinit(line);
}

static void one_client_is_served_in_the_order_it_came(void **state)
{
	struct waiter waiters[10];
	struct line line;

	(void)state;
	line_init(&line, 100, 1);
	assert_null(line_peek(&line));
	for (size_t i = 0; i < ARRAY_LEN(waiters); i++)
		put(&line, &waiters[i], 0, 1);
	assert_int_equal(line_count(&line, "ada"), 10);
	for (size_t i = 0; i < ARRAY_LEN(waiters); i++)
		assert_ptr_equal(take(&line), &waiters[i]);
	assert_null(line_peek(&line));
	line_deinit(&line);
}

static void who_asks_now_and_then_is_next(void **state)
{
	struct waiter greedy[50];
	struct waiter modest[3];
	struct line line;

	(void)state;
	line_init(&line, 100, 2);
	for (size_t i = 0; i < ARRAY_LEN(greedy); i++)
		put(&line, &greedy[i], 0, 1);
	assert_string_equal(take_turns(&line, 5), "aaaaa");
	for (size_t i = 0; i < ARRAY_LEN(modest); i++) {
		put(&line, &modest[i], 1, 1);
		assert_string_equal(take_turns(&line, 3), "baa");
	}
	empty(&line);
}

/* Its weight gives the greedy one more turns, and no way to let others wait for them. */
static void a_newcomer_comes_before_second_turns(void **state)
{
	struct waiter greedy[50];
	struct waiter modest[2];
	struct line line;

	(void)state;
	line_init(&line, 100, 2);
	for (size_t i = 0; i < ARRAY_LEN(greedy); i++)
		put(&line, &greedy[i], 0, 5);
	assert_string_equal(take_turns(&line, 2), "aa");
	put(&line, &modest[0], 1, 1);
	put(&line, &modest[1], 1, 1);
	assert_string_equal(take_turns(&line, 6), "baaaba");
	empty(&line);
}

static void weights_are_shares(void **state)
{
	struct waiter waiters[90];
	struct line line;

	(void)state;
	line_init(&line, 1000, 3);
	for (size_t i = 0; i < ARRAY_LEN(waiters); i++)
		put(&line, &waiters[i], i % 3, i % 3 == 2 ? 4 : 1);
	assert_string_equal(take_turns(&line, 12), "abcccc"
						   "abcccc");
	empty(&line);
}

/* What it had left of the old weight in this round is gone too. */
static void a_smaller_weight_counts_at_once(void **state)
{
	struct waiter greedy[10];
	struct waiter modest[3];
	struct line line;

	(void)state;
	line_init(&line, 100, 2);
	put(&line, &greedy[0], 0, 5);
	assert_string_equal(take_turns(&line, 1), "a");
	for (size_t i = 1; i < ARRAY_LEN(greedy); i++)
		put(&line, &greedy[i], 0, 2);
	for (size_t i = 0; i < ARRAY_LEN(modest); i++)
		put(&line, &modest[i], 1, 1);
	assert_string_equal(take_turns(&line, 6), "baabaa");
	empty(&line);
}

/* Alone or not: one that always has just one request gets no more than its turn. */
static void coming_back_is_no_way_to_a_better_place(void **state)
{
	struct waiter waiters[50];
	struct waiter quick;
	struct line line;

	(void)state;
	line_init(&line, 100, 3);
	for (size_t i = 0; i < ARRAY_LEN(waiters); i++)
		put(&line, &waiters[i], i % 2, 1);
	for (size_t i = 0; i < 10; i++) {
		put(&line, &quick, 2, 1);
		assert_string_equal(take_turns(&line, 3), "abc");
	}
	empty(&line);
}

static void being_away_saves_up_nothing(void **state)
{
	struct waiter waiters[60];
	struct waiter back[30];
	struct line line;

	(void)state;
	line_init(&line, 200, 2);
	for (size_t i = 0; i < ARRAY_LEN(waiters); i++)
		put(&line, &waiters[i], 0, 1);
	put(&line, &back[0], 1, 1);
	assert_string_equal(take_turns(&line, 32), "abaaaaaaaaaaaaaa"
						   "aaaaaaaaaaaaaaaa");
	for (size_t i = 0; i < ARRAY_LEN(back); i++)
		put(&line, &back[i], 1, 1);
	assert_string_equal(take_turns(&line, 10), "bababababa");
	empty(&line);
}

static void what_was_out_stands_before_everybody_and_costs_no_turn(void **state)
{
	struct waiter waiters[4];
	struct waiter *lost[2];
	struct line line;

	(void)state;
	line_init(&line, 4, 1);
	put(&line, &waiters[0], 0, 1);
	put(&line, &waiters[1], 0, 1);
	lost[0] = take(&line);
	lost[1] = take(&line);
	put(&line, &waiters[2], 1, 1);
	put(&line, &waiters[3], 0, 1);
	line_put_first(&line, &lost[0]->link);
	line_put_first(&line, &lost[1]->link);
	assert_int_equal(line.n_waiting, 4);
	assert_int_equal(line_count(&line, "ada"), 1);
	assert_ptr_equal(take(&line), lost[0]);
	assert_ptr_equal(take(&line), lost[1]);
	assert_string_equal(take_turns(&line, 2), "ba");
	line_put_first(&line, &lost[0]->link);
	line_remove(&line, &lost[0]->link);
	assert_null(line_peek(&line));
	line_deinit(&line);
}

static void who_leaves_without_a_turn_has_lost_none(void **state)
{
	struct waiter waiters[4];
	struct line line;

	(void)state;
	line_init(&line, 10, 2);
	put(&line, &waiters[0], 0, 1);
	put(&line, &waiters[1], 1, 1);
	line_remove(&line, &waiters[0].link);
	put(&line, &waiters[0], 0, 1);
	assert_string_equal(take_turns(&line, 2), "ba");
	put(&line, &waiters[0], 0, 1);
	put(&line, &waiters[2], 0, 1);
	line_remove(&line, &waiters[0].link);
	assert_ptr_equal(take(&line), &waiters[2]);
	line_deinit(&line);
}

/* The test's own books. */
struct books {
	struct line line;
	struct waiter waiters[LINKS];
	uint32_t weight[CLIENTS];
	uint32_t n_waiting[CLIENTS];
	uint32_t n_put[CLIENTS];
	uint32_t last_order[CLIENTS];
	uint32_t turns[CLIENTS][CLIENTS]; /* [x][y]: of y since x's turn or coming */
	uint64_t n_firsts;
	uint64_t random;
};

static uint32_t roll(struct books *books, uint32_t n)
{
	books->random = books->random * UINT64_C(6364136223846793005) +
			UINT64_C(1442695040888963407);
	return (uint32_t)(books->random >> 33) % n;
}

static uint32_t share_of(const struct books *books)
{
	return books->line.max / 2 / CLIENTS == 0 ? 1 : books->line.max / 2 / CLIENTS;
}

static bool has_place(const struct books *books, size_t client)
{
	uint32_t n_common = 0;

	for (size_t i = 0; i < CLIENTS; i++) {
		if (books->n_waiting[i] > share_of(books))
			n_common += books->n_waiting[i] - share_of(books);
	}
	return books->n_waiting[client] < share_of(books) ||
	       n_common + share_of(books) * CLIENTS < books->line.max;
}

static void try_put(struct books *books, struct waiter *waiter, size_t client)
{
	const bool is_expected = has_place(books, client);
	enum status status;

	if (waiter->link.is_waiting)
		return;
	*waiter = (struct waiter){.client = client, .order = ++books->n_put[client]};
	waiter->link.thing = waiter;
	assert_int_equal(line_can_join(&books->line, names[client]), is_expected);
	status = line_put(
		&books->line, &waiter->link, names[client], books->weight[client]);
	assert_int_equal(status, is_expected ? STATUS_OK : STATUS_BUSY);
	if (!is_expected)
		return;
	if (books->n_waiting[client]++ > 0)
		return;
	memset(books->turns[client], 0, sizeof(books->turns[client]));
}

static void note_turn(struct books *books, const struct waiter *waiter)
{
	const size_t client = waiter->client;

	/* First come, first served among its own. */
	assert_true(waiter->order > books->last_order[client]);
	books->last_order[client] = waiter->order;
	books->n_waiting[client]--;
	for (size_t i = 0; i < CLIENTS; i++) {
		if (i == client || books->n_waiting[i] == 0)
			continue;
		books->turns[i][client]++;
		assert_true(books->turns[i][client] <= books->weight[client]);
	}
	memset(books->turns[client], 0, sizeof(books->turns[client]));
}

static void try_take(struct books *books)
{
	struct line_link *link = line_peek(&books->line);
	struct waiter *waiter;

	if (link == NULL)
		return;
	waiter = link->thing;
	assert_true(books->n_firsts == 0 || waiter->is_first);
	line_take(&books->line, link);
	if (waiter->is_first) {
		books->n_firsts--;
		waiter->is_first = false;
		return;
	}
	note_turn(books, waiter);
	/* Now and then its job comes to nothing. */
	if (roll(books, 50) > 0)
		return;
	waiter->is_first = true;
	books->n_firsts++;
	line_put_first(&books->line, &waiter->link);
}

static void try_remove(struct books *books, struct waiter *waiter)
{
	if (!waiter->link.is_waiting)
		return;
	line_remove(&books->line, &waiter->link);
	if (waiter->is_first)
		books->n_firsts--;
	else
		books->n_waiting[waiter->client]--;
	waiter->is_first = false;
}

static void step(struct books *books)
{
	struct waiter *waiter = &books->waiters[roll(books, LINKS)];
	const uint32_t what = roll(books, 100);
	uint64_t n = books->n_firsts;

	/* ada and bob are greedy, the others ask now and then. */
	if (what < 30)
		try_put(books, waiter, roll(books, 2));
	else if (what < 55)
		try_put(books, waiter, roll(books, CLIENTS));
	else if (what < 97)
		try_take(books);
	else
		try_remove(books, waiter);
	n = books->n_firsts;
	for (size_t i = 0; i < CLIENTS; i++) {
		assert_int_equal(
			line_count(&books->line, names[i]), books->n_waiting[i]);
		n += books->n_waiting[i];
	}
	assert_int_equal(books->line.n_waiting, n);
	assert_int_equal(line_peek(&books->line) == NULL, n == 0);
}

static void nobody_waits_for_more_turns_than_others_weigh(void **state)
{
	static const uint32_t max[] = {1, 20, 200};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(max); i++) {
		static struct books books;

		books = (struct books){.random = 20261124 + i};
		for (size_t j = 0; j < CLIENTS; j++)
			books.weight[j] = 1 + roll(&books, i == 0 ? 1 : 5);
		line_init(&books.line, max[i], CLIENTS);
		for (size_t j = 0; j < STEPS; j++)
			step(&books);
		empty(&books.line);
	}
}

/* A hundred that ask in turn, one request each, beside one that always waits. */
static void many_that_come_and_go_do_not_starve_who_stays(void **state)
{
	struct waiter guest;
	struct waiter resident;
	struct line line;
	size_t n_resident = 0;

	(void)state;
	line_init(&line, 1000, 101);
	put(&line, &resident, 0, 1);
	for (size_t i = 0; i < 20000; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "guest-%zu", i % 100);
		guest = (struct waiter){.client = 1};
		guest.link.thing = &guest;
		assert_int_equal(line_put(&line, &guest.link, name, 1), STATUS_OK);
		if (take(&line) == &resident) {
			n_resident++;
			put(&line, &resident, 0, 1);
			assert_ptr_equal(take(&line), &guest);
		}
	}
	/* One turn in each round of a hundred guests. */
	assert_int_equal(n_resident, 200);
	empty(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_client_is_served_in_the_order_it_came),
		cmocka_unit_test(who_asks_now_and_then_is_next),
		cmocka_unit_test(a_newcomer_comes_before_second_turns),
		cmocka_unit_test(weights_are_shares),
		cmocka_unit_test(a_smaller_weight_counts_at_once),
		cmocka_unit_test(coming_back_is_no_way_to_a_better_place),
		cmocka_unit_test(being_away_saves_up_nothing),
		cmocka_unit_test(
			what_was_out_stands_before_everybody_and_costs_no_turn),
		cmocka_unit_test(who_leaves_without_a_turn_has_lost_none),
		cmocka_unit_test(nobody_waits_for_more_turns_than_others_weigh),
		cmocka_unit_test(many_that_come_and_go_do_not_starve_who_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
