/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests that need lines of a record: a chain that is being written.
 */
#ifndef ZEGEL_TESTS_ENTRY_FIXTURE_H
#define ZEGEL_TESTS_ENTRY_FIXTURE_H

#include "policy/entry.h"
#include "util/buf.h"
#include "util/defs.h"

/* 2026-11-24T08:05:03.123456Z */
#define ENTRY_PEN_TIME_US INT64_C(1795507503123456)

struct entry_pen {
	struct entry_hasher hasher;
	struct entry_head head;
	struct buf out;
};

void entry_pen_init(struct entry_pen *pen);
void entry_pen_deinit(struct entry_pen *pen);
/* One line more, at ENTRY_PEN_TIME_US, while no attempt is open. */
void entry_pen_append(struct entry_pen *pen, const char *kind, const char *members);
/* The line that begins at *at, without its newline; moves *at behind it. */
struct bytes entry_pen_next(const struct buf *buf, size_t *at);

#endif
