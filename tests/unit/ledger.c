/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger.h"

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "util/buf.h"
#include "util/fd.h"

enum {
	FILE_MAX = 64 * 1024 * 1024,
	FILES_MAX = 4096,
	PATH_LEN = 512,
};

/* What is known while the lines are read. */
struct reading {
	struct ledger *ledger;
	struct entry_hasher hasher;
	struct entry_head head;
	size_t oldest; /* index of the oldest line that may be an open attempt */
	bool *is_open; /* owns; of each line so far */
	size_t room;
	size_t file;
	uint64_t named_seq; /* by the name of the file; 0: it is the current one */
};

static void copy_text(char *out, size_t max, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	(void)snprintf(out, max, "%s", text == NULL ? "" : text);
}

static struct ledger_line *add_line(
	struct reading *reading, const struct entry *entry, const json_t *object)
{
	struct ledger *ledger = reading->ledger;
	struct ledger_line *line;

	if (ledger->n == reading->room) {
		reading->room = reading->room == 0 ? 1024 : 2 * reading->room;
		ledger->lines = reallocarray(
			ledger->lines, reading->room, sizeof(ledger->lines[0]));
		reading->is_open = reallocarray(
			reading->is_open, reading->room, sizeof(reading->is_open[0]));
		assert_true(ledger->lines != NULL && reading->is_open != NULL);
	}
	line = &ledger->lines[ledger->n];
	*line = (struct ledger_line){.seq = entry->seq,
		.attempt = (uint64_t)json_integer_value(
			json_object_get(object, "attempt")),
		.n = (uint64_t)json_integer_value(json_object_get(object, "n")),
		.file = reading->file,
		.is_first = ledger->n == 0 ||
			    ledger->lines[ledger->n - 1].file != reading->file};
	copy_text(line->kind, sizeof(line->kind), object, "kind");
	copy_text(line->status, sizeof(line->status), object, "status");
	copy_text(line->act, sizeof(line->act), object, "act");
	reading->is_open[ledger->n++] = strcmp(line->kind, "attempt") == 0;
	return line;
}

static void fail_at(const struct ledger_line *line, const char *what)
{
	fail_msg("line %llu (%s): %s", (unsigned long long)line->seq, line->kind, what);
}

static void close_attempt(struct reading *reading, const struct ledger_line *line)
{
	const struct ledger *ledger = reading->ledger;
	const uint64_t first = ledger->lines[0].seq;
	const uint64_t at = line->attempt - first;

	/* In a file that is not here any more. */
	if (line->attempt < first)
		return;
	if (at >= ledger->n || !reading->is_open[at])
		fail_at(line, "its attempt is not open");
	else
		reading->is_open[at] = false;
}

static void check_open(
	struct reading *reading, const struct ledger_line *line, uint64_t open)
{
	const struct ledger *ledger = reading->ledger;

	while (reading->oldest + 1 < ledger->n && !reading->is_open[reading->oldest])
		reading->oldest++;
	if (open >= ledger->lines[0].seq && ledger->lines[reading->oldest].seq != open)
		fail_at(line, "open is not the oldest open attempt");
}

static void take_line(struct reading *reading, struct bytes bytes)
{
	const char *why = "";
	const struct ledger_line *line;
	struct entry entry;
	json_error_t error;
	json_t *object;

	if (entry_read(&reading->hasher, bytes, &entry, &why) != STATUS_OK ||
		entry_follow(&reading->head, &entry, &why) != STATUS_OK)
		fail_msg("line %zu: %s: %.*s", reading->ledger->n, why,
			(int)(bytes.len < 200 ? bytes.len : 200), bytes.p);
	object = json_loadb(
		(const char *)bytes.p, bytes.len, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(object);
	line = add_line(reading, &entry, object);
	json_decref(object);
	if (line->is_first && line->seq != 1 && strcmp(line->kind, "rotate") != 0)
		fail_at(line, "no file begins with such a line");
	if (line->is_first && reading->named_seq != 0 &&
		reading->named_seq != line->seq)
		fail_at(line, "its file has the name of another");
	if (strcmp(line->kind, "outcome") == 0 || strcmp(line->kind, "orphan") == 0)
		close_attempt(reading, line);
	check_open(reading, line, entry.open);
}

static void read_file(struct reading *reading, const char *path)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(FILE_MAX);
	struct bytes rest;

	assert_int_equal(fd_read_file(path, &text), STATUS_OK);
	rest = buf_get(&text);
	/* Only the last file may end in half a line. */
	assert_int_equal(reading->ledger->torn_len, 0);
	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.p, '\n', rest.len);
		size_t len;

		if (end == NULL)
			break;
		len = (size_t)(end - rest.p);
		take_line(reading, (struct bytes){rest.p, len});
		rest.p += len + 1;
		rest.len -= len + 1;
	}
	reading->ledger->torn_len = rest.len;
	reading->file++;
}

