/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit_line.h"
#include "util/log.h"

enum {
	PIECE = 256 * 1024,
	/* As far back as a power cut can have left holes between lines. */
	CHECKED_MIN = 2 * 1024 * 1024,
	/* And as long as what it left can be: all of a turn's lines, and more. */
	CHECKED_MAX = 32 * 1024 * 1024,
};

enum status audit_reader_refuse(const char *name, const char *why)
{
	log_event(LOG_ERR, "the record cannot be gone on with",
		"file=\"%s\" why=\"%s\" hint=\"keep its files as evidence: move them "
		"all "
		"away, and a new record begins; zegel audit verify says more\"",
		log_text(bytes_from_text(name)).text, why);
	return STATUS_BAD_FILE;
}

enum status audit_reader_fail(const char *name, const char *step)
{
	log_event(LOG_ERR, "the record cannot be read",
		"file=\"%s\" step=%s why=\"%s\"", log_text(bytes_from_text(name)).text,
		step, strerror(errno));
	return STATUS_IO;
}

enum status audit_reader_open(struct audit_reader *reader, int directory,
	const char *name, struct entry_hasher *hasher)
{
	CLEANUP(fd_closep)
	int fd =
		openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat facts;

	if (fd < 0 && errno == ENOENT)
		return STATUS_NOT_FOUND;
	if (fd < 0 && (errno == ELOOP || errno == ENXIO))
		return audit_reader_refuse(name, "it is not a regular file");
	if (fd < 0 || fstat(fd, &facts) != 0)
		return audit_reader_fail(name, "open");
	if (!S_ISREG(facts.st_mode))
		return audit_reader_refuse(name, "it is not a regular file");
	(void)snprintf(reader->name, sizeof(reader->name), "%s", name);
	reader->fd = fd_take(&fd);
	reader->size = facts.st_size;
	reader->hasher = hasher;
	reader->piece = BUF_INIT(PIECE + ENTRY_MAX);
	return STATUS_OK;
}

void audit_reader_deinit(struct audit_reader *reader)
{
	fd_closep(&reader->fd);
	buf_deinit(&reader->piece);
}

/* Appends to the piece at most max bytes of the file from there on. */
static enum status read_on(struct audit_reader *reader, int64_t from, size_t max)
{
	const int64_t left = reader->size - from;
	const size_t len = left < (int64_t)max ? (size_t)left : max;
	struct buf *piece = &reader->piece;
	size_t done = 0;

	TRY(buf_reserve(piece, len));
	while (done < len) {
		const ssize_t n = pread(reader->fd, piece->p + piece->len, len - done,
			from + (int64_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return audit_reader_fail(reader->name, "read");
		done += (size_t)n;
		piece->len += (size_t)n;
	}
	return STATUS_OK;
}

static bool is_printable(struct bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.p[i] < 0x20 || bytes.p[i] > 0x7e)
			return false;
	}
	return true;
}

static enum status stop(struct audit_walk *walk, bool is_torn, const char *why)
{
	walk->is_torn = is_torn;
	walk->why = why;
	return STATUS_BAD_FILE;
}

static enum status take_line(
	struct audit_reader *reader, struct audit_walk *walk, struct bytes line)
{
	const char *why = "";
	struct entry entry;
	enum status status = entry_read(reader->hasher, line, &entry, &why);

	if (status == STATUS_OK)
		status = entry_follow(&walk->head, &entry, &why);
	/* What we wrote is printable: zeros are a block that never reached the disk. */
	if (status == STATUS_BAD_FILE)
		return stop(walk, !is_printable(line), why);
	TRY(status);
	TRY(walk->call(walk->context, &entry, line));
	walk->at += (int64_t)line.len + 1;
	return STATUS_OK;
}

/* Takes the whole lines of the piece, and leaves in it what is behind them. */
static enum status take_lines(struct audit_reader *reader, struct audit_walk *walk)
{
	struct buf *piece = &reader->piece;
	size_t at = 0;

	while (at < piece->len) {
		const uint8_t *end = memchr(piece->p + at, '\n', piece->len - at);

		if (end == NULL)
			break;
		TRY(take_line(reader, walk,
			(struct bytes){piece->p + at, (size_t)(end - piece->p) - at}));
		at = (size_t)(end - piece->p) + 1;
	}
	buf_consume(piece, at);
	if (piece->len >= ENTRY_MAX)
		return stop(walk, !is_printable(buf_get(piece)),
			"it has a line that is longer than any of a record");
	return STATUS_OK;
}

