/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has how much of what is scarce: connections, bytes in buffers, requests in flight.
 *
 * Each configured client has a reserve that nobody else can take, even while it is not
 * there: `reserved`, but all reserves together at most half. What is left is shared:
 * nobody may hold more of it than he leaves for all others. So one who is greedy alone
 * gets half, a second one half of the rest, and a newcomer always finds something.
 * Strangers have one small account together, whatever their user, and nothing else.
 *
 * An account is of a user as a client; the users of one client share its reserve. Every
 * charge is given back before its account is closed.
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_QUOTA_H
#define ZEGEL_POLICY_QUOTA_H

#include <sys/types.h>

#include "util/defs.h"

enum quota_kind {
	QUOTA_CONNECTIONS,
	QUOTA_BYTES, /* of a connection's buffers: what it has sent, what it has not read */
	QUOTA_REQUESTS, /* asked and not yet answered */
	QUOTA_KINDS,
};

struct quota_setup {
	uint64_t total[QUOTA_KINDS]; /* of all together */
	uint64_t
		reserved[QUOTA_KINDS]; /* for each configured client, where that fits */
	uint64_t stranger[QUOTA_KINDS]; /* of all strangers together; within total */
};

struct quota;
struct quota_account;

/* No client is configured yet. gives */
MUST_CHECK enum status quota_new(const struct quota_setup *setup, struct quota **out);
/* No account is open any more. */
void quota_freep(struct quota **quota);

/* How many clients are configured. What is charged stays charged. */
void quota_set_clients(struct quota *quota, size_t n_clients);

/*
 * The account of a user as this client; client "" is the strangers'. The same one for the
 * same two. NO_MEMORY. To be given back with quota_closep(). gives
 */
MUST_CHECK enum status quota_open(
	struct quota *quota, const char *client, uid_t uid, struct quota_account **out);
/* Whoever closes it last has given back what was charged. */
void quota_closep(struct quota_account **account);

/* BUSY when n more would be too many; then nothing is charged. */
MUST_CHECK enum status quota_charge(
	struct quota_account *account, enum quota_kind kind, uint64_t n);
/* n was charged before. */
void quota_refund(struct quota_account *account, enum quota_kind kind, uint64_t n);
/* What is charged now. */
uint64_t quota_get(const struct quota_account *account, enum quota_kind kind);

#endif
