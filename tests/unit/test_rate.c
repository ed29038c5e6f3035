/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets and counts of acts. At random they are held against what a bucket means, without
 * a bucket: in no stretch of time do more acts begin than burst and what the rate brings
 * in it. That is compared as fractions, nothing is rounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "policy/rate.h"

enum {
	BEGUN_MAX = 4000,
};

static struct rate_book *open_book(void)
{
	struct rate_book *book = NULL;

	assert_int_equal(rate_new(&book), STATUS_OK);
	return book;
}

/* One act that is over at once. Gives the time to wait, 0 when it was allowed. */
static uint32_t spend(
	struct rate_book *book, const struct policy_rate *limits, uint64_t now_ms)
{
	const struct rate_rule rule = {"ada", "login", limits};
	struct rate_use *use = NULL;
	uint32_t retry_after_ms = 99;
	const enum status status =
		rate_begin(book, &rule, now_ms, &retry_after_ms, &use);

	if (status == STATUS_OK) {
		assert_int_equal(retry_after_ms, 0);
		rate_finishp(&use);
		assert_null(use);
		return 0;
	}
	assert_int_equal(status, STATUS_RATE);
	assert_null(use);
	assert_in_range(retry_after_ms, 1, 1000);
	return retry_after_ms;
}

static void a_rule_without_limits_is_not_remembered(void **state)
{
	static const struct policy_rate none;
	CLEANUP(rate_freep) struct rate_book *book = open_book();

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(spend(book, &none, 5), 0);
	assert_int_equal(rate_get_n_rules(book), 0);
}

static void a_burst_and_then_the_rate(void **state)
{
	static const struct policy_rate limits = {.per_second = 20, .burst = 40};
	CLEANUP(rate_freep) struct rate_book *book = open_book();
	const uint64_t start = 1000000;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(spend(book, &limits, start), 0);
	assert_int_equal(spend(book, &limits, start), 50);
	assert_int_equal(spend(book, &limits, start + 49), 1);
	assert_int_equal(spend(book, &limits, start + 50), 0);
	assert_int_equal(spend(book, &limits, start + 50), 50);
	/* What is refused costs nothing; what was not used is saved up to the burst. */
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(spend(book, &limits, start + 1000000), 0);
	assert_int_equal(spend(book, &limits, start + 1000000), 50);
}

/* Three a second: 333.3 ms each, and after a thousand acts not a millisecond is lost. */
static void parts_of_a_millisecond_are_kept(void **state)
{
	static const struct policy_rate limits = {.per_second = 3, .burst = 2};
	CLEANUP(rate_freep) struct rate_book *book = open_book();

	(void)state;
	assert_int_equal(spend(book, &limits, 0), 0);
	assert_int_equal(spend(book, &limits, 0), 0);
	for (uint64_t i = 1; i <= 1000; i++) {
		const uint64_t due = (i * 1000 + 2) / 3;

		assert_int_equal(spend(book, &limits, due - 1), 1);
		assert_int_equal(spend(book, &limits, due), 0);
	}
}

static void the_ends_of_all_ranges_hold(void **state)
{
	static const struct policy_rate most = {
		.per_second = UINT32_MAX, .burst = UINT32_MAX};
	static const struct policy_rate slow = {.per_second = 1, .burst = UINT32_MAX};
	static const struct policy_rate no_burst = {.per_second = 1, .burst = 0};
	CLEANUP(rate_freep) struct rate_book *book = open_book();

	(void)state;
	assert_int_equal(spend(book, &most, 0), 0);
	assert_int_equal(spend(book, &most, UINT64_MAX), 0);
	assert_int_equal(spend(book, &slow, UINT64_MAX), 0);
	assert_int_equal(spend(book, &no_burst, UINT64_MAX), 0);
	assert_int_equal(spend(book, &no_burst, UINT64_MAX), 1000);
	/* The clock never goes back; if it did, nobody would gain by it. */
	assert_int_equal(spend(book, &no_burst, 0), 1000);
}

