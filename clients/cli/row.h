/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of the record as people or programs read it. Whatever the line holds, only
 * printable ASCII comes out, and one newline at the end.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_ROW_H
#define ZEGEL_CLI_ROW_H

#include "policy/entry.h"
#include "util/buf.h"

enum {
	ROW_MAX = 1 << 20, /* of a buffer for a row; the longest line needs less */
};

struct row {
	const char *file;  /* borrows */
	uint64_t number;   /* of the line in its file; 0: it is about the file */
	struct bytes text; /* borrows; the line as it stands */
	const struct entry *entry; /* borrows; NULL: it could not be read */
	const char
		*status; /* borrows; of an attempt: what its outcome said; NULL: none */
	const char *why; /* borrows; NULL: it is good */
};

/* The words above the columns. */
MUST_CHECK enum status row_append_heading(struct buf *out);
/* BAD_FILE when it is not one JSON object; then nothing was appended. */
MUST_CHECK enum status row_append(struct buf *out, const struct row *row);
/* The line as it stands when it is good; BAD_FILE as above. */
MUST_CHECK enum status row_append_json(struct buf *out, const struct row *row);

#endif
