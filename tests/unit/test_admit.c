/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections there may be, by the descriptors that there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>

#include "server/admit.h"
#include "server/server.h"

enum {
	SPARE = 256,
	STRANGERS = 16,
};

static uint64_t take_all(struct quota *quota, const char *client)
{
	struct quota_account *account = NULL;
	uint64_t n = 0;

	assert_int_equal(quota_open(quota, client, 1, &account), STATUS_OK);
	while (quota_charge(account, QUOTA_CONNECTIONS, 1) == STATUS_OK)
		n++;
	quota_refund(account, QUOTA_CONNECTIONS, n);
	quota_closep(&account);
	return n;
}

/* What one client alone, and the strangers, may have with so many descriptors. */
static void expect(rlim_t limit, uint64_t client, uint64_t strangers)
{
	CLEANUP(quota_freep) struct quota *quota = NULL;
	struct rlimit before;
	struct rlimit during;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	during = (struct rlimit){limit, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &during), 0);
	assert_int_equal(admit_new_quota(0, &quota), STATUS_OK);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(take_all(quota, "c"), client);
	assert_int_equal(take_all(quota, ""), strangers);
}

static void connections_leave_descriptors_for_the_agent(void **state)
{
	(void)state;
	expect(1024, (1024 - SPARE - STRANGERS) / 2, STRANGERS);
	expect(2 * SPARE, (SPARE - STRANGERS) / 2, STRANGERS);
}

static void with_few_descriptors_half_are_for_connections(void **state)
{
	(void)state;
	expect(300, (150 - STRANGERS) / 2, STRANGERS);
	/* And of those a quarter for strangers. */
	expect(80, (40 - 10) / 2, 10);
}

static void there_is_a_maximum_however_many_descriptors_there_are(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < CONNECTIONS_MAX + SPARE)
		expect(limit.rlim_max, (limit.rlim_max - SPARE - STRANGERS) / 2,
			STRANGERS);
	else
		expect(limit.rlim_max, (CONNECTIONS_MAX - STRANGERS) / 2, STRANGERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_leave_descriptors_for_the_agent),
		cmocka_unit_test(with_few_descriptors_half_are_for_connections),
		cmocka_unit_test(there_is_a_maximum_however_many_descriptors_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
