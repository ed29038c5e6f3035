/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line an event, on standard error, with the journal's <N> prefix when
 * that is where it goes. The message is a constant, the facts are key=value. Whatever
 * a peer, a token or a module said goes through %s of log_text() first.
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

/* program: a constant, shown in front; levels above max_level are dropped. */
void log_init(const char *program, enum log_level max_level);

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
