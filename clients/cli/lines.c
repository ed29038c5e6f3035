/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	ROOM = LINES_READ + LINES_LINE_MAX,
	WAIT_NS = 5000000,
};

enum status lines_init(struct lines *lines, int fd)
{
	uint8_t *room = malloc(ROOM);

	if (room == NULL)
		return STATUS_NO_MEMORY;
	*lines = (struct lines){.fd = fd, .room = room};
	return STATUS_OK;
}

void lines_deinit(struct lines *lines)
{
	freep(&lines->room);
	*lines = LINES_INIT;
}

/* Moves what is left, at most LINES_LINE_MAX bytes, to the front, and reads behind it. */
static enum status fill(struct lines *lines)
{
	const size_t left = lines->end - lines->begin;
	ssize_t n;

	must(left <= LINES_LINE_MAX);
	memmove(lines->room, lines->room + lines->begin, left);
	lines->begin = 0;
	lines->end = left;
	do {
		n = pread(lines->fd, lines->room + left, LINES_READ, lines->at);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return STATUS_IO;
	lines->is_at_end = n == 0;
	lines->at += n;
	lines->end += (size_t)n;
	return STATUS_OK;
}

/* The newline in what was read, or NULL. */
static const uint8_t *find_end(const struct lines *lines)
{
	return memchr(lines->room + lines->begin, '\n', lines->end - lines->begin);
}

static enum status skip_long(struct lines *lines)
{
	const uint8_t *end = find_end(lines);

	while (end == NULL && !lines->is_at_end) {
		lines->begin = lines->end;
		TRY(fill(lines));
		end = find_end(lines);
	}
	lines->begin = end == NULL ? lines->end : (size_t)(end + 1 - lines->room);
	lines->is_in_long = false;
	return STATUS_OK;
}

static void give(struct lines *lines, size_t len, bool has_end, struct line *out)
{
	*out = (struct line){.text = {lines->room + lines->begin, len},
		.number = ++lines->number,
		.has_end = has_end};
	lines->begin += len + (has_end ? 1 : 0);
}

/* Reads until the line's end is there, or it is too long, or the file ends. */
static enum status read_line(struct lines *lines, const uint8_t **out_end)
{
	const uint8_t *end = find_end(lines);

	while (end == NULL && !lines->is_at_end &&
		lines->end - lines->begin <= LINES_LINE_MAX) {
		TRY(fill(lines));
		end = find_end(lines);
	}
	*out_end = end;
	return STATUS_OK;
}

/* The agent may be writing this very line: then its end is there a moment later. */
static enum status read_again(struct lines *lines, const uint8_t **out_end)
{
	const struct timespec moment = {.tv_nsec = WAIT_NS};

	(void)nanosleep(&moment, NULL);
	lines->is_at_end = false;
	return read_line(lines, out_end);
}

enum status lines_next(struct lines *lines, struct line *out)
{
	const uint8_t *end;
	size_t left;

	if (lines->is_in_long)
		TRY(skip_long(lines));
	TRY(read_line(lines, &end));
	if (end == NULL && lines->is_at_end && lines->begin < lines->end)
		TRY(read_again(lines, &end));
	left = (end == NULL ? lines->end : (size_t)(end - lines->room)) - lines->begin;
	if (end == NULL && left == 0)
		return STATUS_NOT_FOUND;
	if (left > LINES_LINE_MAX) {
		give(lines, LINES_LINE_MAX, false, out);
		lines->is_in_long = true;
		/* It is refused for its length; whether it ends is not looked for. */
		out->has_end = true;
		return STATUS_OK;
	}
	give(lines, left, end != NULL, out);
	return STATUS_OK;
}
