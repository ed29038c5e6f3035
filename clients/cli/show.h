/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes rows of the lines of a record: those that a filter takes, each attempt together
 * with its outcome, the last ones only if so wished. It sees every line in turn and keeps
 * a bounded number.
 *
 * A line that does not verify is always shown: nothing that it says of itself can be a
 * reason to leave it out.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_SHOW_H
#define ZEGEL_CLI_SHOW_H

#include "filter.h"
#include "walk.h"

enum {
	SHOW_LAST_MAX = 10000,
	SHOW_WAITING_MAX = 4096, /* rows that wait for the outcome of an attempt */
	SHOW_KNOWN_MAX = 65536,  /* attempts that a later line may be about */
};

struct show_spec {
	struct filter filter;
	size_t last; /* only so many, up to SHOW_LAST_MAX; 0: all */
	bool is_json;
};

/* Rows in their order; text borrows for the call. */
typedef void show_fn(void *context, struct bytes text);

struct show;

/* spec: borrows until freed. NO_MEMORY. gives */
MUST_CHECK enum status show_new(const struct show_spec *spec, show_fn *on_row,
	void *context, struct show **out);
void show_freep(struct show **show);

/* The next line. NO_MEMORY. */
MUST_CHECK enum status show_add(struct show *show, const struct walk_line *line);
/* No more follow: what waits is shown. NO_MEMORY. */
MUST_CHECK enum status show_finish(struct show *show);
/* Lines that did not verify. */
uint64_t show_get_n_bad(const struct show *show);

#endif
