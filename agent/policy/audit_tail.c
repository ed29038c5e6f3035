/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_tail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_line.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/text.h"

enum {
	/* What a power cut can leave behind the last good line: the unsynced writes. */
	CUT_MAX = 4 * 1024 * 1024,
	PIECE = 256 * 1024,
	OLDER_DIGITS = 20,
};

#define OLDER_PREFIX "audit-"
#define OLDER_SUFFIX ".jsonl"

void audit_tail_deinit(struct audit_tail *tail)
{
	opens_deinit(&tail->opens);
}

static enum status refuse(const char *name, const char *why)
{
	log_event(LOG_ERR, "the record cannot be gone on with",
		"file=\"%s\" why=\"%s\"", log_text(bytes_from_text(name)).text, why);
	return STATUS_BAD_FILE;
}

static enum status fail(const char *name, const char *what)
{
	log_event(LOG_ERR, "the record cannot be read",
		"file=\"%s\" step=%s why=\"%s\"", log_text(bytes_from_text(name)).text,
		what, strerror(errno));
	return STATUS_IO;
}

void audit_tail_name_older(uint64_t first_seq, char out[static RECORD_NAME_MAX])
{
	(void)snprintf(out, RECORD_NAME_MAX, OLDER_PREFIX "%0*" PRIu64 OLDER_SUFFIX,
		(int)OLDER_DIGITS, first_seq);
}

static bool is_older(const char *name, uint64_t *out)
{
	const size_t prefix_len = strlen(OLDER_PREFIX);
	char digits[OLDER_DIGITS + 1] = "";

	if (strlen(name) != prefix_len + OLDER_DIGITS + strlen(OLDER_SUFFIX) ||
		strncmp(name, OLDER_PREFIX, prefix_len) != 0 ||
		strcmp(name + prefix_len + OLDER_DIGITS, OLDER_SUFFIX) != 0)
		return false;
	memcpy(digits, name + prefix_len, OLDER_DIGITS);
	return text_to_number(digits, INT64_MAX, out) && *out > 0;
}

static int compare_seqs(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a;
	const uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static void folder_closep(DIR **folder)
{
	if (*folder != NULL)
		(void)closedir(*folder);
	*folder = NULL;
}

enum status audit_tail_list_older(int directory, uint64_t **out, size_t *out_n)
{
	CLEANUP(fd_closep)
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(folder_closep) DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	CLEANUP(freep) uint64_t *seqs = NULL;
	const struct dirent *entry;
	size_t n = 0;
	uint64_t seq;

	if (folder == NULL)
		return fail(".", "list");
	(void)fd_take(&fd);
	while ((entry = readdir(folder)) != NULL && n < AUDIT_TAIL_OLDER_MAX) {
		void *grown;

		if (!is_older(entry->d_name, &seq))
			continue;
		grown = reallocarray(seqs, n + 1, sizeof(*seqs));
		if (grown == NULL)
			return STATUS_NO_MEMORY;
		seqs = grown;
		seqs[n++] = seq;
	}
	if (n > 0)
		qsort(seqs, n, sizeof(*seqs), compare_seqs);
	*out = TAKE(seqs);
	*out_n = n;
	return STATUS_OK;
}

/* A file of the record while it is read. */
struct reader {
	const char *name;
	int fd; /* owns */
	int64_t size;
	struct entry_hasher *hasher; /* borrows */
};

static void reader_deinit(struct reader *reader)
{
	fd_closep(&reader->fd);
}

/* NOT_FOUND is not logged: the caller knows whether it must be there. */
static enum status open_reader(int directory, const char *name,
	struct entry_hasher *hasher, struct reader *out)
{
	CLEANUP(fd_closep)
	int fd =
		openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat facts;

	if (fd < 0 && errno == ENOENT)
		return STATUS_NOT_FOUND;
	if (fd < 0 || fstat(fd, &facts) != 0)
		return fail(name, "open");
	if (!S_ISREG(facts.st_mode))
		return refuse(name, "it is not a regular file");
	*out = (struct reader){.name = name,
		.fd = fd_take(&fd),
		.size = facts.st_size,
		.hasher = hasher};
	return STATUS_OK;
}

/* The len bytes at from, into out (emptied first). */
static enum status read_piece(
	const struct reader *reader, int64_t from, size_t len, struct buf *out)
{
	buf_clear(out);
	TRY(buf_reserve(out, len));
	while (out->len < len) {
		const ssize_t n = pread(reader->fd, out->p + out->len, len - out->len,
			from + (int64_t)out->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(reader->name, "read");
		out->len += (size_t)n;
	}
	return STATUS_OK;
}

/* A whole line is printable; half a write or a lost block is not, or has no end. */
static bool is_torn(struct bytes bytes, bool has_end)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.p[i] < 0x20 || bytes.p[i] > 0x7e)
			return true;
	}
	return !has_end;
}

/* Where the line that ends before end begins. */
static size_t begin_of_line(struct bytes piece, size_t end)
{
	while (end > 0 && piece.p[end - 1] != '\n')
		end--;
	return end;
}

