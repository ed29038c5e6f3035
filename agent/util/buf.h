/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that grow up to a hard maximum. All or nothing: an append that does not fit
 * changes nothing and gives NO_MEMORY.
 *
 * Thread: any
 */
#ifndef ZEGEL_UTIL_BUF_H
#define ZEGEL_UTIL_BUF_H

#include "defs.h"

struct buf {
	uint8_t *p; /* owns */
	size_t len;
	size_t room;
	size_t max;
};

#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})

void buf_deinit(struct buf *buf);
/* Keeps the memory, forgets the bytes. */
void buf_clear(struct buf *buf);

MUST_CHECK enum status buf_append(struct buf *buf, struct bytes bytes);
MUST_CHECK enum status buf_append_text(struct buf *buf, const char *text);
MUST_CHECK enum status buf_append_format(struct buf *buf, const char *format, ...)
	FORMAT_PRINTF(2, 3);
/* Room for n more bytes at buf->p + buf->len; the caller adds to len what it wrote. */
MUST_CHECK enum status buf_reserve(struct buf *buf, size_t n);
/* Drops the first n bytes; n is at most len. */
void buf_consume(struct buf *buf, size_t n);

/* Borrows until the next call on buf. */
struct bytes buf_get(const struct buf *buf);
/* The bytes as a C string (a NUL is kept behind them). Borrows until the next call. */
MUST_CHECK enum status buf_get_text(struct buf *buf, const char **out);

#endif
