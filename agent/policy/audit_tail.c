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
#include "audit_reader.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/text.h"

enum {
	OLDER_DIGITS = 20,
};

#define OLDER_PREFIX "audit-"
#define OLDER_SUFFIX ".jsonl"

void audit_tail_deinit(struct audit_tail *tail)
{
	opens_deinit(&tail->opens);
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
		return audit_reader_fail(".", "list");
	(void)fd_take(&fd);
	while ((entry = readdir(folder)) != NULL) {
		void *grown;

		if (!is_older(entry->d_name, &seq))
			continue;
		if (n == AUDIT_TAIL_OLDER_MAX)
			return audit_reader_refuse(".", "it has too many older files");
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

/* Everything that reading one record needs. */
struct look {
	int directory;
	struct entry_hasher *hasher;
	uint64_t *older; /* owns n_older; the list is made when it is needed */
	size_t n_older;
	struct audit_walk walk; /* to find open attempts */
	struct audit_tail *tail;
};

static void look_deinit(struct look *look)
{
	freep(&look->older);
}

static bool is_kind(const struct entry *entry, const char *kind)
{
	return bytes_is_equal(entry->kind, bytes_from_text(kind));
}

/* What a line changes in the attempts that are open. */
static enum status note(void *context, const struct entry *entry, struct bytes line)
{
	struct opens *opens = context;
	uint64_t attempt;

	if (is_kind(entry, AUDIT_KIND_ATTEMPT)) {
		const enum status status = opens_put(opens, entry->seq);

		if (status != STATUS_OK)
			log_event(LOG_ERR,
				"too many attempts of the record have no outcome",
				"max=%d", (int)OPENS_MAX);
		return status;
	}
	if ((is_kind(entry, AUDIT_KIND_OUTCOME) || is_kind(entry, AUDIT_KIND_ORPHAN)) &&
		audit_line_get_attempt(entry, line, &attempt) &&
		opens_close(opens, attempt))
		opens_commit(opens);
	return STATUS_OK;
}

/* The attempts among the lines with a seq of at least open, in order. */
static enum status note_file(
	struct look *look, struct audit_reader *reader, uint64_t open)
{
	enum status status;
	int64_t from;

	TRY(audit_reader_find_begin(reader, open, &from));
	status = audit_reader_walk(reader, from, &look->walk);
	if (status != STATUS_BAD_FILE || look->walk.is_torn)
		return status == STATUS_BAD_FILE ? STATUS_OK : status;
	return audit_reader_refuse(reader->name, look->walk.why);
}

static enum status open_older(
	const struct look *look, uint64_t seq, struct audit_reader *reader)
{
	char name[RECORD_NAME_MAX];
	enum status status;

	audit_tail_name_older(seq, name);
	status = audit_reader_open(reader, look->directory, name, look->hasher);
	return status == STATUS_NOT_FOUND ? audit_reader_fail(name, "open") : status;
}

/* Older files that may still hold an attempt from open on, oldest first. */
static enum status note_older(struct look *look, uint64_t open, uint64_t before)
{
	size_t i = look->n_older;

	while (i > 0 && look->older[i - 1] > open)
		i--;
	if (i == 0)
		log_event(LOG_WARN,
			"an attempt without outcome is in a file that is gone",
			"seq=%llu", (unsigned long long)open);
	for (i = i > 0 ? i - 1 : 0; i < look->n_older && look->older[i] < before; i++) {
		CLEANUP(audit_reader_deinit)
		struct audit_reader reader = AUDIT_READER_INIT;

		TRY(open_older(look, look->older[i], &reader));
		if (look->older[i] == look->tail->torn_seq)
			reader.size = look->tail->torn_size;
		TRY(note_file(look, &reader, open));
	}
	return STATUS_OK;
}

static enum status list_older(struct look *look)
{
	return audit_tail_list_older(look->directory, &look->older, &look->n_older);
}

static void finish(struct audit_tail *tail, const struct audit_last *last)
{
	tail->head = last->head;
	tail->was_stopped = last->is_stop;
	opens_abandon_all(&tail->opens);
}

/* No line in the current file: the chain ends in the newest older one. */
static enum status read_newest_older(struct look *look)
{
	CLEANUP(audit_reader_deinit) struct audit_reader reader = AUDIT_READER_INIT;
	struct audit_tail *tail = look->tail;
	struct audit_last last;

	TRY(list_older(look));
	if (look->n_older == 0)
		return STATUS_OK;
	TRY(open_older(look, look->older[look->n_older - 1], &reader));
	TRY(audit_reader_find_end(&reader, &last));
	if (last.end == 0)
		return audit_reader_refuse(reader.name, "it has no line");
	if (last.end != reader.size) {
		tail->torn_seq = look->older[look->n_older - 1];
		tail->torn_size = last.end;
		tail->cut += (uint64_t)(reader.size - last.end);
	}
	TRY(note_older(look, last.open, UINT64_MAX));
	tail->first_seq = look->older[look->n_older - 1];
	finish(tail, &last);
	return STATUS_OK;
}

static enum status read_current(struct look *look, struct audit_reader *reader)
{
	struct audit_tail *tail = look->tail;
	struct audit_last last;

	TRY(audit_reader_find_end(reader, &last));
	tail->has_file = true;
	tail->size = last.end;
	tail->cut = (uint64_t)(reader->size - last.end);
	if (last.end == 0)
		return read_newest_older(look);
	reader->size = last.end;
	TRY(audit_reader_read_first(reader, &tail->first_seq, &tail->first_s));
	if (tail->first_seq > last.open) {
		TRY(list_older(look));
		TRY(note_older(look, last.open, tail->first_seq));
	}
	TRY(note_file(look, reader, last.open));
	finish(tail, &last);
	return STATUS_OK;
}

enum status audit_tail_read(
	int directory, struct entry_hasher *hasher, struct audit_tail *tail)
{
	CLEANUP(audit_reader_deinit) struct audit_reader reader = AUDIT_READER_INIT;
	CLEANUP(look_deinit)
	struct look look = {.directory = directory,
		.hasher = hasher,
		.walk = {.call = note, .context = &tail->opens},
		.tail = tail};
	const enum status status =
		audit_reader_open(&reader, directory, RECORD_NAME, hasher);

	if (status == STATUS_NOT_FOUND)
		return read_newest_older(&look);
	TRY(status);
	return read_current(&look, &reader);
}
