/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "accounts.h"

#define OUTCOME(attempt, status)                                                       \
	"outcome", ",\"attempt\":" attempt ",\"status\":\"" status "\""

enum {
	STEPS_MAX = 8,
	N_MANY = 100000,
};

/* A line; its seq follows from its place. */
struct step {
	const char *kind; /* NULL: the end */
	const char *members;
	uint64_t open;
};

struct story {
	uint64_t first;
	struct step steps[STEPS_MAX];
	const char *why; /* of the last line; NULL: all are good */
};

static enum status add(struct accounts *accounts, uint64_t seq, const struct step *step,
	const char **why)
{
	const struct entry entry = {.seq = seq,
		.open = step->open,
		.kind = bytes_from_text(step->kind),
		.members = bytes_from_text(step->members)};

	*why = NULL;
	return accounts_add(accounts, &entry, why);
}

static void tell(const struct story *story, struct accounts *accounts)
{
	const char *why = NULL;

	for (size_t i = 0; story->steps[i].kind != NULL; i++) {
		const bool is_last = story->steps[i + 1].kind == NULL;
		const enum status status =
			add(accounts, story->first + i, &story->steps[i], &why);

		if (!is_last || story->why == NULL) {
			if (status != STATUS_OK)
				print_error("step %zu: %s\n", i, why);
			assert_int_equal(status, STATUS_OK);
			continue;
		}
		assert_int_equal(status, STATUS_BAD_FILE);
		assert_non_null(strstr(why, story->why));
	}
}

static const struct story stories[] = {
	{1, {{"start", "", 1}, {"stop", "", 2}}, NULL},
	{1, {{"attempt", "", 1}, {OUTCOME("1", "OK"), 2}, {"stop", "", 3}}, NULL},
	/* A line may still name the attempt that it closes. */
	{1, {{"attempt", "", 1}, {OUTCOME("1", "OK"), 1}, {"stop", "", 3}}, NULL},
	{1, {{"attempt", "", 1}, {OUTCOME("1", "OK"), 1}, {"stop", "", 1}}, "oldest"},
	{1, {{"attempt", "", 1}, {"stop", "", 2}}, "oldest"},
	{1, {{"start", "", 1}, {"attempt", "", 1}}, "oldest"},
	{1,
		{{"attempt", "", 1}, {"attempt", "", 1}, {OUTCOME("1", "TIMEOUT"), 2},
			{"stop", "", 2}, {OUTCOME("2", "OK"), 5}},
		NULL},
	{1,
		{{"attempt", "", 1}, {"attempt", "", 1}, {OUTCOME("2", "OK"), 1},
			{"stop", "", 2}},
		"oldest"},
	{1, {{"attempt", "", 1}, {OUTCOME("1", "OK"), 2}, {OUTCOME("1", "OK"), 3}},
		"had an outcome before"},
	{1,
		{{"attempt", "", 1}, {OUTCOME("1", "LOST"), 2},
			{"orphan", ",\"attempt\":1", 3}},
		"had an outcome before"},
	{1, {{"attempt", "", 1}, {"orphan", ",\"attempt\":1", 2}}, NULL},
	{1, {{"attempt", "", 1}, {"orphan", "", 1}}, "does not begin with the attempt"},
	{1, {{"start", "", 1}, {OUTCOME("1", "OK"), 2}}, "is none"},
	{1, {{"start", "", 1}, {OUTCOME("2", "OK"), 2}}, "does not stand before it"},
	{1, {{"start", "", 1}, {OUTCOME("3", "OK"), 2}}, "does not stand before it"},
	{1, {{"attempt", "", 1}, {"outcome", ",\"status\":\"OK\",\"attempt\":1", 2}},
		"does not begin with the attempt"},
	{1, {{"attempt", "", 1}, {"outcome", ",\"attempt\":1", 2}},
		"does not say which"},
	{1, {{"attempt", "", 1}, {"outcome", ",\"attempt\":1,\"x\":1", 2}},
		"does not say which"},
	{1,
		{{"attempt", "", 1}, {OUTCOME("1", "OK"), 2},
			{"undelivered", ",\"attempt\":1", 3}},
		NULL},
	{1,
		{{"attempt", "", 1}, {OUTCOME("1", "OKAY"), 2},
			{"undelivered", ",\"attempt\":1", 3}},
		"no outcome had released it"},
	{1, {{"attempt", "", 1}, {"undelivered", ",\"attempt\":1", 1}},
		"no outcome had released it"},
	{1,
		{{"attempt", "", 1}, {OUTCOME("1", "OK"), 2},
			{"undelivered", ",\"attempt\":1", 3},
			{"undelivered", ",\"attempt\":1", 4}},
		"no outcome had released it"},
	/* In the middle: what was before is not known. */
	{701,
		{{"rotate", "", 690}, {OUTCOME("650", "OK"), 690},
			{OUTCOME("690", "OK"), 695},
			{"undelivered", ",\"attempt\":5", 695},
			{"orphan", ",\"attempt\":695", 705}, {"stop", "", 706}},
		NULL},
	{701, {{"rotate", "", 690}, {"stop", "", 689}}, "oldest"},
	{701, {{"rotate", "", 690}, {"attempt", "", 690}, {"stop", "", 702}}, NULL},
	{701, {{"rotate", "", 690}, {"attempt", "", 690}, {"stop", "", 703}}, "oldest"},
	{701, {{"rotate", "", 701}, {"stop", "", 700}}, "oldest"},
	/* Kinds that are not known say nothing about attempts. */
	{1, {{"attempt", "", 1}, {"new-kind", ",\"attempt\":1", 1}, {"stop", "", 1}},
		NULL},
};

