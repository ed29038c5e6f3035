/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of one configuration, a line each. It shows the first CONFIG_ERRORS_MAX and
 * counts the rest; that it cannot show one never hides that there was one.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static enum status append_point(struct buf *errors, struct config_point point)
{
	const struct log_text file = log_text(bytes_from_text(point.file));

	if (point.line == 0)
		return buf_append_format(errors, "%s: ", file.text);
	return buf_append_format(errors, "%s:%d: ", file.text, point.line);
}

static enum status append_line(
	struct buf *errors, struct config_point point, const char *text)
{
	TRY(append_point(errors, point));
	TRY(buf_append_text(errors, text));
	return buf_append_text(errors, "\n");
}

void config_report_add(struct config_report *report, struct config_point point,
	const char *format, ...)
{
	const size_t len = report->errors->len;
	CLEANUP(freep) char *text = NULL;
	va_list arguments;
	int n;

	report->n_errors++;
	if (report->n_errors > CONFIG_ERRORS_MAX)
		return;
	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0) {
		text = NULL;
		return;
	}
	/* Whole lines only. */
	if (append_line(report->errors, point, text) != STATUS_OK)
		report->errors->len = len;
}

void config_report_finish(struct config_report *report)
{
	const size_t len = report->errors->len;

	if (report->n_errors <= CONFIG_ERRORS_MAX)
		return;
	if (buf_append_format(report->errors, "and %zu more\n",
		    report->n_errors - CONFIG_ERRORS_MAX) != STATUS_OK)
		report->errors->len = len;
}
