/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to the files that must not lie: the record's. A room of its own, so that
 * tests can put another behind the same header (tests/seam), one that fails when it is
 * told to, forgets what was not synced, or only pretends.
 *
 * Nothing is logged here: the caller knows what a failure means, and says it once.
 *
 * Thread: any
 */
#ifndef ZEGEL_UTIL_DISK_H
#define ZEGEL_UTIL_DISK_H

#include <sys/types.h>

#include "defs.h"

/*
 * All of these: DISK_FULL (no space, no quota), READ_ONLY, or IO for what is not named.
 */

/*
 * Opens name in the directory for reading and appending; follows no symbolic link. With
 * is_new it must not exist yet, else it must. NOT_FOUND, BAD_FILE when it is no regular
 * file. gives
 */
MUST_CHECK enum status disk_open(
	int directory, const char *name, bool is_new, int *out);
/* Appends everything, or fails; then a part of it may be there. */
MUST_CHECK enum status disk_append(int fd, struct bytes bytes);
/* What was appended survives a power cut. */
MUST_CHECK enum status disk_sync(int fd);
/* Names that were made, changed or removed in the directory survive one. */
MUST_CHECK enum status disk_sync_directory(int directory);
MUST_CHECK enum status disk_truncate(int fd, off_t size);
/*
 * Gives a file another name. NOT_FOUND; BAD_FILE when there is one of that name, which is
 * never replaced.
 */
MUST_CHECK enum status disk_rename(int directory, const char *from, const char *to);
/*
 * Sets len bytes of space aside behind the file's first from, without changing its
 * length; disk_truncate() gives them back. OK where the file system cannot do that.
 */
MUST_CHECK enum status disk_reserve(int fd, off_t from, off_t len);

#endif
