/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three numbers of each kind are kept: what an account has, what its client has, and what
 * all clients have beyond their reserves. Everything else follows from them, so that a
 * reload which changes the reserves has nothing to move.
 */
#include "quota.h"

#include <stdlib.h>
#include <string.h>

#include "policy_index.h"
#include "util/text.h"

enum {
	BUCKETS = 1024, /* a power of two */
};

/* A client with its open accounts, one a user; the strangers with their one. */
struct party {
	struct quota *quota;            /* borrows */
	struct party *next;             /* owns; in its bucket */
	char *name;                     /* owns */
	struct quota_account *accounts; /* owns */
	uint64_t used[QUOTA_KINDS];
	bool is_stranger;
};

struct quota_account {
	struct party *party;        /* borrows */
	struct quota_account *next; /* owns; of its party */
	uid_t uid;
	size_t n_open;
	uint64_t used[QUOTA_KINDS];
};

struct quota {
	struct quota_setup setup;
	size_t n_clients;
	uint64_t used[QUOTA_KINDS];     /* by all clients */
	uint64_t beyond[QUOTA_KINDS];   /* of that, what is in no reserve */
	struct party *buckets[BUCKETS]; /* owns */
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What clients may have together. */
static uint64_t get_whole(const struct quota *quota, enum quota_kind kind)
{
	return quota->setup.total[kind] - quota->setup.stranger[kind];
}

/* Of one client. */
static uint64_t get_reserve(const struct quota *quota, enum quota_kind kind)
{
	if (quota->n_clients == 0)
		return 0;
	return smaller(quota->setup.reserved[kind],
		get_whole(quota, kind) / 2 / quota->n_clients);
}

static uint64_t get_shared(const struct quota *quota, enum quota_kind kind)
{
	return get_whole(quota, kind) - get_reserve(quota, kind) * quota->n_clients;
}

static uint64_t get_beyond(
	const struct quota *quota, enum quota_kind kind, uint64_t used)
{
	const uint64_t reserve = get_reserve(quota, kind);

	return used > reserve ? used - reserve : 0;
}

enum status quota_new(const struct quota_setup *setup, struct quota **out)
{
	struct quota *quota;

	for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++)
		must(setup->stranger[kind] <= setup->total[kind] &&
			setup->total[kind] <= UINT64_MAX / 2);
	quota = calloc(1, sizeof(*quota));
	if (quota == NULL)
		return STATUS_NO_MEMORY;
	quota->setup = *setup;
	*out = quota;
	return STATUS_OK;
}

void quota_freep(struct quota **quota)
{
	if (*quota == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		must((*quota)->buckets[i] == NULL);
	freep(quota);
}

void quota_set_clients(struct quota *quota, size_t n_clients)
{
	quota->n_clients = n_clients;
	memset(quota->beyond, 0, sizeof(quota->beyond));
	for (size_t i = 0; i < BUCKETS; i++) {
		for (const struct party *party = quota->buckets[i]; party != NULL;
			party = party->next) {
			if (party->is_stranger)
				continue;
			for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++)
				quota->beyond[kind] +=
					get_beyond(quota, kind, party->used[kind]);
		}
	}
}

/* Where the pointer to the party of this name is, or would be. */
static struct party **find_party(struct quota *quota, const char *name)
{
	const uint64_t hash = policy_index_hash(bytes_from_text(name));
	struct party **place = &quota->buckets[hash % BUCKETS];

	while (*place != NULL && strcmp((*place)->name, name) != 0)
		place = &(*place)->next;
	return place;
}

static void party_freep(struct party **party)
{
	if (*party == NULL)
		return;
	freep(&(*party)->name);
	freep(party);
}

static enum status new_party(struct quota *quota, const char *name, struct party **out)
{
	CLEANUP(party_freep) struct party *party = calloc(1, sizeof(*party));

