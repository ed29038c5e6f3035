/* SPDX-License-Identifier: Apache-2.0 */
#include "entry_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
	LINES_MAX = 1 << 20,
};

void entry_pen_init(struct entry_pen *pen)
{
	*pen = (struct entry_pen){
		.hasher = ENTRY_HASHER_INIT, .out = BUF_INIT(LINES_MAX)};
	assert_int_equal(entry_hasher_init(&pen->hasher), STATUS_OK);
}

void entry_pen_deinit(struct entry_pen *pen)
{
	entry_hasher_deinit(&pen->hasher);
	buf_deinit(&pen->out);
}

void entry_pen_append(struct entry_pen *pen, const char *kind, const char *members)
{
	const struct entry_front front = {
		.time_us = ENTRY_PEN_TIME_US, .open = 0, .kind = kind};

	assert_int_equal(entry_append(&pen->out, &pen->hasher, &pen->head, &front,
				 bytes_from_text(members)),
		STATUS_OK);
}

/* The line that begins at *at, without its newline; moves *at behind it. */
struct bytes entry_pen_next(const struct buf *buf, size_t *at)
{
	const uint8_t *begin = buf->p + *at;
	const uint8_t *end = memchr(begin, '\n', buf->len - *at);

	assert_non_null(end);
	*at += (size_t)(end - begin) + 1;
	return (struct bytes){begin, (size_t)(end - begin)};
}
