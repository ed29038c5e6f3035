/* SPDX-License-Identifier: Apache-2.0 */
/* Who may have how much: reserves, the shared rest, the strangers, and what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/quota.h"

/* 100 in all, 10 of them for strangers; of bytes the strangers have none. */
static const struct quota_setup setup = {
	.total = {100, 100, 100},
	.reserved = {20, 20, 20},
	.stranger = {10, 0, 10},
};

/* Which allocation fails, counted from now; 0: none. */
static size_t *failing(void)
{
	static size_t n;

	return &n;
}

void *__wrap_calloc(size_t n, size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);

static bool fails_now(void)
{
	return *failing() > 0 && --*failing() == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

static struct quota *new_quota(size_t n_clients)
{
	struct quota *quota = NULL;

	assert_int_equal(quota_new(&setup, &quota), STATUS_OK);
	quota_set_clients(quota, n_clients);
	return quota;
}

static struct quota_account *open_account(
	struct quota *quota, const char *client, uid_t uid)
{
	struct quota_account *account = NULL;

	assert_int_equal(quota_open(quota, client, uid, &account), STATUS_OK);
	return account;
}

/* Takes one at a time until it is refused. */
static uint64_t take_all(struct quota_account *account)
{
	uint64_t n = 0;

	while (quota_charge(account, QUOTA_CONNECTIONS, 1) == STATUS_OK)
		n++;
	assert_int_equal(quota_get(account, QUOTA_CONNECTIONS), n);
	return n;
}

static void give_all(struct quota_account **account)
{
	for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++)
		quota_refund(*account, kind, quota_get(*account, kind));
	quota_closep(account);
	assert_null(*account);
}

static void an_account_is_of_a_client_and_a_user(void **state)
{
	CLEANUP(quota_freep) struct quota *quota = new_quota(2);
	struct quota_account *a = open_account(quota, "a", 1);
	struct quota_account *again = open_account(quota, "a", 1);
	struct quota_account *other = open_account(quota, "a", 2);
	struct quota_account *b = open_account(quota, "b", 1);

	(void)state;
	assert_ptr_equal(a, again);
	assert_ptr_not_equal(a, other);
	assert_ptr_not_equal(a, b);
	assert_int_equal(quota_charge(a, QUOTA_BYTES, 3), STATUS_OK);
	assert_int_equal(quota_get(again, QUOTA_BYTES), 3);
	assert_int_equal(quota_get(a, QUOTA_CONNECTIONS), 0);
	assert_int_equal(quota_get(other, QUOTA_BYTES), 0);
	/* Not the last to close it: the charge may stay. */
	quota_closep(&again);
	assert_int_equal(quota_get(a, QUOTA_BYTES), 3);
	give_all(&other);
	give_all(&a);
	give_all(&b);
	quota_closep(&b);
}

static void strangers_share_one_account(void **state)
{
	CLEANUP(quota_freep) struct quota *quota = new_quota(1);
	struct quota_account *a = open_account(quota, "", 1);
	struct quota_account *b = open_account(quota, "", 2);

	(void)state;
	assert_ptr_equal(a, b);
	assert_int_equal(take_all(a), 10);
	assert_int_equal(quota_charge(b, QUOTA_BYTES, 1), STATUS_BUSY);
	assert_int_equal(quota_charge(b, QUOTA_REQUESTS, 10), STATUS_OK);
	quota_closep(&b);
	give_all(&a);
}

static void strangers_cost_no_client_anything(void **state)
{
	CLEANUP(quota_freep) struct quota *quota = new_quota(1);
	struct quota_account *client = open_account(quota, "a", 1);
	struct quota_account *stranger = open_account(quota, "", 2);
	const uint64_t alone = take_all(client);

	(void)state;
	quota_refund(client, QUOTA_CONNECTIONS, alone);
	assert_int_equal(take_all(stranger), 10);
	assert_int_equal(take_all(client), alone);
	quota_set_clients(quota, 1);
	quota_refund(client, QUOTA_CONNECTIONS, alone);
	assert_int_equal(take_all(client), alone);
	give_all(&stranger);
	give_all(&client);
}

