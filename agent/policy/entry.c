/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a line, for writer and reader from one place. The reader is strict to the
 * byte: a line that means the same but is written otherwise is not one that we wrote.
 */
#include "entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	HEX_LEN = 2 * ENTRY_HASH_LEN,
	DIGITS_MAX = 15, /* of ENTRY_SEQ_MAX */
	US_PER_S = 1000000,
};

static const char hash_member[] = ",\"hash\":\"";
/* 0 stands for any digit. */
static const char time_form[] = "0000-00-00T00:00:00.000000Z";
/* The last microsecond whose year has four digits. */
static const int64_t time_max_us = INT64_C(253402300799999999);

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_kind_character(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || c == '-';
}

/* Looks at every byte, so that the loop has no branch: it sees each of 10 GB. */
static bool is_printable(struct bytes bytes)
{
	bool has_other = false;

	for (size_t i = 0; i < bytes.len; i++)
		has_other |= (uint8_t)(bytes.p[i] - 0x20) > 0x7e - 0x20;
	return !has_other;
}

static bool is_kind(struct bytes kind)
{
	for (size_t i = 0; i < kind.len; i++) {
		if (!is_kind_character(kind.p[i]))
			return false;
	}
	return kind.len > 0 && kind.len <= ENTRY_KIND_MAX;
}

/* Nothing, or members that each begin with a comma. */
static bool has_form_of_members(struct bytes members)
{
	return members.len == 0 ||
	       (members.len >= 2 && members.p[0] == ',' && members.p[1] == '"' &&
		       is_printable(members));
}

enum status entry_hasher_init(struct entry_hasher *hasher)
{
	hasher->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	hasher->ctx = EVP_MD_CTX_new();
	if (hasher->md != NULL && hasher->ctx != NULL)
		return STATUS_OK;
	entry_hasher_deinit(hasher);
	return STATUS_CRYPTO;
}

void entry_hasher_deinit(struct entry_hasher *hasher)
{
	EVP_MD_CTX_free(hasher->ctx);
	EVP_MD_free(hasher->md);
	*hasher = ENTRY_HASHER_INIT;
}

static enum status hash(struct entry_hasher *hasher, struct bytes bytes,
	uint8_t out[static ENTRY_HASH_LEN])
{
	if (EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL) != 1 ||
		EVP_DigestUpdate(hasher->ctx, bytes.p, bytes.len) != 1 ||
		EVP_DigestFinal_ex(hasher->ctx, out, NULL) != 1)
		return STATUS_CRYPTO;
	return STATUS_OK;
}

enum status entry_append_hex(struct buf *out, struct bytes bytes)
{
	static const char digits[] = "0123456789abcdef";

	TRY(buf_reserve(out, 2 * bytes.len));
	for (size_t i = 0; i < bytes.len; i++) {
		out->p[out->len++] = (uint8_t)digits[bytes.p[i] >> 4];
		out->p[out->len++] = (uint8_t)digits[bytes.p[i] & 15];
	}
	return STATUS_OK;
}

static enum status append_time(struct buf *out, int64_t time_us)
{
	const time_t seconds = (time_t)(time_us / US_PER_S);
	struct tm tm;

	must(time_us >= 0 && time_us <= time_max_us);
	/* Of such a time it cannot fail. */
	(void)gmtime_r(&seconds, &tm);
	return buf_append_format(out, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		tm.tm_sec, (int)(time_us % US_PER_S));
}

static enum status append_front(
	struct buf *out, const struct entry_head *head, const struct entry_front *front)
{
	const uint64_t seq = head->seq + 1;

	must(front->open <= seq && is_kind(bytes_from_text(front->kind)));
	TRY(buf_append_format(out, "{\"seq\":%" PRIu64 ",\"time\":\"", seq));
	TRY(append_time(out, front->time_us));
	TRY(buf_append_format(out, "\",\"open\":%" PRIu64 ",\"prev\":\"",
		front->open == 0 ? seq : front->open));
	TRY(entry_append_hex(out, (struct bytes){head->hash, ENTRY_HASH_LEN}));
	return buf_append_format(out, "\",\"kind\":\"%s\"", front->kind);
}

static enum status append_line(struct buf *out, struct entry_hasher *hasher,
	struct entry_head *head, const struct entry_front *front, struct bytes members)
{
	const size_t begin = out->len;
	struct entry_head next = {.seq = head->seq + 1};

	must(has_form_of_members(members));
	if (head->seq >= ENTRY_SEQ_MAX)
		return STATUS_NO_MEMORY;
	TRY(append_front(out, head, front));
	TRY(buf_append(out, members));
	TRY(hash(hasher, (struct bytes){out->p + begin, out->len - begin}, next.hash));
	TRY(buf_append_text(out, hash_member));
	TRY(entry_append_hex(out, (struct bytes){next.hash, ENTRY_HASH_LEN}));
	TRY(buf_append_text(out, "\"}\n"));
	if (out->len - begin > ENTRY_MAX)
		return STATUS_NO_MEMORY;
	*head = next;
	return STATUS_OK;
}

enum status entry_append(struct buf *out, struct entry_hasher *hasher,
	struct entry_head *head, const struct entry_front *front, struct bytes members)
{
	const size_t len = out->len;
	const enum status status = append_line(out, hasher, head, front, members);

