/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROOM_MIN = 64,
	FORMAT_SHORT = 512, /* bytes that are formatted without malloc() */
};

static void check(const struct buf *buf)
{
	must(buf->len <= buf->room && (buf->p != NULL || buf->room == 0));
}

void buf_deinit(struct buf *buf)
{
	freep(&buf->p);
	buf->len = 0;
	buf->room = 0;
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
}

enum status buf_reserve(struct buf *buf, size_t n)
{
	size_t room = buf->room < ROOM_MIN ? ROOM_MIN : buf->room;
	uint8_t *p;

	check(buf);
	if (n > buf->max || buf->len > buf->max - n)
		return STATUS_NO_MEMORY;
	if (buf->len + n <= buf->room)
		return STATUS_OK;
	while (room < buf->len + n)
		room *= 2;
	if (room > buf->max)
		room = buf->max;
	p = realloc(buf->p, room);
	if (p == NULL)
		return STATUS_NO_MEMORY;
	buf->p = p;
	buf->room = room;
	return STATUS_OK;
}

enum status buf_append(struct buf *buf, struct bytes bytes)
{
	TRY(buf_reserve(buf, bytes.len));
	if (bytes.len > 0)
		memcpy(buf->p + buf->len, bytes.p, bytes.len);
	buf->len += bytes.len;
	return STATUS_OK;
}

enum status buf_append_text(struct buf *buf, const char *text)
{
	return buf_append(buf, bytes_from_text(text));
}

/* What does not fit into a few bytes of the stack. */
FORMAT_PRINTF(3, 0)
static enum status append_long(
	struct buf *buf, size_t len, const char *format, va_list arguments)
{
	char *text = malloc(len + 1);
	enum status status;

	if (text == NULL)
		return STATUS_NO_MEMORY;
	(void)vsnprintf(text, len + 1, format, arguments);
	status = buf_append(buf, (struct bytes){(const uint8_t *)text, len});
	free(text);
	return status;
}

enum status buf_append_format(struct buf *buf, const char *format, ...)
{
	char text[FORMAT_SHORT];
	va_list arguments, again;
	enum status status;
	int n;

	va_start(arguments, format);
	va_copy(again, arguments);
	n = vsnprintf(text, sizeof(text), format, arguments);
	if (n < 0)
		status = STATUS_NO_MEMORY;
	else if ((size_t)n < sizeof(text))
		status = buf_append(
			buf, (struct bytes){(const uint8_t *)text, (size_t)n});
	else
		status = append_long(buf, (size_t)n, format, again);
	va_end(again);
	va_end(arguments);
	return status;
}

void buf_consume(struct buf *buf, size_t n)
{
	must(n <= buf->len);
	if (n == 0)
		return;
	memmove(buf->p, buf->p + n, buf->len - n);
	buf->len -= n;
}

struct bytes buf_get(const struct buf *buf)
{
	return (struct bytes){.p = buf->p, .len = buf->len};
}

enum status buf_get_text(struct buf *buf, const char **out)
{
	/* The NUL is one byte more than the content may have, so it does not count. */
	const size_t max = buf->max;
	enum status status;

	buf->max = max + 1;
	status = buf_reserve(buf, 1);
	buf->max = max;
	TRY(status);
	buf->p[buf->len] = '\0';
	*out = (const char *)buf->p;
	return STATUS_OK;
}
