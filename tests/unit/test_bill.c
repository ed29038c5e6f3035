/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection has of an account: it moves whole, and all of it goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/bill.h"

/* An account that bears this much, and a second holder who can look at it. */
struct side {
	struct quota *quota;
	struct quota_account *account;
	struct quota_account *seen;
};

static struct side open_side(uint64_t connections, uint64_t bytes, uint64_t requests)
{
	const struct quota_setup setup = {
		.total = {connections, bytes, requests},
		.stranger = {connections, bytes, requests},
	};
	struct side side = {.quota = NULL};

	assert_int_equal(quota_new(&setup, &side.quota), STATUS_OK);
	assert_int_equal(quota_open(side.quota, "", 1, &side.account), STATUS_OK);
	assert_int_equal(quota_open(side.quota, "", 1, &side.seen), STATUS_OK);
	return side;
}

static void close_side(struct side *side)
{
	quota_closep(&side->account);
	quota_closep(&side->seen);
	quota_freep(&side->quota);
}

static void expect(
	const struct side *side, uint64_t n, uint64_t bytes, uint64_t requests)
{
	assert_int_equal(quota_get(side->seen, QUOTA_CONNECTIONS), n);
	assert_int_equal(quota_get(side->seen, QUOTA_BYTES), bytes);
	assert_int_equal(quota_get(side->seen, QUOTA_REQUESTS), requests);
}

static void without_an_account_all_is_borne(void **state)
{
	struct bill bill = BILL_INIT;

	(void)state;
	assert_int_equal(bill_set_bytes(&bill, UINT64_MAX), STATUS_OK);
	assert_int_equal(bill_check_request(&bill), STATUS_OK);
	bill_add_request(&bill);
	bill_drop_request(&bill);
	bill_deinit(&bill);
	assert_int_equal(bill.n_bytes, 0);
}

static void what_was_had_before_is_on_the_account_too(void **state)
{
	struct side side = open_side(1, 10, 2);
	struct bill bill = BILL_INIT;

	(void)state;
	assert_int_equal(bill_set_bytes(&bill, 7), STATUS_OK);
	bill_add_request(&bill);
	assert_int_equal(bill_move(&bill, &side.account), STATUS_OK);
	expect(&side, 1, 7, 1);
	assert_int_equal(bill_set_bytes(&bill, 11), STATUS_BUSY);
	expect(&side, 1, 7, 1);
	assert_int_equal(bill_set_bytes(&bill, 10), STATUS_OK);
	assert_int_equal(bill_set_bytes(&bill, 10), STATUS_OK);
	assert_int_equal(bill_set_bytes(&bill, 3), STATUS_OK);
	assert_int_equal(bill_check_request(&bill), STATUS_OK);
	expect(&side, 1, 3, 1);
	bill_add_request(&bill);
	assert_int_equal(bill_check_request(&bill), STATUS_BUSY);
	expect(&side, 1, 3, 2);
	bill_drop_request(&bill);
	expect(&side, 1, 3, 1);
	bill_deinit(&bill);
	expect(&side, 0, 0, 0);
	close_side(&side);
}

static void it_moves_whole_or_stays(void **state)
{
	static const uint64_t too_small[][QUOTA_KINDS] = {
		{0, 9, 9}, {9, 4, 9}, {9, 9, 1}};
	struct side old = open_side(1, 5, 2);
	struct side new = open_side(1, 5, 2);
	struct bill bill = BILL_INIT;

	(void)state;
	assert_int_equal(bill_move(&bill, &old.account), STATUS_OK);
	assert_int_equal(bill_set_bytes(&bill, 5), STATUS_OK);
	bill_add_request(&bill);
	bill_add_request(&bill);
	for (size_t i = 0; i < ARRAY_LEN(too_small); i++) {
		struct side small =
			open_side(too_small[i][0], too_small[i][1], too_small[i][2]);

		assert_int_equal(bill_move(&bill, &small.account), STATUS_BUSY);
		assert_null(small.account);
		expect(&small, 0, 0, 0);
		expect(&old, 1, 5, 2);
		close_side(&small);
	}
	assert_int_equal(bill_move(&bill, &new.account), STATUS_OK);
	expect(&old, 0, 0, 0);
	expect(&new, 1, 5, 2);
	bill_deinit(&bill);
	close_side(&old);
	close_side(&new);
}

static void to_the_same_account_it_need_not_be_borne_twice(void **state)
{
	struct side side = open_side(1, 5, 2);
	struct quota_account *again = NULL;
	struct bill bill = BILL_INIT;

	(void)state;
	assert_int_equal(bill_move(&bill, &side.account), STATUS_OK);
	assert_int_equal(bill_set_bytes(&bill, 5), STATUS_OK);
	assert_int_equal(quota_open(side.quota, "", 1, &again), STATUS_OK);
	assert_int_equal(bill_move(&bill, &again), STATUS_OK);
	assert_null(again);
	expect(&side, 1, 5, 0);
	bill_deinit(&bill);
	close_side(&side);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_account_all_is_borne),
		cmocka_unit_test(what_was_had_before_is_on_the_account_too),
		cmocka_unit_test(it_moves_whole_or_stays),
		cmocka_unit_test(to_the_same_account_it_need_not_be_borne_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
