/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const check_names[REPORT_N_CHECKS] = {
	[REPORT_PARTS] = "parts",
	[REPORT_HEADER_JSON] = "header-json",
	[REPORT_HEADER] = "header",
	[REPORT_ALG] = "alg",
	[REPORT_TYP] = "typ",
	[REPORT_X5C] = "x5c",
	[REPORT_ORDER] = "order",
	[REPORT_CHAIN] = "chain",
	[REPORT_DATES] = "dates",
	[REPORT_LEAF] = "leaf",
	[REPORT_KEY_USAGE] = "key-usage",
	[REPORT_KEY_SIZE] = "key-size",
	[REPORT_SIGNATURE] = "signature",
	[REPORT_PAYLOAD_JSON] = "payload-json",
	[REPORT_SUBJECT] = "subject",
	[REPORT_IDENTITY] = "identity",
	[REPORT_AUD] = "aud",
	[REPORT_JTI] = "jti",
	[REPORT_IAT] = "iat",
	[REPORT_EXP] = "exp",
	[REPORT_LIFETIME] = "lifetime",
	[REPORT_NOT_EARLY] = "not-early",
	[REPORT_NOT_LATE] = "not-late",
	[REPORT_NBF] = "nbf",
};

static const char *const result_names[] = {
	[REPORT_OPEN] = "open",
	[REPORT_PASS] = "pass",
	[REPORT_FAIL] = "fail",
	[REPORT_SKIP] = "skip",
};

const char *report_check_name(enum report_check check)
{
	return check_names[check];
}

/* A check has one result: a second one is a mistake of ours, and would hide the first. */
static struct report_line *settle(
	struct report *report, enum report_check check, enum report_result result)
{
	struct report_line *line = &report->lines[check];

	must(line->result == REPORT_OPEN);
	line->result = result;
	return line;
}

void report_pass(
	struct report *report, enum report_check check, const char *detail, ...)
{
	struct report_line *line = settle(report, check, REPORT_PASS);
	va_list arguments;

	va_start(arguments, detail);
	(void)vsnprintf(line->detail, sizeof(line->detail), detail, arguments);
	va_end(arguments);
}

void report_fail(
	struct report *report, enum report_check check, const char *detail, ...)
{
	struct report_line *line = settle(report, check, REPORT_FAIL);
	va_list arguments;

	va_start(arguments, detail);
	(void)vsnprintf(line->detail, sizeof(line->detail), detail, arguments);
	va_end(arguments);
}

void report_skip(struct report *report, enum report_check first, enum report_check last,
	enum report_check because)
{
	for (size_t i = first; i <= (size_t)last; i++) {
		struct report_line *line = &report->lines[i];

		if (line->result != REPORT_OPEN)
			continue;
		line->result = REPORT_SKIP;
		(void)snprintf(line->detail, sizeof(line->detail),
			"because %s did not pass", check_names[because]);
	}
}

bool report_has_passed(const struct report *report, enum report_check check)
{
	return report->lines[check].result == REPORT_PASS;
}

static size_t count(const struct report *report, enum report_result result)
{
	size_t n = 0;

	for (size_t i = 0; i < REPORT_N_CHECKS; i++)
		n += report->lines[i].result == result;
	return n;
}

bool report_is_valid(const struct report *report)
{
	return count(report, REPORT_PASS) == REPORT_N_CHECKS;
}

static enum status append_failed_names(const struct report *report, struct buf *out)
{
	const char *between = " ";

	for (size_t i = 0; i < REPORT_N_CHECKS; i++) {
		if (report->lines[i].result != REPORT_FAIL)
			continue;
		TRY(buf_append_format(out, "%s%s", between, check_names[i]));
		between = ", ";
	}
	return buf_append_text(out, "\n");
}

enum status report_to_text(const struct report *report, struct buf *out)
{
	for (size_t i = 0; i < REPORT_N_CHECKS; i++) {
		const struct report_line *line = &report->lines[i];

		TRY(buf_append_format(out, "%s %-12s  %s\n", result_names[line->result],
			check_names[i], line->detail));
	}
	if (report_is_valid(report))
		return buf_append_format(
			out, "valid: all %d checks passed\n", (int)REPORT_N_CHECKS);
	TRY(buf_append_format(out,
		"not valid: %zu checks passed, %zu failed, %zu skipped; failed:",
		count(report, REPORT_PASS), count(report, REPORT_FAIL),
		count(report, REPORT_SKIP)));
	return append_failed_names(report, out);
}

json_t *report_to_json(const struct report *report)
{
	json_t *checks = json_array();

	for (size_t i = 0; i < REPORT_N_CHECKS; i++) {
		const struct report_line *line = &report->lines[i];

		if (json_array_append_new(checks,
			    json_pack("{s:s, s:s, s:s}", "check", check_names[i],
				    "result", result_names[line->result], "detail",
				    line->detail)) != 0) {
			json_decref(checks);
			return NULL;
		}
	}
	return json_pack(
		"{s:b, s:o}", "valid", (int)report_is_valid(report), "checks", checks);
}