static void a_reload_keeps_the_level_of_a_bucket(void **state)
{
	static const struct policy_rate old = {.per_second = 1, .burst = 10};
	static const struct policy_rate larger = {.per_second = 2, .burst = 20};
	static const struct policy_rate smaller = {.per_second = 1, .burst = 3};
	static const struct policy_rate none;
	CLEANUP(rate_freep) struct rate_book *book = open_book();

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(spend(book, &old, 0), 0);
	/* Six are left, of which one goes now. */
	assert_int_equal(spend(book, &larger, 0), 0);
	assert_int_equal(spend(book, &smaller, 0), 0);
	assert_int_equal(spend(book, &smaller, 0), 0);
	assert_int_equal(spend(book, &smaller, 0), 0);
	assert_int_equal(spend(book, &smaller, 0), 1000);
	assert_int_equal(spend(book, &larger, 0), 500);
	assert_int_equal(spend(book, &none, 0), 0);
	assert_int_equal(spend(book, &larger, 500), 0);
}

static void clients_and_rules_have_buckets_of_their_own(void **state)
{
	static const struct policy_rate limits = {.per_second = 1, .burst = 1};
	static const struct rate_rule rules[] = {
		{"ada", "login", &limits},
		{"ada", "sign", &limits},
		{"bob", "login", &limits},
		/* The names run together would be those of the first. */
		{"adal", "ogin", &limits},
	};
	CLEANUP(rate_freep) struct rate_book *book = open_book();
	struct rate_use *use = NULL;
	uint32_t retry;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		assert_int_equal(
			rate_begin(book, &rules[i], 7, &retry, &use), STATUS_OK);
		rate_finishp(&use);
		assert_int_equal(
			rate_begin(book, &rules[i], 7, &retry, &use), STATUS_RATE);
		assert_int_equal(retry, 1000);
	}
	assert_int_equal(rate_get_n_rules(book), ARRAY_LEN(rules));
}

static void acts_under_way_are_counted_until_they_are_over(void **state)
{
	static const struct policy_rate limits = {
		.per_second = 1, .burst = 3, .concurrent = 2};
	static const struct policy_rate fewer = {.concurrent = 1};
	struct rate_rule rule = {"ada", "login", &limits};
	CLEANUP(rate_freep) struct rate_book *book = open_book();
	struct rate_use *uses[3] = {NULL, NULL, NULL};
	uint32_t retry = 99;

	(void)state;
	assert_int_equal(rate_begin(book, &rule, 0, &retry, &uses[0]), STATUS_OK);
	assert_int_equal(rate_begin(book, &rule, 0, &retry, &uses[1]), STATUS_OK);
	retry = 99;
	assert_int_equal(
		rate_begin(book, &rule, 0, &retry, &uses[2]), STATUS_CONCURRENT);
	assert_null(uses[2]);
	assert_int_equal(retry, 0);
	/* The refusal cost nothing of the rate. */
	rate_finishp(&uses[0]);
	assert_int_equal(rate_begin(book, &rule, 0, &retry, &uses[2]), STATUS_OK);
	rate_finishp(&uses[2]);
	assert_int_equal(rate_begin(book, &rule, 0, &retry, &uses[2]), STATUS_RATE);
	/* A reload counts those that are under way. */
	rule.limits = &fewer;
	assert_int_equal(
		rate_begin(book, &rule, 0, &retry, &uses[2]), STATUS_CONCURRENT);
	rate_finishp(&uses[1]);
	assert_int_equal(rate_begin(book, &rule, 0, &retry, &uses[2]), STATUS_OK);
	rate_finishp(&uses[2]);
	rate_finishp(&uses[2]);
}

static void what_is_spent_is_not_forgotten(void **state)
{
	static const struct policy_rate limits = {.per_second = 1, .burst = 1};
	CLEANUP(rate_freep) struct rate_book *book = open_book();

	(void)state;
	assert_int_equal(spend(book, &limits, 0), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		char name[16];
		const struct rate_rule rule = {name, "login", &limits};
		struct rate_use *use = NULL;
		uint32_t retry;

		(void)snprintf(name, sizeof(name), "c%u", i);
		assert_int_equal(rate_begin(book, &rule, i, &retry, &use), STATUS_OK);
		rate_finishp(&use);
	}
	assert_int_equal(spend(book, &limits, 999), 1);
}

