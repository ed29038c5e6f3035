/* SPDX-License-Identifier: Apache-2.0 */
#include "accounts.h"

#include <string.h>

enum state {
	STATE_OTHER, /* no attempt */
	STATE_OPEN,
	STATE_RELEASED, /* its outcome is OK */
	STATE_CLOSED,   /* nothing more may be said of it */
};

enum {
	BITS = 2,
	A_BYTE = 8 / BITS, /* lines in a byte */
};

void accounts_deinit(struct accounts *accounts)
{
	buf_deinit(&accounts->states);
}

static unsigned shift_of(const struct accounts *accounts, uint64_t seq)
{
	return (unsigned)((seq - accounts->first) % A_BYTE) * BITS;
}

static uint8_t *byte_of(const struct accounts *accounts, uint64_t seq)
{
	return accounts->states.p + (seq - accounts->first) / A_BYTE;
}

static enum state get(const struct accounts *accounts, uint64_t seq)
{
	return (enum state)(*byte_of(accounts, seq) >> shift_of(accounts, seq) & 3);
}

static void set(struct accounts *accounts, uint64_t seq, enum state state)
{
	const unsigned shift = shift_of(accounts, seq);
	uint8_t *byte = byte_of(accounts, seq);

	*byte = (uint8_t)((*byte & ~(3U << shift)) | (unsigned)state << shift);
}

static enum status refuse(const char **why, const char *what)
{
	*why = what;
	return STATUS_BAD_FILE;
}

static bool is_kind(const struct entry *entry, const char *kind)
{
	return bytes_is_equal(entry->kind, bytes_from_text(kind));
}

/* Room for the line's state: STATE_OTHER. */
static enum status begin_line(struct accounts *accounts, uint64_t seq)
{
	const uint8_t none = 0;

	if (accounts->first == 0) {
		accounts->first = seq;
		accounts->oldest = seq;
	}
	must(accounts->last == 0 || seq == accounts->last + 1);
	if ((seq - accounts->first) % A_BYTE == 0)
		TRY(buf_append(&accounts->states, (struct bytes){&none, 1}));
	/* With none open, oldest stands behind the last line. */
	accounts->last = seq;
	return STATUS_OK;
}

/* The oldest open attempt, or the line itself. */
static uint64_t find_oldest(struct accounts *accounts)
{
	while (accounts->oldest < accounts->last &&
		get(accounts, accounts->oldest) != STATE_OPEN)
		accounts->oldest++;
	return accounts->oldest;
}

static bool begins_with(struct bytes members, const char *text)
{
	return members.len >= strlen(text) &&
	       memcmp(members.p, text, strlen(text)) == 0;
}

static enum status close_attempt(struct accounts *accounts, const struct entry *entry,
	uint64_t attempt, struct bytes rest, const char **why)
{
	const bool is_outcome = is_kind(entry, "outcome");
	const bool is_ok = is_outcome && begins_with(rest, ",\"status\":\"OK\"");

	if (is_outcome && !begins_with(rest, ",\"status\":\""))
		return refuse(why, "it is an outcome that does not say which");
	accounts->n_released += is_ok ? 1 : 0;
	accounts->n_failed += is_outcome && !is_ok ? 1 : 0;
	accounts->n_orphans += is_outcome ? 0 : 1;
	if (attempt < accounts->first)
		return STATUS_OK;
	if (get(accounts, attempt) == STATE_OTHER)
		return refuse(why, "the line that it calls an attempt is none");
	if (get(accounts, attempt) != STATE_OPEN)
		return refuse(why, "its attempt had an outcome before");
	set(accounts, attempt, is_ok ? STATE_RELEASED : STATE_CLOSED);
	accounts->n_open--;
	return STATUS_OK;
}

static enum status take_back(
	struct accounts *accounts, uint64_t attempt, const char **why)
{
	accounts->n_undelivered++;
	if (attempt < accounts->first)
		return STATUS_OK;
	if (get(accounts, attempt) != STATE_RELEASED)
		return refuse(why, "it says of an attempt that it did not reach its "
				   "client, and no outcome had released it");
	set(accounts, attempt, STATE_CLOSED);
	return STATUS_OK;
}

static enum status add_to_attempt(
	struct accounts *accounts, const struct entry *entry, const char **why)
{
	struct bytes rest;
	uint64_t attempt = 0;

	if (!entry_get_attempt(entry, &rest, &attempt))
		return refuse(
			why, "it does not begin with the attempt that it is about");
	if (attempt >= entry->seq)
		return refuse(
			why, "it is about an attempt that does not stand before it");
	if (is_kind(entry, "undelivered"))
		return take_back(accounts, attempt, why);
	return close_attempt(accounts, entry, attempt, rest, why);
}

static enum status judge_open(struct accounts *accounts, const struct entry *entry,
	uint64_t oldest_before, const char **why)
{
	/* One that began before the first line: it can only become a later one. */
	if (entry->open < accounts->first && entry->open >= accounts->open_before) {
		accounts->open_before = entry->open;
		return STATUS_OK;
	}
	if (entry->open == oldest_before || entry->open == find_oldest(accounts)) {
		accounts->open_before = accounts->first;
		return STATUS_OK;
	}
	return refuse(why, "the attempt that it calls the oldest one open is not that");
}

enum status accounts_add(
	struct accounts *accounts, const struct entry *entry, const char **why)
{
	uint64_t oldest_before;

	TRY(begin_line(accounts, entry->seq));
	oldest_before = find_oldest(accounts);
	if (is_kind(entry, "attempt")) {
		set(accounts, entry->seq, STATE_OPEN);
		accounts->n_attempts++;
		accounts->n_open++;
	}
	if (is_kind(entry, "outcome") || is_kind(entry, "orphan") ||
		is_kind(entry, "undelivered"))
		TRY(add_to_attempt(accounts, entry, why));
	return judge_open(accounts, entry, oldest_before, why);
}
