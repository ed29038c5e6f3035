/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test wants of the disk, and what it is told. All by the environment:
 *
 *   ZEGEL_SEAM_LOG      a file that gets a line for each operation, in one write
 *   ZEGEL_SEAM_ORDERS   a file of orders, read again at each operation
 *   ZEGEL_SEAM_DEFECT   a lie, to see whether the tests find it:
 *                       "release-first"      a write is only done at the next one, and
 *                                            the file is as long as if it were; but for
 *                                            the first, so that the start is honest
 *                       "no-sync"            a sync of a file does nothing
 *                       "no-directory-sync"  that of a directory does nothing
 *
 * An order is a line KIND WHEN WHAT; the first one that fits an operation counts.
 *
 *   KIND  open create write sync sync-directory truncate rename reserve
 *   WHEN  3: the third of its kind since the orders changed; 3+: that and all further ones
 *   WHAT  fail ERRNO         it is not done
 *         short BYTES ERRNO  so much is written; then that error, or 0 for none
 *         delay MS           it is done, so much later
 *         kill before        the process dies (SIGKILL) instead of doing it,
 *         kill half          when half of it is written,
 *         kill after         or when it is done
 *
 * Thread: any
 */
#ifndef ZEGEL_SEAM_SEAM_H
#define ZEGEL_SEAM_SEAM_H

#include <stdbool.h>
#include <stddef.h>

enum seam_kind {
	SEAM_OPEN,
	SEAM_CREATE,
	SEAM_WRITE,
	SEAM_SYNC,
	SEAM_SYNC_DIRECTORY,
	SEAM_TRUNCATE,
	SEAM_RENAME,
	SEAM_RESERVE,
	SEAM_KINDS,
};

struct seam_order {
	bool is_short;
	size_t len; /* is_short: bytes */
	int error;  /* fails, when it is not 0 */
	bool is_half;
	bool is_last; /* the process dies behind it */
};

/* Counts an operation, and waits or dies before it when it was told to. */
struct seam_order seam_begin(enum seam_kind kind);
/* Writes the operation into the log. text: what it was about. error: 0 or its errno. */
void seam_note(const char *text, int error);
_Noreturn void seam_die(void);
bool seam_has_defect(const char *name);

#endif
