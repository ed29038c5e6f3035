/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict on a record: goes through it up to the first line that is not right, and
 * counts on the way. What it cannot see from the files alone, a cut tail and a record that
 * was written anew as a whole, it sees against marks: what somebody else remembers of a
 * line.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_INSPECT_H
#define ZEGEL_CLI_INSPECT_H

#include "accounts.h"
#include "policy/entry.h"
#include "sources.h"
#include "walk.h"

enum inspect_mark_result {
	INSPECT_MARK_BEHIND,    /* the record ends before its line */
	INSPECT_MARK_HELD,      /* the line is there, with its hash */
	INSPECT_MARK_REWRITTEN, /* the line is there, and is another one */
	INSPECT_MARK_BEFORE,    /* the first line given stands behind it */
	INSPECT_MARK_UNJUDGED,  /* a bad line came first */
};

struct inspect_mark {
	uint64_t seq;
	uint8_t hash[ENTRY_HASH_LEN];
	enum inspect_mark_result result; /* set by inspect_run() */
};

struct inspect_marks {
	struct inspect_mark *list; /* borrows */
	size_t n;
};

struct inspect_bad {
	const struct source *source; /* borrows from the sources */
	uint64_t number;             /* of the line in its file; 0: the file itself */
	uint64_t seq;                /* 0: none could be read */
	char why[WALK_WHY_MAX];
};

struct inspection {
	bool is_good;
	struct inspect_bad bad; /* the first bad line, unless is_good */
	uint64_t n_lines;       /* good ones, up to there */
	uint64_t first_seq;     /* 0: there is none */
	char first_time[ENTRY_TIME_LEN + 1];
	struct entry_head last;
	char last_time[ENTRY_TIME_LEN + 1];
	struct accounts accounts; /* owns */
};

#define INSPECTION_INIT ((struct inspection){.accounts = ACCOUNTS_INIT})

void inspection_deinit(struct inspection *inspection);

/*
 * Into an inspection that is INSPECTION_INIT; OK whatever the verdict is. IO, with errno,
 * of the file sources->list[*at]; NO_MEMORY or CRYPTO.
 */
MUST_CHECK enum status inspect_run(const struct sources *sources,
	const struct inspect_marks *marks, struct inspection *out, size_t *at);

#endif
