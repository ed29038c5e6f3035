/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user names to be read: a path, a pipe, or "-" for standard input; always with
 * a maximum.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_INPUT_H
#define ZEGEL_CLI_INPUT_H

#include "util/buf.h"
#include "util/defs.h"

/* BAD_FILE when it cannot be read or is longer than out may grow; said here. */
MUST_CHECK enum status input_read(
	const char *command, const char *path, struct buf *out);

#endif
