/* SPDX-License-Identifier: Apache-2.0 */
#include "verify_header.h"

#include <string.h>

#include "util/log.h"

static const char *const members[] = {"alg", "typ", "x5c"};

static bool is_member(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (strcmp(name, members[i]) == 0)
			return true;
	}
	return false;
}

/* The first member that must not be there (D-JWT-3), or NULL. */
static const char *find_stranger(json_t *header)
{
	const char *name;
	json_t *value;

	json_object_foreach(header, name, value)
	{
		if (!is_member(name))
			return name;
	}
	return NULL;
}

static void judge_members(json_t *header, struct report *report)
{
	const char *stranger = find_stranger(header);

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (json_object_get(header, members[i]) == NULL) {
			report_fail(report, REPORT_HEADER, "%s is missing", members[i]);
			return;
		}
	}
	if (stranger != NULL) {
		report_fail(report, REPORT_HEADER,
			"%s must not be there: exactly alg, typ and x5c (D-JWT-3)",
			log_text(bytes_from_text(stranger)).text);
		return;
	}
	report_pass(report, REPORT_HEADER, "exactly alg, typ and x5c");
}

static void judge_text(const json_t *header, enum report_check check,
	const char *expected, struct report *report)
{
	const json_t *member = json_object_get(header, report_check_name(check));
	const char *text = json_string_value(member);

	if (member == NULL) {
		report_skip(report, check, check, REPORT_HEADER);
		return;
	}
	if (text == NULL) {
		report_fail(report, check, "expected the string \"%s\"", expected);
		return;
	}
	if (strcmp(text, expected) != 0) {
		report_fail(report, check, "expected %s, found %s", expected,
			log_text(bytes_from_text(text)).text);
		return;
	}
	report_pass(report, check, "%s", expected);
}

void verify_header_judge(json_t *header, struct report *report)
{
	judge_members(header, report);
	judge_text(header, REPORT_ALG, "RS256", report);
	judge_text(header, REPORT_TYP, "JWT", report);
}
