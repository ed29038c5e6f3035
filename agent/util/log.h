/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line an event. When standard error is the journal's, a line goes there
 * with its facts as fields; else, and when the journal does not take it, to standard
 * error. The message is a constant, the facts are key=value or key="value" (R26).
 *
 * Whatever a peer, a token or a module said goes through %s of log_text() first, so that
 * the reader sees which bytes it were. That no line and no field can be forged does not
 * rest on it: a line is made printable as a whole, and fields are cut where the format
 * ends a fact, never where the text looks like it.
 * Never a PIN, key, digest or payload.
 *
 * Thread: any (one write a line; the level is set before threads start)
 */
#ifndef ZEGEL_UTIL_LOG_H
#define ZEGEL_UTIL_LOG_H

#include "defs.h"

enum log_level {
	LOG_ERR = 3,    /* cannot do its work */
	LOG_WARN = 4,   /* someone should look */
	LOG_NOTICE = 5, /* state changed */
	LOG_INFO = 6,   /* one line per request */
	LOG_DEBUG = 7,
};

enum {
	LOG_TEXT_MAX = 256,
};

/*
 * program: a constant, shown in front; levels above max_level are dropped. Before it is
 * called, lines go to standard error.
 */
void log_init(const char *program, enum log_level max_level);
/* The same for tests, which play the journal. journal_socket: borrows until the next. */
void log_init_at(
	const char *program, enum log_level max_level, const char *journal_socket);

/*
 * facts: a constant; facts are parted by one space, and a value in quotes may have
 * spaces. The journal shows the fact `key` as the field ZEGEL_KEY.
 */
void log_event(enum log_level level, const char *message, const char *facts, ...)
	FORMAT_PRINTF(3, 4);

/*
 * Foreign bytes as text for a log line: printable ASCII stays, all else becomes \xNN,
 * quote and backslash too; cut with "..." when the result would not fit.
 */
struct log_text {
	char text[LOG_TEXT_MAX];
};
struct log_text log_text(struct bytes foreign);

#endif
