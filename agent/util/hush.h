/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others can make happen as often as they like is not said as often: in each period
 * a few lines of a kind, and at its end how many more there were. Nothing is lost but
 * the lines: their number is exact.
 *
 * Thread: main
 */
#ifndef ZEGEL_UTIL_HUSH_H
#define ZEGEL_UTIL_HUSH_H

#include "defs.h"
#include "loop.h"

enum {
	HUSH_ROWS = 32,
};

struct hush_row {
	uint32_t user;
	uint32_t n_said;
	uint64_t n_more;
};

struct hush_setup {
	struct loop *loop;     /* borrows */
	const char *message;   /* a constant: what the line at the end begins with */
	uint32_t n_lines;      /* that may be said in a period */
	uint32_t n_lines_each; /* of one user */
	uint32_t period_ms;
};

struct hush {
	struct hush_setup setup;
	struct loop_timer timer;
	struct hush_row rows[HUSH_ROWS]; /* the last is for all who found no row */
	size_t n_rows;
	uint32_t n_said;
};

void hush_init(struct hush *hush, const struct hush_setup *setup);
/* Says what was not said yet. */
void hush_deinit(struct hush *hush);
/* Counts one more of this user; whether it may be said now. */
bool hush_count(struct hush *hush, uint32_t user);

#endif