/* 90 for clients, 20 reserved for each of two: 50 are shared. */
static void the_greedy_one_gets_his_reserve_and_half_of_the_rest(void **state)
{
	CLEANUP(quota_freep) struct quota *quota = new_quota(2);
	struct quota_account *greedy = open_account(quota, "a", 1);
	struct quota_account *late = open_account(quota, "b", 2);

	(void)state;
	assert_int_equal(take_all(greedy), 20 + 25);
	assert_int_equal(take_all(late), 20 + 12);
	/* What comes back may be had again, by the same rule. */
	quota_refund(greedy, QUOTA_CONNECTIONS, 45);
	assert_int_equal(take_all(greedy), 20 + 19);
	give_all(&greedy);
	give_all(&late);
}

static void a_reserve_waits_for_its_client(void **state)
{
	CLEANUP(quota_freep) struct quota *quota = new_quota(2);
	struct quota_account *users[64];
	struct quota_account *late = NULL;

	(void)state;
	/* Sixty-four users of one client take whatever there is. */
	for (uid_t uid = 0; uid < 64; uid++) {
		users[uid] = open_account(quota, "a", uid);
		(void)take_all(users[uid]);
	}
	late = open_account(quota, "b", 100);
	assert_true(take_all(late) >= 20);
	for (uid_t uid = 0; uid < 64; uid++)
		give_all(&users[uid]);
	give_all(&late);
}

/* Users of one client: each counts for himself in what is shared. */
static void a_newcomer_finds_something(void **state)
{
	CLEANUP(quota_freep) struct quota *quota = new_quota(1);
	struct quota_account *first = open_account(quota, "a", 1);
	struct quota_account *second = open_account(quota, "a", 2);
	struct quota_account *third = open_account(quota, "a", 3);

	(void)state;
	/* 70 are shared. */
	assert_int_equal(take_all(first), 20 + 35);
	assert_int_equal(take_all(second), 17);
	assert_int_equal(take_all(third), 9);
	give_all(&first);
	give_all(&second);
	give_all(&third);
}

static void all_reserves_together_are_at_most_half(void **state)
{
	CLEANUP(quota_freep) struct quota *quota = new_quota(45);
	struct quota_account *a = open_account(quota, "a", 1);
	struct quota_account *b = open_account(quota, "b", 1);

	(void)state;
	/* 90 for clients: 1 for each of 45, and 45 shared. */
	assert_int_equal(take_all(a), 1 + 22);
	give_all(&a);
	a = open_account(quota, "a", 1);
	/* More clients than there is: no reserve, all is shared. */
	quota_set_clients(quota, 1000);
	assert_int_equal(take_all(a), 45);
	assert_int_equal(take_all(b), 22);
	give_all(&a);
	give_all(&b);
}

static void without_clients_all_is_shared(void **state)
{
	CLEANUP(quota_freep) struct quota *quota = new_quota(0);
	struct quota_account *a = open_account(quota, "a", 1);

	(void)state;
	assert_int_equal(take_all(a), 45);
	give_all(&a);
}

static void a_charge_is_whole_or_not_at_all(void **state)
{
	CLEANUP(quota_freep) struct quota *quota = new_quota(2);
	struct quota_account *a = open_account(quota, "a", 1);
	struct quota_account *b = open_account(quota, "b", 1);

	(void)state;
	/* No stranger has a byte: 60 are shared. */
	assert_int_equal(quota_charge(a, QUOTA_BYTES, 51), STATUS_BUSY);
	assert_int_equal(quota_get(a, QUOTA_BYTES), 0);
	assert_int_equal(quota_charge(a, QUOTA_BYTES, UINT64_MAX), STATUS_BUSY);
	assert_int_equal(quota_charge(a, QUOTA_BYTES, 100), STATUS_BUSY);
	assert_int_equal(quota_charge(a, QUOTA_BYTES, 50), STATUS_OK);
	assert_int_equal(quota_charge(b, QUOTA_BYTES, 100), STATUS_BUSY);
	assert_int_equal(quota_charge(b, QUOTA_BYTES, 36), STATUS_BUSY);
	assert_int_equal(quota_charge(b, QUOTA_BYTES, 35), STATUS_OK);
	give_all(&a);
	give_all(&b);
}

