/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goes through the files of a record line by line and judges each: is it a line of a
 * record, and does it follow the one before? It goes on behind a bad one: whether anything
 * there is still worth something is the caller's decision.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_WALK_H
#define ZEGEL_CLI_WALK_H

#include "lines.h"
#include "policy/entry.h"
#include "sources.h"

enum {
	WALK_WHY_MAX = 192,
};

struct walk {
	const struct sources *sources; /* borrows */
	struct entry_hasher hasher;
	struct entry_head head; /* the last line that could be read */
	struct lines lines;     /* of the file at hand */
	bool is_in_file;
	size_t at; /* the file at hand, or the next one */
	char why[WALK_WHY_MAX];
};

struct walk_line {
	const struct source *source; /* borrows from the sources */
	uint64_t number;             /* 0: it is about the file, and there is no line */
	struct bytes text;           /* borrows until the next call, as entry does */
	bool is_entry;               /* entry is there: it could be read */
	struct entry entry;
	const char *why; /* NULL: it is good; borrows until the next call */
};

#define WALK_INIT ((struct walk){.sources = NULL})

/* sources are sorted. NO_MEMORY or CRYPTO. */
MUST_CHECK enum status walk_init(struct walk *walk, const struct sources *sources);
void walk_deinit(struct walk *walk);
/* NOT_FOUND at the end; IO, with errno, of the file sources->list[walk->at]; CRYPTO. */
MUST_CHECK enum status walk_next(struct walk *walk, struct walk_line *out);

#endif