/*
 * The last good line of piece, which ends where the file does: *end is where it ends, its
 * newline counted, 0 when there is none. Behind it stands only what is torn.
 */
static enum status find_last(
	const struct reader *reader, struct bytes piece, struct entry *out, size_t *end)
{
	bool has_end = piece.len > 0 && piece.p[piece.len - 1] == '\n';
	size_t to = has_end ? piece.len - 1 : piece.len;

	*end = 0;
	while (piece.len > 0) {
		const size_t from = begin_of_line(piece, to);
		const struct bytes line = {piece.p + from, to - from};
		const char *why = "";

		if (has_end &&
			entry_read(reader->hasher, line, out, &why) == STATUS_OK) {
			*end = to + 1;
			return STATUS_OK;
		}
		if (!is_torn(line, has_end))
			return refuse(reader->name, why);
		if (from == 0)
			return STATUS_OK;
		has_end = true;
		to = from - 1;
	}
	return STATUS_OK;
}

/* The last good line of the file, and where it ends; 0 when it has none. */
static enum status read_end(const struct reader *reader, struct buf *piece,
	struct entry *out, int64_t *out_end)
{
	const size_t len =
		reader->size < CUT_MAX ? (size_t)reader->size : (size_t)CUT_MAX;
	const int64_t from = reader->size - (int64_t)len;
	size_t end;

	TRY(read_piece(reader, from, len, piece));
	TRY(find_last(reader, buf_get(piece), out, &end));
	if (end == 0 && from > 0)
		return refuse(reader->name, "its last 4 MiB hold no line of a record");
	*out_end = end == 0 ? 0 : from + (int64_t)end;
	return STATUS_OK;
}

/*
 * From where on every line with a seq of at least open stands: the begin of some line.
 * Steps back a piece at a time and looks at one line of each.
 */
static enum status find_begin(
	const struct reader *reader, struct buf *piece, uint64_t open, int64_t *out)
{
	int64_t from = reader->size;

	while (from > 0) {
		size_t len, begin = 0;
		struct entry entry;
		const char *why;
		const uint8_t *end;

		from = from > PIECE ? from - PIECE : 0;
		len = (size_t)(reader->size - from < 2 * ENTRY_MAX ? reader->size - from
								   : 2 * ENTRY_MAX);
		TRY(read_piece(reader, from, len, piece));
		while (from > 0 && begin < len && piece->p[begin] != '\n')
			begin++;
		begin += from > 0 ? 1 : 0;
		end = begin >= len ? NULL : memchr(piece->p + begin, '\n', len - begin);
		if (end == NULL)
			continue;
		if (entry_read(reader->hasher,
			    (struct bytes){
				    piece->p + begin, (size_t)(end - piece->p) - begin},
			    &entry, &why) != STATUS_OK)
			return refuse(reader->name, why);
		*out = from + (int64_t)begin;
		if (entry.seq <= open)
			return STATUS_OK;
	}
	*out = 0;
	return STATUS_OK;
}

static bool is_kind(const struct entry *entry, const char *kind)
{
	return bytes_is_equal(entry->kind, bytes_from_text(kind));
}

static enum status note(
	struct opens *opens, const struct entry *entry, struct bytes line)
{
	uint64_t attempt;

	if (is_kind(entry, AUDIT_KIND_ATTEMPT))
		return opens_put(opens, entry->seq);
	if ((is_kind(entry, AUDIT_KIND_OUTCOME) || is_kind(entry, AUDIT_KIND_ORPHAN)) &&
		audit_line_get_attempt(entry, line, &attempt))
		(void)opens_close(opens, attempt);
	/* Now and then, so that only what is open takes room. */
	opens_commit(opens);
	return STATUS_OK;
}

/* Takes the whole lines of piece; consumes them. */
static enum status note_lines(const struct reader *reader, struct buf *piece,
	struct entry_head *head, struct opens *opens)
{
	size_t at = 0;
	const uint8_t *end;

	while ((end = piece->len == at ? NULL
				       : memchr(piece->p + at, '\n',
						 piece->len - at)) != NULL) {
		const struct bytes line = {
			piece->p + at, (size_t)(end - piece->p) - at};
		struct entry entry;
		const char *why;

		if (entry_read(reader->hasher, line, &entry, &why) != STATUS_OK ||
			entry_follow(head, &entry, &why) != STATUS_OK)
			return refuse(reader->name, why);
		TRY(note(opens, &entry, line));
		at += line.len + 1;
	}
	buf_consume(piece, at);
	return STATUS_OK;
}

/* Notes the attempts between from and to, in order. */
static enum status note_file(const struct reader *reader, int64_t from, int64_t to,
	struct entry_head *head, struct opens *opens)
{
	CLEANUP(buf_deinit) struct buf rest = BUF_INIT(PIECE + ENTRY_MAX);
	CLEANUP(buf_deinit) struct buf piece = BUF_INIT(PIECE);