/* A client that came into the configuration takes its reserve out of what is left. */
static void a_reload_moves_nothing_that_is_charged(void **state)
{
	CLEANUP(quota_freep) struct quota *quota = new_quota(1);
	struct quota_account *a = open_account(quota, "a", 1);
	struct quota_account *b = open_account(quota, "b", 1);
	struct quota_account *stranger = open_account(quota, "", 1);

	(void)state;
	assert_int_equal(take_all(stranger), 10);
	assert_int_equal(take_all(a), 20 + 35);
	quota_set_clients(quota, 4);
	/* 11 for each of four; 46 shared, of which a holds 44. */
	assert_int_equal(quota_get(a, QUOTA_CONNECTIONS), 55);
	assert_int_equal(quota_charge(a, QUOTA_CONNECTIONS, 1), STATUS_BUSY);
	assert_int_equal(take_all(b), 11 + 1);
	/* One more than there is for all, though it would be in a reserve. */
	quota_set_clients(quota, 1);
	quota_refund(a, QUOTA_CONNECTIONS, 55);
	assert_int_equal(quota_charge(b, QUOTA_CONNECTIONS, 8), STATUS_OK);
	assert_int_equal(quota_charge(a, QUOTA_CONNECTIONS, 71), STATUS_BUSY);
	give_all(&a);
	give_all(&b);
	give_all(&stranger);
}

/* Clients that a reload took away still hold what they had. */
static void the_whole_is_never_exceeded(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	CLEANUP(quota_freep) struct quota *quota = new_quota(1);
	struct quota_account *accounts[6];
	uint64_t sum = 0;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		accounts[i] = open_account(quota, names[i], 1);
		sum += take_all(accounts[i]);
	}
	assert_int_equal(sum, 90);
	for (size_t i = 0; i < 6; i++)
		give_all(&accounts[i]);
}

static void no_memory_leaves_nothing_behind(void **state)
{
	struct quota *quota = NULL;
	struct quota_account *account = NULL;
	struct quota_account *other = NULL;

	(void)state;
	*failing() = 1;
	assert_int_equal(quota_new(&setup, &quota), STATUS_NO_MEMORY);
	assert_null(quota);
	quota_freep(&quota);
	quota = new_quota(1);
	/* The client, its name, the account. */
	for (size_t i = 1; i <= 3; i++) {
		*failing() = i;
		assert_int_equal(quota_open(quota, "a", 1, &account), STATUS_NO_MEMORY);
		assert_int_equal(*failing(), 0);
		assert_null(account);
	}
	account = open_account(quota, "a", 1);
	*failing() = 1;
	assert_int_equal(quota_open(quota, "a", 2, &other), STATUS_NO_MEMORY);
	assert_null(other);
	quota_closep(&account);
	quota_freep(&quota);
}

/* A thousand clients, so that some share a bucket, opened and closed in another order. */
static void each_of_a_thousand_is_found(void **state)
{
	CLEANUP(quota_freep) struct quota *quota = new_quota(1000);
	struct quota_account *accounts[1000];
	char name[16];

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "client-%u", i);
		accounts[i] = open_account(quota, name, i % 3);
	}
	for (unsigned int i = 0; i < 1000; i++) {
		struct quota_account *again;

		(void)snprintf(name, sizeof(name), "client-%u", i);
		again = open_account(quota, name, i % 3);
		assert_ptr_equal(again, accounts[i]);
		quota_closep(&again);
	}
	for (unsigned int i = 0; i < 1000; i++)
		give_all(&accounts[i * 7 % 1000]);
}

typedef void misuse_fn(struct quota *quota, struct quota_account *account);

static void refund_too_much(struct quota *quota, struct quota_account *account)
{
	(void)quota;
	quota_refund(account, QUOTA_BYTES, 4);
}