static void accounts_add_up_or_say_why_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
		CLEANUP(accounts_deinit) struct accounts accounts = ACCOUNTS_INIT;

		tell(&stories[i], &accounts);
	}
}

static void accounts_count_what_became_of_attempts(void **state)
{
	static const struct story story = {1,
		{{"attempt", "", 1}, {"attempt", "", 1}, {"attempt", "", 1},
			{OUTCOME("2", "OK"), 1}, {OUTCOME("3", "TIMEOUT"), 1},
			{"undelivered", ",\"attempt\":2", 1}, {"attempt", "", 1}},
		NULL};
	CLEANUP(accounts_deinit) struct accounts accounts = ACCOUNTS_INIT;
	const struct step orphan = {"orphan", ",\"attempt\":1", 7};
	const char *why;

	(void)state;
	tell(&story, &accounts);
	assert_int_equal(add(&accounts, 8, &orphan, &why), STATUS_OK);
	assert_int_equal(accounts.n_attempts, 4);
	assert_int_equal(accounts.n_released, 1);
	assert_int_equal(accounts.n_failed, 1);
	assert_int_equal(accounts.n_orphans, 1);
	assert_int_equal(accounts.n_undelivered, 1);
	assert_int_equal(accounts.n_open, 1);
}

static void accounts_need_two_bits_a_line(void **state)
{
	CLEANUP(accounts_deinit) struct accounts accounts = ACCOUNTS_INIT;
	struct step step = {"attempt", "", 0};
	char members[64];
	const char *why;

	(void)state;
	for (uint64_t i = 1; i <= N_MANY; i++) {
		step.open = 1;
		assert_int_equal(add(&accounts, i, &step, &why), STATUS_OK);
	}
	assert_true(accounts.states.len <= N_MANY / 4);
	/* From the last to the first, so that the oldest stays open to the end. */
	for (uint64_t i = N_MANY; i > 1; i--) {
		(void)snprintf(members, sizeof(members),
			",\"attempt\":%zu,\"status\":\"OK\"", (size_t)i);
		step = (struct step){"outcome", members, 1};
		assert_int_equal(
			add(&accounts, 2 * N_MANY - i + 1, &step, &why), STATUS_OK);
	}
	assert_int_equal(accounts.n_open, 1);
	accounts.states.max = accounts.states.len;
	step = (struct step){"stop", "", 1};
	while (accounts.last % 4 != 0)
		assert_int_equal(
			add(&accounts, accounts.last + 1, &step, &why), STATUS_OK);
	assert_int_equal(
		add(&accounts, accounts.last + 1, &step, &why), STATUS_NO_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accounts_add_up_or_say_why_not),
		cmocka_unit_test(accounts_count_what_became_of_attempts),
		cmocka_unit_test(accounts_need_two_bits_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
