/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as it lies on the disk, read by other means than the agent's: whole, each line
 * as JSON, and judged by what must hold for every record.
 */
#ifndef ZEGEL_TESTS_LEDGER_H
#define ZEGEL_TESTS_LEDGER_H

#include "policy/entry.h"
#include "util/defs.h"

struct ledger_line {
	uint64_t seq;
	uint64_t attempt; /* 0: it names none */
	uint64_t n;       /* refusals: how many */
	char kind[ENTRY_KIND_MAX + 1];
	char status[40]; /* "" when it has none */
	char act[24];    /* the same */
	size_t file;     /* in which it is: 0 is the oldest */
	bool is_first;   /* of its file */
};

struct ledger {
	struct ledger_line *lines; /* owns n */
	size_t n;
	size_t n_files;
	size_t torn_len; /* bytes behind the last whole line */
};

/*
 * Reads audit-*.jsonl and audit.jsonl in the folder. Fails the test when any line is not
 * a link of the chain, is no JSON, says a wrong open, or ends an attempt that is not open.
 */
void ledger_read(struct ledger *ledger, const char *folder);
void ledger_deinit(struct ledger *ledger);

size_t ledger_count(const struct ledger *ledger, const char *kind);
/* The one of this kind that names the attempt; NULL when there is none. */
const struct ledger_line *ledger_find(
	const struct ledger *ledger, const char *kind, uint64_t attempt);
/* Attempts without an outcome or orphan line. */
size_t ledger_count_open(const struct ledger *ledger);
/* Refusals in lines and sums. */
uint64_t ledger_count_refusals(const struct ledger *ledger);
/* Kinds of the last lines, with a space between: at most max bytes with the NUL. */
void ledger_tell_kinds(
	const struct ledger *ledger, size_t n_last, size_t max, char *out);

/* A folder and all that is in it, which is no folder. */
void ledger_remove(const char *folder);

#endif
