/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attempts of the record that have no outcome yet, by the seq of their lines. It
 * follows what was added in a turn, so that it can be taken back when the turn's lines
 * could not be written.
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_OPENS_H
#define ZEGEL_POLICY_OPENS_H

#include "util/defs.h"

enum {
	/* More than there are sessions, and as many as a turn holds orphan lines. */
	OPENS_MAX = 1 << 15,
};

enum opens_state {
	OPENS_OUT,       /* its job is out */
	OPENS_CLOSING,   /* its outcome is among the lines of this turn */
	OPENS_ABANDONED, /* its outcome could not be written: it wants an orphan line */
};

struct opens_row {
	uint64_t seq;
	enum opens_state state;
	bool is_new; /* its own line is of this turn */
};

struct opens {
	struct opens_row *rows; /* owns n_rows, in the order of their seqs */
	size_t n_rows;
	size_t room;
};

void opens_deinit(struct opens *opens);
/* seq is larger than any before; NO_MEMORY. */
MUST_CHECK enum status opens_put(struct opens *opens, uint64_t seq);
/* Its outcome was added; false when it is not open. */
bool opens_close(struct opens *opens, uint64_t seq);
/* The last one that was put: its line could not be added. */
void opens_take_back(struct opens *opens, uint64_t seq);
/* Its outcome, or its orphan line, could not be added. Nothing happens when not open. */
void opens_abandon(struct opens *opens, uint64_t seq);
/* All whose job is out: what a crash or an end leaves. */
void opens_abandon_all(struct opens *opens);
/* The lines of this turn are in the file. */
void opens_commit(struct opens *opens);
/* They are not. */
void opens_rollback(struct opens *opens);

/* The oldest one that is not closing; 0 when there is none. */
uint64_t opens_get_oldest(const struct opens *opens);
/* Some abandoned one, 0 when there is none. */
uint64_t opens_get_abandoned(const struct opens *opens);

#endif