static void close_while_charged(struct quota *quota, struct quota_account *account)
{
	(void)quota;
	quota_closep(&account);
}

static void free_while_open(struct quota *quota, struct quota_account *account)
{
	(void)account;
	quota_freep(&quota);
}

static void strangers_over_all(struct quota *quota, struct quota_account *account)
{
	const struct quota_setup bad = {.total = {1, 1, 1}, .stranger = {1, 2, 1}};

	(void)account;
	assert_int_equal(quota_new(&bad, &quota), STATUS_OK);
}

static void total_over_all_sums(struct quota *quota, struct quota_account *account)
{
	const struct quota_setup bad = {.total = {1, UINT64_MAX, 1}};

	(void)account;
	assert_int_equal(quota_new(&bad, &quota), STATUS_OK);
}

/* A broken invariant ends the process; so a child tries it. */
static void assert_stops(misuse_fn *misuse)
{
	const pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0) {
		struct quota *quota = new_quota(1);
		struct quota_account *account = open_account(quota, "a", 1);

		(void)signal(SIGABRT, SIG_DFL);
		(void)close(STDERR_FILENO);
		if (quota_charge(account, QUOTA_BYTES, 3) == STATUS_OK)
			misuse(quota, account);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void misuse_stops_the_process(void **state)
{
	static misuse_fn *const misuses[] = {
		refund_too_much,
		close_while_charged,
		free_while_open,
		strangers_over_all,
		total_over_all_sums,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(misuses); i++)
		assert_stops(misuses[i]);
}

/* 100000 random acts: what is charged is always the sum, and within every limit. */
static void random_acts_stay_within_the_limits(void **state)
{
	static const char *const names[] = {"", "a", "b", "c"};
	CLEANUP(quota_freep) struct quota *quota = new_quota(3);
	struct quota_account *accounts[12];
	uint64_t held[12] = {0};
	unsigned int seed = 1;

	(void)state;
	for (size_t i = 0; i < 12; i++)
		accounts[i] = open_account(quota, names[i % 4], (uid_t)(i / 4));
	for (size_t act = 0; act < 100000; act++) {
		const size_t i = (size_t)rand_r(&seed) % 12;
		const uint64_t n = (uint64_t)rand_r(&seed) % 9;
		uint64_t sum = 0, strangers = 0;

		if (rand_r(&seed) % 2 == 0 && held[i] >= n) {
			quota_refund(accounts[i], QUOTA_REQUESTS, n);
			held[i] -= n;
		} else if (quota_charge(accounts[i], QUOTA_REQUESTS, n) == STATUS_OK) {
			held[i] += n;
		}
		for (size_t j = 0; j < 12; j++)
			*(j % 4 == 0 ? &strangers : &sum) += held[j];
		assert_true(sum <= 90);
		assert_true(strangers <= 10);
		if (act % 1000 == 0)
			quota_set_clients(quota, 3 + act / 1000 % 2);
	}
	for (size_t i = 0; i < 12; i++) {
		quota_refund(accounts[i], QUOTA_REQUESTS, held[i]);
		quota_closep(&accounts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_is_of_a_client_and_a_user),
		cmocka_unit_test(strangers_share_one_account),
		cmocka_unit_test(strangers_cost_no_client_anything),
		cmocka_unit_test(the_greedy_one_gets_his_reserve_and_half_of_the_rest),
		cmocka_unit_test(a_reserve_waits_for_its_client),
		cmocka_unit_test(a_newcomer_finds_something),
		cmocka_unit_test(all_reserves_together_are_at_most_half),
		cmocka_unit_test(without_clients_all_is_shared),
		cmocka_unit_test(a_charge_is_whole_or_not_at_all),
		cmocka_unit_test(a_reload_moves_nothing_that_is_charged),
		cmocka_unit_test(the_whole_is_never_exceeded),
		cmocka_unit_test(no_memory_leaves_nothing_behind),
		cmocka_unit_test(each_of_a_thousand_is_found),
		cmocka_unit_test(misuse_stops_the_process),
		cmocka_unit_test(random_acts_stay_within_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