	if (party == NULL)
		return STATUS_NO_MEMORY;
	TRY(text_copy(bytes_from_text(name), &party->name));
	party->quota = quota;
	party->is_stranger = name[0] == '\0';
	*out = TAKE(party);
	return STATUS_OK;
}

static struct quota_account **find_account(struct party *party, uid_t uid)
{
	struct quota_account **place = &party->accounts;

	while (*place != NULL && (*place)->uid != uid)
		place = &(*place)->next;
	return place;
}

/* A party without accounts does not stay. */
static void drop_if_empty(struct party **place)
{
	struct party *party = *place;

	if (party->accounts != NULL)
		return;
	*place = party->next;
	party_freep(&party);
}

enum status quota_open(
	struct quota *quota, const char *client, uid_t uid, struct quota_account **out)
{
	struct party **party = find_party(quota, client);
	struct quota_account **account;

	if (*party == NULL)
		TRY(new_party(quota, client, party));
	/* Strangers have one account, whoever they are. */
	account = find_account(*party, (*party)->is_stranger ? 0 : uid);
	if (*account == NULL) {
		*account = calloc(1, sizeof(**account));
		if (*account == NULL) {
			drop_if_empty(party);
			return STATUS_NO_MEMORY;
		}
		(*account)->party = *party;
		(*account)->uid = (*party)->is_stranger ? 0 : uid;
	}
	(*account)->n_open++;
	*out = *account;
	return STATUS_OK;
}

void quota_closep(struct quota_account **pointer)
{
	struct quota_account *account = TAKE(*pointer);
	struct quota_account **place;
	struct party *party;

	if (account == NULL)
		return;
	if (--account->n_open > 0)
		return;
	for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++)
		must(account->used[kind] == 0);
	party = account->party;
	place = find_account(party, account->uid);
	*place = account->next;
	freep(&account);
	drop_if_empty(find_party(party->quota, party->name));
}

/* Whether a client's account may have n more. */
static bool can_have(
	const struct quota_account *account, enum quota_kind kind, uint64_t n)
{
	const struct party *party = account->party;
	const struct quota *quota = party->quota;
	const uint64_t after = get_beyond(quota, kind, party->used[kind] + n);
	const uint64_t more = after - get_beyond(quota, kind, party->used[kind]);
	const uint64_t taken = quota->beyond[kind] + more;
	const uint64_t shared = get_shared(quota, kind);

	/* After a reload there may be more clients than have a reserve. */
	if (quota->used[kind] + n > get_whole(quota, kind))
		return false;
	if (more == 0)
		return true;
	return taken <= shared &&
	       smaller(account->used[kind] + n, after) <= shared - taken;
}

static void set_used(struct quota_account *account, enum quota_kind kind, uint64_t used)
{
	struct party *party = account->party;
	struct quota *quota = party->quota;
	const uint64_t before = account->used[kind];

	account->used[kind] = used;
	if (party->is_stranger)
		return;
	quota->beyond[kind] -= get_beyond(quota, kind, party->used[kind]);
	party->used[kind] = party->used[kind] - before + used;
	quota->used[kind] = quota->used[kind] - before + used;
	quota->beyond[kind] += get_beyond(quota, kind, party->used[kind]);
}

enum status quota_charge(
	struct quota_account *account, enum quota_kind kind, uint64_t n)
{
	const struct quota *quota = account->party->quota;

	/* So that no sum below overflows. */
	if (n > quota->setup.total[kind])
		return STATUS_BUSY;
	if (account->party->is_stranger &&
		account->used[kind] + n > quota->setup.stranger[kind])
		return STATUS_BUSY;
	if (!account->party->is_stranger && !can_have(account, kind, n))
		return STATUS_BUSY;
	set_used(account, kind, account->used[kind] + n);
	return STATUS_OK;
}

void quota_refund(struct quota_account *account, enum quota_kind kind, uint64_t n)
{
	must(n <= account->used[kind]);
	set_used(account, kind, account->used[kind] - n);
}

uint64_t quota_get(const struct quota_account *account, enum quota_kind kind)
{
	return account->used[kind];
}
