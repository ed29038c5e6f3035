/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/slots.h"

static void an_id_of_what_was_taken_finds_nothing(void **state)
{
	CLEANUP(slots_deinit) struct slots slots = SLOTS_INIT(4);
	int a, b;
	uint64_t first, second;

	(void)state;
	assert_int_equal(slots_put(&slots, &a, &first), STATUS_OK);
	assert_ptr_equal(slots_get(&slots, first), &a);
	assert_ptr_equal(slots_take(&slots, first), &a);
	assert_null(slots_get(&slots, first));
	assert_int_equal(slots_put(&slots, &b, &second), STATUS_OK);
	/* The place is used again, the id is not. */
	assert_int_not_equal(first, second);
	assert_null(slots_get(&slots, first));
	assert_null(slots_take(&slots, first));
	assert_ptr_equal(slots_get(&slots, second), &b);
}

static void slots_have_a_maximum(void **state)
{
	CLEANUP(slots_deinit) struct slots slots = SLOTS_INIT(20);
	uint64_t id, last = 0;
	int thing;

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(slots_put(&slots, &thing, &last), STATUS_OK);
	assert_int_equal(slots_put(&slots, &thing, &id), STATUS_NO_MEMORY);
	assert_ptr_equal(slots_take(&slots, last), &thing);
	assert_int_equal(slots_put(&slots, &thing, &id), STATUS_OK);
	assert_int_equal(slots.n_things, 20);
}

static void no_id_is_zero_or_a_guess(void **state)
{
	CLEANUP(slots_deinit) struct slots slots = SLOTS_INIT(4);
	uint64_t id;
	int thing;

	(void)state;
	assert_null(slots_get(&slots, 0));
	assert_int_equal(slots_put(&slots, &thing, &id), STATUS_OK);
	assert_int_not_equal(id, 0);
	assert_null(slots_get(&slots, 0));
	assert_null(slots_get(&slots, id + 1));
	assert_null(slots_get(&slots, id + ((uint64_t)1 << 32)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_of_what_was_taken_finds_nothing),
		cmocka_unit_test(slots_have_a_maximum),
		cmocka_unit_test(no_id_is_zero_or_a_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
