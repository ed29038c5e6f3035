/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "util/table.h"

enum {
	MANY = 10000,
};

struct thing {
	struct table_node node;
	char name[16];
	bool is_seen;
};

static void put(struct table *table, struct thing *thing, int number)
{
	(void)snprintf(thing->name, sizeof(thing->name), "thing-%d", number);
	thing->node = (struct table_node){.name = thing->name, .thing = thing};
	assert_int_equal(table_put(table, &thing->node), STATUS_OK);
}

static void each_of_many_is_found_by_its_name_until_it_leaves(void **state)
{
	static struct thing things[MANY];
	struct table table = TABLE_INIT;

	(void)state;
	assert_null(table_get(&table, "thing-0"));
	for (int i = 0; i < MANY; i++)
		put(&table, &things[i], i);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(table_get(&table, things[i].name), &things[i]);
	for (int i = 0; i < MANY; i += 2)
		table_remove(&table, &things[i].node);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(table_get(&table, things[i].name),
			i % 2 == 0 ? NULL : &things[i]);
	assert_null(table_get(&table, "thing-"));
	for (int i = 1; i < MANY; i += 2)
		table_remove(&table, &things[i].node);
	table_deinit(&table);
}

static void all_are_met_once_and_may_leave_meanwhile(void **state)
{
	static struct thing things[100];
	struct table table = TABLE_INIT;
	struct table_node *node;

	(void)state;
	assert_null(table_get_next(&table, NULL));
	for (int i = 0; i < 100; i++)
		put(&table, &things[i], i);
	node = table_get_next(&table, NULL);
	while (node != NULL) {
		struct table_node *next = table_get_next(&table, node);
		struct thing *thing = node->thing;

		assert_false(thing->is_seen);
		thing->is_seen = true;
		table_remove(&table, node);
		node = next;
	}
	for (int i = 0; i < 100; i++)
		assert_true(things[i].is_seen);
	table_deinit(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_of_many_is_found_by_its_name_until_it_leaves),
		cmocka_unit_test(all_are_met_once_and_may_leave_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
