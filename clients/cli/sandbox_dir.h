/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder in which a sandbox lives, for us alone, and its removal.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_SANDBOX_DIR_H
#define ZEGEL_CLI_SANDBOX_DIR_H

#include "util/buf.h"
#include "util/defs.h"

enum {
	SANDBOX_DIR_MAX = 96,   /* bytes with the NUL: DIR/zegel.sock fits in 107 */
	SANDBOX_PATH_MAX = 160, /* of what is in it */
};

struct sandbox_path {
	char text[SANDBOX_PATH_MAX];
};

/*
 * A new folder under $TMPDIR, or under /tmp where that is not set, too long for a socket,
 * or written in characters that the configuration does not take. IO with words.
 */
MUST_CHECK enum status sandbox_dir_open(char out[static SANDBOX_DIR_MAX]);
/* Removes it with all that is in it; follows no symbolic link. Says what it cannot. */
void sandbox_dir_remove(const char *dir);

/* DIR/NAME; name is one of our constants. */
struct sandbox_path sandbox_dir_path(const char *dir, const char *name);
/* A new file of mode 0600 with this text. IO with words. */
MUST_CHECK enum status sandbox_dir_write(
	const char *dir, const char *name, struct bytes bytes);
/* Shows the last lines of a file on standard error. */
void sandbox_dir_show(const char *dir, const char *name);

#endif
