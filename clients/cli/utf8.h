/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 3629, strictly: no overlong forms, no surrogates, nothing past U+10FFFF.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_UTF8_H
#define ZEGEL_CLI_UTF8_H

#include "util/defs.h"

/* The bytes of the first character of text, and which it is; 0 when it is none. */
size_t utf8_next(struct bytes text, uint32_t *out);

#endif
