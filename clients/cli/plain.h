/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign text for a terminal: whatever was written into it, only printable ASCII comes
 * out. So no control character, no change of direction and no look-alike of a line
 * end reaches a reader's eyes; and what is shown can be told from what it stands for,
 * since a backslash is doubled.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_PLAIN_H
#define ZEGEL_CLI_PLAIN_H

#include "util/buf.h"
#include "util/defs.h"

/* A character of UTF-8 becomes \uNNNN or \UNNNNNN, a byte that is none \xNN. */
MUST_CHECK enum status plain_append(struct buf *out, struct bytes foreign);
/*
 * The same as one word of a line: in quotes when it is empty or has a character that
 * would let it pass for two (space, quote, =).
 */
MUST_CHECK enum status plain_append_word(struct buf *out, struct bytes foreign);

#endif