	if (status != STATUS_OK)
		out->len = len;
	return status;
}

/* Takes the text from the front of rest. */
static bool take_text(struct bytes *rest, const char *text)
{
	const size_t len = strlen(text);

	if (rest->len < len || memcmp(rest->p, text, len) != 0)
		return false;
	rest->p += len;
	rest->len -= len;
	return true;
}

/* Without leading zeros; at least 1. */
static bool take_number(struct bytes *rest, uint64_t *out)
{
	uint64_t value = 0;
	size_t n = 0;

	while (n < rest->len && n < DIGITS_MAX && is_digit(rest->p[n])) {
		value = value * 10 + (uint64_t)(rest->p[n] - '0');
		n++;
	}
	if (n == 0 || rest->p[0] == '0')
		return false;
	rest->p += n;
	rest->len -= n;
	*out = value;
	return true;
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hash(struct bytes *rest, uint8_t out[static ENTRY_HASH_LEN])
{
	if (rest->len < HEX_LEN)
		return false;
	for (size_t i = 0; i < ENTRY_HASH_LEN; i++) {
		const int high = hex_value(rest->p[2 * i]);
		const int low = hex_value(rest->p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	rest->p += HEX_LEN;
	rest->len -= HEX_LEN;
	return true;
}

static bool take_time(struct bytes *rest, struct bytes *out)
{
	if (rest->len < ENTRY_TIME_LEN)
		return false;
	for (size_t i = 0; i < ENTRY_TIME_LEN; i++) {
		const uint8_t c = rest->p[i];

		if (time_form[i] == '0' ? !is_digit(c) : c != time_form[i])
			return false;
	}
	*out = (struct bytes){rest->p, ENTRY_TIME_LEN};
	rest->p += ENTRY_TIME_LEN;
	rest->len -= ENTRY_TIME_LEN;
	return true;
}

static bool take_kind(struct bytes *rest, struct bytes *out)
{
	size_t n = 0;

	while (n < rest->len && is_kind_character(rest->p[n]))
		n++;
	*out = (struct bytes){rest->p, n};
	rest->p += n;
	rest->len -= n;
	return n > 0 && n <= ENTRY_KIND_MAX;
}

static bool take_front(struct bytes *rest, struct entry *out)
{
	return take_text(rest, "{\"seq\":") && take_number(rest, &out->seq) &&
	       take_text(rest, ",\"time\":\"") && take_time(rest, &out->time) &&
	       take_text(rest, "\",\"open\":") && take_number(rest, &out->open) &&
	       out->open <= out->seq && take_text(rest, ",\"prev\":\"") &&
	       take_hash(rest, out->prev) && take_text(rest, "\",\"kind\":\"") &&
	       take_kind(rest, &out->kind) && take_text(rest, "\"");
}

static bool take_tail(struct bytes *rest, struct entry *out)
{
	return take_text(rest, hash_member) && take_hash(rest, out->hash) &&
	       take_text(rest, "\"}");
}

static enum status refuse(const char **why, const char *what)
{
	*why = what;
	return STATUS_BAD_FILE;
}

enum status entry_read(struct entry_hasher *hasher, struct bytes line,
	struct entry *out, const char **why)
{
	const size_t tail_len = sizeof(hash_member) - 1 + HEX_LEN + 2;
	uint8_t computed[ENTRY_HASH_LEN];
	struct entry entry = {.seq = 0};
	struct bytes rest = line;
	struct bytes tail;

	if (line.len >= ENTRY_MAX)
		return refuse(why, "it is longer than any line of a record");
	if (!take_front(&rest, &entry))
		return refuse(why, "it does not begin as a line of a record");
	if (rest.len < tail_len)
		return refuse(why, "it does not end as a line of a record");
	entry.members = (struct bytes){rest.p, rest.len - tail_len};
	tail = (struct bytes){rest.p + entry.members.len, tail_len};
	if (!take_tail(&tail, &entry))
		return refuse(why, "it does not end as a line of a record");
	if (!has_form_of_members(entry.members))
		return refuse(why, "its members are not those of a line of a record");
	TRY(hash(hasher, (struct bytes){line.p, line.len - tail_len}, computed));
	if (memcmp(computed, entry.hash, ENTRY_HASH_LEN) != 0)
		return refuse(why, "its hash is not that of its bytes: it was changed");
	*out = entry;
	return STATUS_OK;
}

enum status entry_follow(
	struct entry_head *head, const struct entry *entry, const char **why)
{
	const bool is_first_known = head->seq == 0 && entry->seq > 1;

	if (!is_first_known && entry->seq != head->seq + 1)
		return refuse(why, "its seq does not follow the line before: a line is "
				   "missing, or was put in or moved");
	if (!is_first_known && memcmp(entry->prev, head->hash, ENTRY_HASH_LEN) != 0)
		return refuse(why,
			"its prev is not the hash of the line before: one of "
			"the two was exchanged");
	head->seq = entry->seq;
	memcpy(head->hash, entry->hash, ENTRY_HASH_LEN);
	return STATUS_OK;
}

bool entry_get_attempt(
	const struct entry *entry, struct bytes *rest, uint64_t *out_attempt)
{
	*rest = entry->members;
	return take_text(rest, ",\"attempt\":") && take_number(rest, out_attempt) &&
	       (rest->len == 0 || rest->p[0] == ',');
}
