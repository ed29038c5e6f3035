/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A moment as a person names it, in the form in which the record writes its times: so two
 * of them compare as texts.
 *
 *   2026-11-24                      the whole day, in UTC
 *   2026-11-24T08:05:03.25+01:00    RFC 3339
 *   -90s -30m -2h -7d               so long ago
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_MOMENT_H
#define ZEGEL_CLI_MOMENT_H

#include "util/defs.h"

enum {
	MOMENT_LEN = 27, /* 2026-11-24T08:05:03.123456Z */
};

/* Of a day its beginning, or with is_end the beginning of the next. False: it is none. */
bool moment_read(
	const char *text, int64_t now_s, bool is_end, char out[static MOMENT_LEN + 1]);

#endif
