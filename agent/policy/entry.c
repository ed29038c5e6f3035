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
	TIME_LEN = 27,   /* 2026-11-24T08:05:03.123456Z */
	DIGITS_MAX = 19, /* of a seq: fits in 63 bits */
	US_PER_S = 1000000,
};

static const char hash_member[] = ",\"hash\":\"";

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
	char text[TIME_LEN + 8];

	must(time_us >= 0 && gmtime_r(&seconds, &tm) != NULL);
	if (strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return STATUS_IO;
	return buf_append_format(out, "%s.%06dZ", text, (int)(time_us % US_PER_S));
}

static enum status append_front(
	struct buf *out, const struct entry_head *head, const struct entry_front *front)
{
	const uint64_t seq = head->seq + 1;

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

	while (n < rest->len && n < DIGITS_MAX && rest->p[n] >= '0' &&
		rest->p[n] <= '9') {
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

/* A value between quotes, which were opened before; at most max bytes. */
static bool take_value(struct bytes *rest, size_t max, struct bytes *out)
{
	size_t n = 0;

	while (n < rest->len && n <= max && rest->p[n] != '"' && rest->p[n] != '\\')
		n++;
	if (n == 0 || n > max || n == rest->len || rest->p[n] != '"')
		return false;
	*out = (struct bytes){rest->p, n};
	rest->p += n + 1;
	rest->len -= n + 1;
	return true;
}

static bool take_front(struct bytes *rest, struct entry *out)
{
	return take_text(rest, "{\"seq\":") && take_number(rest, &out->seq) &&
	       take_text(rest, ",\"time\":\"") &&
	       take_value(rest, TIME_LEN, &out->time) &&
	       take_text(rest, ",\"open\":") && take_number(rest, &out->open) &&
	       take_text(rest, ",\"prev\":\"") && take_hash(rest, out->prev) &&
	       take_text(rest, "\",\"kind\":\"") &&
	       take_value(rest, ENTRY_KIND_MAX, &out->kind);
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
	if (!take_front(&rest, &entry) || entry.open > entry.seq)
		return refuse(why, "it does not begin as a line of a record");
	if (rest.len < tail_len)
		return refuse(why, "it does not end as a line of a record");
	tail = (struct bytes){line.p + line.len - tail_len, tail_len};
	if (!take_text(&tail, hash_member) || !take_hash(&tail, entry.hash) ||
		!take_text(&tail, "\"}"))
		return refuse(why, "it does not end as a line of a record");
	TRY(hash(hasher, (struct bytes){line.p, line.len - tail_len}, computed));
	if (memcmp(computed, entry.hash, ENTRY_HASH_LEN) != 0)
		return refuse(why, "its hash is not that of its bytes: it was changed");
	*out = entry;
	return STATUS_OK;
}

enum status entry_follow(
	struct entry_head *head, const struct entry *entry, const char **why)
{
	if (head->seq != 0 && entry->seq != head->seq + 1)
		return refuse(why, "its seq does not follow the line before: a line is "
				   "missing, or was put in or moved");
	if (head->seq != 0 && memcmp(entry->prev, head->hash, ENTRY_HASH_LEN) != 0)
		return refuse(why,
			"its prev is not the hash of the line before: one of "
			"the two was exchanged");
	head->seq = entry->seq;
	memcpy(head->hash, entry->hash, ENTRY_HASH_LEN);
	return STATUS_OK;
}