enum status audit_reader_walk(
	struct audit_reader *reader, int64_t from, struct audit_walk *walk)
{
	walk->at = from;
	buf_clear(&reader->piece);
	while (from < reader->size) {
		const size_t len = reader->piece.len;

		TRY(read_on(reader, from, PIECE));
		from += (int64_t)(reader->piece.len - len);
		TRY(take_lines(reader, walk));
	}
	if (reader->piece.len > 0)
		return stop(walk, true, "its last line is not whole");
	return STATUS_OK;
}

/* The begin of the first line that begins behind from; the end when there is none. */
static enum status find_line(struct audit_reader *reader, int64_t from, int64_t *out)
{
	while (from < reader->size) {
		const struct buf *piece = &reader->piece;
		const uint8_t *end;

		buf_clear(&reader->piece);
		TRY(read_on(reader, from, ENTRY_MAX));
		end = memchr(piece->p, '\n', piece->len);
		if (end != NULL) {
			*out = from + (end - piece->p) + 1;
			return STATUS_OK;
		}
		from += (int64_t)piece->len;
	}
	*out = reader->size;
	return STATUS_OK;
}

static enum status note_last(
	void *context, const struct entry *entry, struct bytes line)
{
	struct audit_last *last = context;

	(void)line;
	last->head.seq = entry->seq;
	memcpy(last->head.hash, entry->hash, ENTRY_HASH_LEN);
	last->open = entry->open;
	last->is_stop = bytes_is_equal(entry->kind, bytes_from_text(AUDIT_KIND_STOP));
	return STATUS_OK;
}

/* The same, from no further back than max bytes: then there may be no good line. */
static enum status find_end_in(
	struct audit_reader *reader, int64_t max, struct audit_last *out)
{
	struct audit_walk walk = {.call = note_last, .context = out};
	int64_t from = 0;
	enum status status;

	if (reader->size > max)
		TRY(find_line(reader, reader->size - max, &from));
	status = audit_reader_walk(reader, from, &walk);
	if (status == STATUS_BAD_FILE && !walk.is_torn)
		return audit_reader_refuse(reader->name, walk.why);
	if (status != STATUS_OK && status != STATUS_BAD_FILE)
		return status;
	out->end = out->head.seq == 0 ? 0 : walk.at;
	return STATUS_OK;
}

enum status audit_reader_find_end(struct audit_reader *reader, struct audit_last *out)
{
	struct audit_last last = {.end = 0};

	TRY(find_end_in(reader, CHECKED_MIN, &last));
	if (last.end == 0 && reader->size > CHECKED_MIN)
		TRY(find_end_in(reader, CHECKED_MAX, &last));
	if (last.end == 0 && reader->size > CHECKED_MAX)
		return audit_reader_refuse(
			reader->name, "its last 32 MiB hold no line of a record");
	*out = last;
	return STATUS_OK;
}

/* The line that begins there. */
static enum status read_line(
	struct audit_reader *reader, int64_t from, struct entry *out)
{
	const struct buf *piece = &reader->piece;
	const char *why = "its last line is not whole";
	const uint8_t *end;

	buf_clear(&reader->piece);
	TRY(read_on(reader, from, ENTRY_MAX));
	end = piece->len == 0 ? NULL : memchr(piece->p, '\n', piece->len);
	if (end == NULL || entry_read(reader->hasher,
				   (struct bytes){piece->p, (size_t)(end - piece->p)},
				   out, &why) != STATUS_OK)
		return audit_reader_refuse(reader->name, why);
	return STATUS_OK;
}

enum status audit_reader_read_first(
	struct audit_reader *reader, uint64_t *out_seq, int64_t *out_s)
{
	char text[32] = "";
	struct tm tm = {.tm_year = 0};
	struct entry first;

	TRY(read_line(reader, 0, &first));
	memcpy(text, first.time.p,
		first.time.len < sizeof(text) ? first.time.len : sizeof(text) - 1);
	*out_seq = first.seq;
	*out_s = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL ? 0 : timegm(&tm);
	return STATUS_OK;
}

/* Steps back a piece at a time and looks at one line of each. */
enum status audit_reader_find_begin(
	struct audit_reader *reader, uint64_t open, int64_t *out)
{
	int64_t from = reader->size;

	while (from > PIECE) {
		struct entry entry;
		int64_t line;

		from -= PIECE;
		TRY(find_line(reader, from, &line));
		/* No line begins in the last piece. */
		if (line == reader->size)
			continue;
		TRY(read_line(reader, line, &entry));
		if (entry.seq <= open) {
			*out = line;
			return STATUS_OK;
		}
	}
	*out = 0;
	return STATUS_OK;
}
