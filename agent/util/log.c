/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"

enum {
	LINE_MAX_LEN = 2048,
};

static struct {
	const char *program;
	enum log_level max_level;
	bool is_journal;
} state = {.program = "zegel", .max_level = LOG_INFO};

void log_init(const char *program, enum log_level max_level)
{
	state.program = program;
	state.max_level = max_level;
	state.is_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_event(enum log_level level, const char *message, const char *facts, ...)
{
	char line[LINE_MAX_LEN];
	char prefix[8] = "";
	va_list arguments;
	int head, tail;
	size_t len;

	if (level > state.max_level)
		return;
	if (state.is_journal)
		(void)snprintf(prefix, sizeof(prefix), "<%d>", (int)level);
	head = snprintf(line, sizeof(line), "%s%s: %s%s", prefix, state.program,
		message, facts[0] == '\0' ? "" : " ");
	if (head < 0 || (size_t)head >= sizeof(line) - 1)
		return;
	va_start(arguments, facts);
	tail = vsnprintf(
		line + head, sizeof(line) - 1 - (size_t)head, facts, arguments);
	va_end(arguments);
	if (tail < 0)
		return;
	/* A line that does not fit is cut; it still ends in one newline. */
	len = (size_t)head + (size_t)tail;
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len] = '\n';
	/* When standard error is gone there is nobody left to tell. */
	if (fd_write_all(STDERR_FILENO,
		    (struct bytes){(const uint8_t *)line, len + 1}) != STATUS_OK)
		return;
}

struct log_text log_text(struct bytes foreign)
{
	struct log_text out = {.text = ""};
	size_t at = 0;

	for (size_t i = 0; i < foreign.len; i++) {
		const uint8_t c = foreign.p[i];
		const bool is_plain = c > 0x20 && c < 0x7f && c != '"' && c != '\\';

		if (at + 4 > sizeof(out.text) - 4) {
			memcpy(out.text + at, "...", 4);
			return out;
		}
		if (is_plain || c == ' ')
			out.text[at++] = (char)c;
		else
			at += (size_t)snprintf(out.text + at, 5, "\\x%02x", c);
	}
	out.text[at] = '\0';
	return out;
}