	while (from < to) {
		const size_t len = to - from < PIECE ? (size_t)(to - from) : PIECE;

		TRY(read_piece(reader, from, len, &piece));
		TRY(buf_append(&rest, buf_get(&piece)));
		TRY(note_lines(reader, &rest, head, opens));
		from += (int64_t)len;
	}
	return STATUS_OK;
}

/* Everything that reading one record needs. */
struct look {
	int directory;
	struct entry_hasher *hasher;
	uint64_t *older; /* owns n_older */
	size_t n_older;
	struct entry_head walked; /* the chain as it is walked to find open attempts */
	struct buf piece;
};

static void look_deinit(struct look *look)
{
	freep(&look->older);
	buf_deinit(&look->piece);
}

static enum status open_older(
	const struct look *look, uint64_t seq, char *name, struct reader *out)
{
	enum status status;

	audit_tail_name_older(seq, name);
	status = open_reader(look->directory, name, look->hasher, out);
	return status == STATUS_NOT_FOUND ? fail(name, "open") : status;
}

/* Older files that may still hold an attempt from open on, oldest first. */
static enum status note_older(
	struct look *look, uint64_t open, uint64_t before, struct opens *opens)
{
	size_t i = look->n_older;

	while (i > 0 && look->older[i - 1] > open)
		i--;
	for (i = i > 0 ? i - 1 : 0; i < look->n_older && look->older[i] < before; i++) {
		char name[RECORD_NAME_MAX];
		CLEANUP(reader_deinit) struct reader reader = {.fd = FD_NONE};
		int64_t from;

		TRY(open_older(look, look->older[i], name, &reader));
		TRY(find_begin(&reader, &look->piece, open, &from));
		TRY(note_file(&reader, from, reader.size, &look->walked, opens));
	}
	return STATUS_OK;
}

static void finish(struct audit_tail *tail, const struct entry *last)
{
	tail->head.seq = last->seq;
	memcpy(tail->head.hash, last->hash, ENTRY_HASH_LEN);
	tail->was_stopped = is_kind(last, AUDIT_KIND_STOP);
}

/* No line in the current file: the chain ends in the newest older one. */
static enum status read_newest_older(struct look *look, struct audit_tail *tail)
{
	char name[RECORD_NAME_MAX];
	CLEANUP(reader_deinit) struct reader reader = {.fd = FD_NONE};
	struct entry last;
	int64_t end;

	if (look->n_older == 0)
		return STATUS_OK;
	TRY(open_older(look, look->older[look->n_older - 1], name, &reader));
	TRY(read_end(&reader, &look->piece, &last, &end));
	if (end != reader.size || end == 0)
		return refuse(name, "its last line is not whole");
	finish(tail, &last);
	TRY(note_older(look, last.open, UINT64_MAX, &tail->opens));
	opens_abandon_all(&tail->opens);
	return STATUS_OK;
}

static enum status read_first(
	const struct reader *reader, struct buf *piece, uint64_t *out)
{
	const size_t len =
		reader->size < ENTRY_MAX ? (size_t)reader->size : (size_t)ENTRY_MAX;
	struct entry first;
	const char *why = "it has no line";
	const uint8_t *end;

	TRY(read_piece(reader, 0, len, piece));
	end = memchr(piece->p, '\n', piece->len);
	if (end == NULL || entry_read(reader->hasher,
				   (struct bytes){piece->p, (size_t)(end - piece->p)},
				   &first, &why) != STATUS_OK)
		return refuse(reader->name, why);
	*out = first.seq;
	return STATUS_OK;
}

static enum status read_current(
	struct look *look, struct reader *reader, struct audit_tail *tail)
{
	struct entry last;
	int64_t end, from;

	TRY(read_end(reader, &look->piece, &last, &end));
	tail->has_file = true;
	tail->size = end;
	tail->cut = (uint64_t)(reader->size - end);
	if (end == 0)
		return read_newest_older(look, tail);
	/* The views of last are gone with the next read; what is needed is kept now. */
	finish(tail, &last);
	reader->size = end;
	TRY(read_first(reader, &look->piece, &tail->first_seq));
	if (tail->first_seq > last.open)
		TRY(note_older(look, last.open, tail->first_seq, &tail->opens));
	TRY(find_begin(reader, &look->piece, last.open, &from));
	TRY(note_file(reader, from, end, &look->walked, &tail->opens));
	opens_abandon_all(&tail->opens);
	return STATUS_OK;
}

enum status audit_tail_read(
	int directory, struct entry_hasher *hasher, struct audit_tail *tail)
{
	CLEANUP(reader_deinit) struct reader reader = {.fd = FD_NONE};
	CLEANUP(look_deinit)
	struct look look = {
		.directory = directory, .hasher = hasher, .piece = BUF_INIT(CUT_MAX)};
	enum status status;

	TRY(audit_tail_list_older(directory, &look.older, &look.n_older));
	status = open_reader(directory, RECORD_NAME, hasher, &reader);
	if (status == STATUS_NOT_FOUND)
		return read_newest_older(&look, tail);
	TRY(status);
	return read_current(&look, &reader, tail);
}
