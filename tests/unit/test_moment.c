/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "moment.h"

/* 2026-11-24T08:05:03Z */
#define NOW INT64_C(1795507503)

struct moment {
	const char *text;
	const char *begin; /* NULL: it is none */
	const char *end;   /* NULL: the same */
};

static const struct moment moments[] = {
	{"2026-11-24", "2026-11-24T00:00:00.000000Z", "2026-11-25T00:00:00.000000Z"},
	{"2024-02-29", "2024-02-29T00:00:00.000000Z", "2024-03-01T00:00:00.000000Z"},
	{"1970-01-01", "1970-01-01T00:00:00.000000Z", "1970-01-02T00:00:00.000000Z"},
	{"9999-12-31", "9999-12-31T00:00:00.000000Z", "9999-12-31T23:59:59.000000Z"},
	{"1960-01-01", "1970-01-01T00:00:00.000000Z", NULL},
	{"2026-11-24T08:05:03Z", "2026-11-24T08:05:03.000000Z", NULL},
	{"2026-11-24t08:05:03z", "2026-11-24T08:05:03.000000Z", NULL},
	{"2026-11-24 08:05:03Z", "2026-11-24T08:05:03.000000Z", NULL},
	{"2026-11-24T08:05:03.25Z", "2026-11-24T08:05:03.250000Z", NULL},
	{"2026-11-24T08:05:03.123456789Z", "2026-11-24T08:05:03.123456Z", NULL},
	{"2026-11-24T08:05:03+01:00", "2026-11-24T07:05:03.000000Z", NULL},
	{"2026-11-24T23:05:03-05:30", "2026-11-25T04:35:03.000000Z", NULL},
	{"-0s", "2026-11-24T08:05:03.000000Z", NULL},
	{"-90s", "2026-11-24T08:03:33.000000Z", NULL},
	{"-30m", "2026-11-24T07:35:03.000000Z", NULL},
	{"-2h", "2026-11-24T06:05:03.000000Z", NULL},
	{"-7d", "2026-11-17T08:05:03.000000Z", NULL},
	{"-1000000000d", "1970-01-01T00:00:00.000000Z", NULL},
	{"", NULL, NULL},
	{"-", NULL, NULL},
	{"-h", NULL, NULL},
	{"-2", NULL, NULL},
	{"2h", NULL, NULL},
	{"+2h", NULL, NULL},
	{"-2w", NULL, NULL},
	{"-2hh", NULL, NULL},
	{"--2h", NULL, NULL},
	{"-1000000001d", NULL, NULL},
	{"-99999999999999999999d", NULL, NULL},
	{"now", NULL, NULL},
	{"2026", NULL, NULL},
	{"2026-11", NULL, NULL},
	{"2026-11-2", NULL, NULL},
	{"2026-11-24 ", NULL, NULL},
	{"2026-13-01", NULL, NULL},
	{"2026-00-01", NULL, NULL},
	{"2026-02-29", NULL, NULL},
	{"2026-11-31", NULL, NULL},
	{"2026-11-00", NULL, NULL},
	{"2026/11/24", NULL, NULL},
	{"20261124", NULL, NULL},
	{"2026-11-24T08:05:03", NULL, NULL},
	{"2026-11-24T08:05Z", NULL, NULL},
	{"2026-11-24T24:00:00Z", NULL, NULL},
	{"2026-11-24T08:60:00Z", NULL, NULL},
	{"2026-11-24T08:05:60Z", NULL, NULL},
	{"2026-11-24T08:05:03.Z", NULL, NULL},
	{"2026-11-24T08:05:03+0100", NULL, NULL},
	{"2026-11-24T08:05:03+24:00", NULL, NULL},
	{"2026-11-24T08:05:03+01:60", NULL, NULL},
	{"2026-11-24T08:05:03+01:00x", NULL, NULL},
	{"2026-11-31T08:05:03Z", NULL, NULL},
};

static void check(const struct moment *moment, bool is_end)
{
	char out[MOMENT_LEN + 1] = "untouched";
	const char *wanted =
		is_end && moment->end != NULL ? moment->end : moment->begin;
	const bool is_one = moment_read(moment->text, NOW, is_end, out);

	assert_string_equal(out, wanted == NULL ? "untouched" : wanted);
	assert_int_equal(is_one, wanted != NULL);
}

static void moment_reads_what_a_person_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		check(&moments[i], false);
		check(&moments[i], true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moment_reads_what_a_person_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
