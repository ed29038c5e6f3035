/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a file of any length, one after the other, through a buffer of a fixed
 * size. It reads at its own place, so that a descriptor may be somebody else's too.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_LINES_H
#define ZEGEL_CLI_LINES_H

#include <sys/types.h>

#include "util/defs.h"

enum {
	LINES_READ = 1 << 20, /* bytes that are read at once */
	LINES_LINE_MAX = 1 << 16,
};

struct lines {
	int fd; /* borrows */
	off_t at;
	uint8_t *room; /* owns */
	size_t begin;  /* of what was read and not given yet */
	size_t end;
	uint64_t number;
	bool is_at_end;
	bool is_in_long; /* the rest of a line that was too long comes first */
};

struct line {
	struct bytes text; /* without its newline; borrows until the next call */
	uint64_t number;   /* from 1 */
	bool has_end;      /* false: the file ends in it */
};

#define LINES_INIT ((struct lines){.fd = -1})

/* NO_MEMORY. */
MUST_CHECK enum status lines_init(struct lines *lines, int fd);
void lines_deinit(struct lines *lines);
/*
 * A file that ends in the middle of a line is looked at once more, a moment later: its
 * writer may be at work. Of a line longer than LINES_LINE_MAX the first LINES_LINE_MAX
 * bytes. NOT_FOUND at the end; IO, with errno.
 */
MUST_CHECK enum status lines_next(struct lines *lines, struct line *out);

#endif
