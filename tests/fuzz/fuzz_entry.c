/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of the record and a checkpoint, as somebody who tampers would have them. A line
 * that is accepted is the one that its writer makes of what it says; so is a note.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "note.h"
#include "plain.h"
#include "policy/entry.h"
#include "row.h"
#include "util/base64.h"
#include "util/buf.h"

enum {
	SHOWN_MAX = 1 << 20,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int number_at(struct bytes time, size_t at, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++)
		value = value * 10 + (time.p[at + i] - '0');
	return value;
}

/* False: there is no such time, so the writer cannot write it again. */
static bool time_of(struct bytes time, int64_t *out_us)
{
	struct tm tm = {.tm_year = number_at(time, 0, 4) - 1900,
		.tm_mon = number_at(time, 5, 2) - 1,
		.tm_mday = number_at(time, 8, 2),
		.tm_hour = number_at(time, 11, 2),
		.tm_min = number_at(time, 14, 2),
		.tm_sec = number_at(time, 17, 2)};
	const struct tm before = tm;

	*out_us = (int64_t)timegm(&tm) * 1000000 + number_at(time, 20, 6);
	return *out_us >= 0 && tm.tm_mon == before.tm_mon &&
	       tm.tm_mday == before.tm_mday && tm.tm_hour == before.tm_hour &&
	       tm.tm_min == before.tm_min && tm.tm_sec == before.tm_sec;
}

static void check_written_again(
	struct entry_hasher *hasher, const struct entry *entry, struct bytes line)
{
	CLEANUP(buf_deinit) struct buf again = BUF_INIT(ENTRY_MAX);
	char kind[ENTRY_KIND_MAX + 1] = "";
	struct entry_front front = {.open = entry->open, .kind = kind};
	struct entry_head head = {.seq = entry->seq - 1};

	memcpy(kind, entry->kind.p, entry->kind.len);
	memcpy(head.hash, entry->prev, ENTRY_HASH_LEN);
	if (!time_of(entry->time, &front.time_us))
		return;
	must(entry_append(&again, hasher, &head, &front, entry->members) == STATUS_OK);
	must(again.len == line.len + 1 && memcmp(again.p, line.p, line.len) == 0);
	must(head.seq == entry->seq &&
		memcmp(head.hash, entry->hash, ENTRY_HASH_LEN) == 0);
}

static void check_printable(const struct buf *shown)
{
	must(shown->len > 0 && shown->p[shown->len - 1] == '\n');
	for (size_t i = 0; i + 1 < shown->len; i++)
		must(shown->p[i] >= 0x20 && shown->p[i] < 0x7f);
}

static void check_shown(const struct entry *entry, struct bytes line, const char *why)
{
	CLEANUP(buf_deinit) struct buf shown = BUF_INIT(SHOWN_MAX);
	struct row row = {
		.file = "f", .number = 1, .text = line, .entry = entry, .why = why};
	enum status status = row_append(&shown, &row);

	if (status == STATUS_OK)
		check_printable(&shown);
	must(status == STATUS_OK || (status == STATUS_BAD_FILE && entry != NULL));
	must(status == STATUS_OK || shown.len == 0);
	buf_clear(&shown);
	status = row_append_json(&shown, &row);
	if (status == STATUS_OK)
		check_printable(&shown);
	must(status == STATUS_OK || (status == STATUS_BAD_FILE && entry != NULL));
}

static bool read_line(struct entry_hasher *hasher, struct bytes line)
{
	struct entry entry;
	struct entry_head head = {.seq = 0};
	struct bytes rest;
	uint64_t attempt;
	const char *why = NULL;
	const enum status status = entry_read(hasher, line, &entry, &why);

	must(status == STATUS_OK || status == STATUS_BAD_FILE);
	must((status == STATUS_OK) == (why == NULL));
	if (line.len <= ENTRY_MAX)
		check_shown(status == STATUS_OK ? &entry : NULL, line, why);
	if (status != STATUS_OK)
		return false;
	check_written_again(hasher, &entry, line);
	(void)entry_get_attempt(&entry, &rest, &attempt);
	must((entry_follow(&head, &entry, &why) == STATUS_OK) == (why == NULL));
	return true;
}

/* No fuzzer finds a hash: it is put in, so that more is looked at than the first bytes. */
static void read_with_its_hash(struct entry_hasher *hasher, struct bytes data)
{
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(2 * (size_t)ENTRY_MAX);
	uint8_t hash[ENTRY_HASH_LEN];

	if (data.len > ENTRY_MAX)
		return;
	must(EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL) == 1 &&
		EVP_DigestUpdate(hasher->ctx, data.p, data.len) == 1 &&
		EVP_DigestFinal_ex(hasher->ctx, hash, NULL) == 1);
	must(buf_append(&line, data) == STATUS_OK);
	must(buf_append_text(&line, ",\"hash\":\"") == STATUS_OK);
	must(entry_append_hex(&line, (struct bytes){hash, sizeof(hash)}) == STATUS_OK);
	must(buf_append_text(&line, "\"}") == STATUS_OK);
	(void)read_line(hasher, buf_get(&line));
}

static void check_note(const struct note *note, struct bytes file)
{
	CLEANUP(buf_deinit) struct buf again = BUF_INIT(2 * (size_t)NOTE_MAX);
	CLEANUP(buf_deinit) struct buf front = BUF_INIT(NOTE_MAX);

	must(buf_append_format(&front, "%s\n%" PRIu64 "\n", NOTE_ORIGIN, note->seq) ==
		STATUS_OK);
	must(base64_encode(&front, (struct bytes){note->hash, NOTE_HASH_LEN}) ==
		STATUS_OK);
	must(note->text.len > front.len &&
		memcmp(note->text.p, front.p, front.len) == 0);
	must(buf_append(&again, note->text) == STATUS_OK);
	must(buf_append_text(&again, "\n") == STATUS_OK);
	for (size_t i = 0; i < note->n_signatures; i++) {
		must(buf_append_text(&again, "\xe2\x80\x94 ") == STATUS_OK);
		must(buf_append(&again, note->signatures[i].name) == STATUS_OK);
		must(buf_append_text(&again, " ") == STATUS_OK);
		must(base64_encode(&again, note->signatures[i].value) == STATUS_OK);
		must(buf_append_text(&again, "\n") == STATUS_OK);
	}
	must(bytes_is_equal(buf_get(&again), file));
}

static void read_note(struct bytes file)
{
	CLEANUP(note_deinit) struct note note = NOTE_INIT;
	const char *why = NULL;
	const enum status status = note_read(&note, file, &why);

	must(status == STATUS_OK || (status == STATUS_BAD_FILE && why != NULL));
	if (status == STATUS_OK)
		check_note(&note, file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(entry_hasher_deinit) struct entry_hasher hasher = ENTRY_HASHER_INIT;
	const struct bytes bytes = {data, size};

	must(entry_hasher_init(&hasher) == STATUS_OK);
	if (!read_line(&hasher, bytes))
		read_with_its_hash(&hasher, bytes);
	read_note(bytes);
	return 0;
}