static void what_is_full_and_idle_is_forgotten(void **state)
{
	static const struct policy_rate limits = {.per_second = 10, .burst = 1};
	static const struct policy_rate one = {.concurrent = 1};
	CLEANUP(rate_freep) struct rate_book *book = open_book();
	const struct rate_rule busy = {"busy", "login", &one};
	struct rate_use *held = NULL;
	uint32_t retry;

	(void)state;
	assert_int_equal(rate_begin(book, &busy, 0, &retry, &held), STATUS_OK);
	for (uint64_t i = 0; i < 100000; i++) {
		char name[16];
		const struct rate_rule rule = {name, "login", &limits};
		struct rate_use *use = NULL;

		(void)snprintf(name, sizeof(name), "c%llu", (unsigned long long)i);
		assert_int_equal(rate_begin(book, &rule, i, &retry, &use), STATUS_OK);
		rate_finishp(&use);
		/* A bucket fills in 100 ms, so 101 are in use, beside the busy one. */
		assert_true(rate_get_n_rules(book) <= 2 * 102);
	}
	assert_int_equal(
		rate_begin(book, &busy, 100000, &retry, &held), STATUS_CONCURRENT);
	rate_finishp(&held);
}

/* When each act began. */
struct history {
	struct policy_rate limits;
	uint64_t begun_ms[BEGUN_MAX];
	size_t n_begun;
};

/* Whether one more may begin now: for each stretch that ends now and begins with an act. */
static bool may_begin(const struct history *history, uint64_t now_ms)
{
	for (size_t i = 0; i < history->n_begun; i++) {
		const uint64_t n = history->n_begun - i + 1;
		const uint64_t ms = now_ms - history->begun_ms[i];

		if (n * 1000 > history->limits.burst * (uint64_t)1000 +
				       ms * history->limits.per_second)
			return false;
	}
	return history->limits.burst >= 1;
}

static uint32_t roll(uint64_t *random, uint32_t n)
{
	*random =
		*random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*random >> 33) % n;
}

static void live(struct history *history, uint64_t *random)
{
	CLEANUP(rate_freep) struct rate_book *book = open_book();
	const uint32_t pause_max = 1 + 1500 / history->limits.per_second;
	uint64_t now_ms = roll(random, 100000);

	for (size_t i = 0; i < BEGUN_MAX; i++) {
		const uint32_t wait = spend(book, &history->limits, now_ms);

		assert_int_equal(wait == 0, may_begin(history, now_ms));
		if (wait == 0) {
			history->begun_ms[history->n_begun++] = now_ms;
		} else {
			assert_true(may_begin(history, now_ms + wait));
			assert_false(may_begin(history, now_ms + wait - 1));
		}
		now_ms += roll(random, 200) == 0 ? roll(random, 20 * pause_max)
						 : roll(random, pause_max);
	}
}

static void a_bucket_is_exactly_burst_and_rate_in_any_stretch_of_time(void **state)
{
	static struct history history;
	uint64_t random = 20261124;

	(void)state;
	for (size_t i = 0; i < 30; i++) {
		history = (struct history){
			.limits = {
				.per_second = 1 + roll(&random, i % 2 == 0 ? 10 : 3000),
				.burst = 1 + roll(&random, i % 3 == 0 ? 1 : 50)}};
		live(&history, &random);
		assert_true(history.n_begun > history.limits.burst);
		assert_true(history.n_begun < BEGUN_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_without_limits_is_not_remembered),
		cmocka_unit_test(a_burst_and_then_the_rate),
		cmocka_unit_test(parts_of_a_millisecond_are_kept),
		cmocka_unit_test(the_ends_of_all_ranges_hold),
		cmocka_unit_test(a_reload_keeps_the_level_of_a_bucket),
		cmocka_unit_test(clients_and_rules_have_buckets_of_their_own),
		cmocka_unit_test(acts_under_way_are_counted_until_they_are_over),
		cmocka_unit_test(what_is_spent_is_not_forgotten),
		cmocka_unit_test(what_is_full_and_idle_is_forgotten),
		cmocka_unit_test(
			a_bucket_is_exactly_burst_and_rate_in_any_stretch_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
