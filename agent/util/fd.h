/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File descriptors, and the border where errno becomes a status. What is met here is
 * logged here, except where the header says that the caller judges.
 *
 * Thread: any
 */
#ifndef ZEGEL_UTIL_FD_H
#define ZEGEL_UTIL_FD_H

#include <sys/types.h>

#include "buf.h"
#include "defs.h"

/* A descriptor that is not there. A descriptor is the one integer where -1 means none. */
#define FD_NONE (-1)

/* CLEANUP(fd_closep): closes unless FD_NONE, and sets FD_NONE. */
void fd_closep(int *fd);
/* Moves a descriptor out of a guarded local. */
int fd_take(int *fd);

/* Writes everything, waiting where it must; IO when it cannot. Does not log. */
MUST_CHECK enum status fd_write_all(int fd, struct bytes bytes);

/*
 * The whole of a regular file into out (which is emptied first); follows no symbolic
 * link in the last component. NOT_FOUND, BAD_FILE (not regular, or longer than out may
 * grow), CHANGED_FILE (while it was read) or IO, logged with the path.
 */
MUST_CHECK enum status fd_read_file(const char *path, struct buf *out);

/* Writes a file whole or not at all: beside it, synced, then renamed over it. */
MUST_CHECK enum status fd_write_file(const char *path, mode_t mode, struct bytes bytes);

#endif