static int is_older(const struct dirent *entry)
{
	return strncmp(entry->d_name, "audit-", 6) == 0;
}

void ledger_read(struct ledger *ledger, const char *folder)
{
	struct reading reading = {.ledger = ledger};
	struct dirent **older = NULL;
	char path[PATH_LEN];
	const int n = scandir(folder, &older, is_older, alphasort);

	*ledger = (struct ledger){.lines = NULL};
	assert_true(n >= 0 && n < FILES_MAX);
	assert_int_equal(entry_hasher_init(&reading.hasher), STATUS_OK);
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, older[i]->d_name);
		assert_int_equal(
			sscanf(older[i]->d_name, "audit-%" SCNu64, &reading.named_seq),
			1);
		read_file(&reading, path);
		free(older[i]);
	}
	free(older);
	reading.named_seq = 0;
	(void)snprintf(path, sizeof(path), "%s/audit.jsonl", folder);
	if (access(path, F_OK) == 0)
		read_file(&reading, path);
	ledger->n_files = reading.file;
	entry_hasher_deinit(&reading.hasher);
	free(reading.is_open);
}

void ledger_deinit(struct ledger *ledger)
{
	free(ledger->lines);
	*ledger = (struct ledger){.lines = NULL};
}

size_t ledger_count(const struct ledger *ledger, const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < ledger->n; i++)
		n += strcmp(ledger->lines[i].kind, kind) == 0;
	return n;
}

const struct ledger_line *ledger_find(
	const struct ledger *ledger, const char *kind, uint64_t attempt)
{
	for (size_t i = 0; i < ledger->n; i++) {
		const struct ledger_line *line = &ledger->lines[i];

		if (line->attempt == attempt && strcmp(line->kind, kind) == 0)
			return line;
	}
	return NULL;
}

size_t ledger_count_open(const struct ledger *ledger)
{
	return ledger_count(ledger, "attempt") - ledger_count(ledger, "outcome") -
	       ledger_count(ledger, "orphan");
}

uint64_t ledger_count_refusals(const struct ledger *ledger)
{
	uint64_t n = ledger_count(ledger, "refusal");

	for (size_t i = 0; i < ledger->n; i++) {
		if (strcmp(ledger->lines[i].kind, "refusals") == 0)
			n += ledger->lines[i].n;
	}
	return n;
}

void ledger_tell_kinds(
	const struct ledger *ledger, size_t n_last, size_t max, char *out)
{
	size_t i = ledger->n > n_last ? ledger->n - n_last : 0;
	size_t len = 0;

	out[0] = '\0';
	for (; i < ledger->n && len < max; i++) {
		const int n = snprintf(out + len, max - len, "%s%s",
			len == 0 ? "" : " ", ledger->lines[i].kind);

		assert_true(n > 0);
		len += (size_t)n;
	}
}

void ledger_remove(const char *folder)
{
	struct dirent **entries = NULL;
	const int n = scandir(folder, &entries, NULL, NULL);
	char path[PATH_LEN];

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		(void)unlink(path);
		free(entries[i]);
	}
	free(entries);
	assert_int_equal(rmdir(folder), 0);
}
