/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has how much of what is scarce: connections, bytes in buffers, requests in flight.
 * A configured client has a share that nobody else can take; beyond it everyone may have
 * a part of what is left, the smaller the less there is. Strangers have one small account
 * together, whatever their user.
 *
 * Every charge is given back; an account that is closed and has nothing charged is gone.
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
	uint64_t total[QUOTA_KINDS];    /* of all together */
	uint64_t reserved[QUOTA_KINDS]; /* for each account of a configured client */
	uint64_t stranger[QUOTA_KINDS]; /* the strangers' one account */
};

struct quota;
struct quota_account;

/* gives */
MUST_CHECK enum status quota_new(const struct quota_setup *setup, struct quota **out);
/* No account is open any more. */
void quota_freep(struct quota **quota);

/*
 * The account of a user as this client; client "" is the strangers'. NO_MEMORY. To be
 * given back with quota_close(). gives
 */
MUST_CHECK enum status quota_open(
	struct quota *quota, const char *client, uid_t uid, struct quota_account **out);
void quota_closep(struct quota_account **account);

/* BUSY when n more would be too many; then nothing is charged. */
MUST_CHECK enum status quota_charge(
	struct quota_account *account, enum quota_kind kind, uint64_t n);
/* n was charged before. */
void quota_refund(struct quota_account *account, enum quota_kind kind, uint64_t n);
uint64_t quota_get(const struct quota_account *account, enum quota_kind kind);

#endif
