/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one connection has of its user's account (policy/quota.h): itself, the bytes in
 * its buffers, its requests in flight. All of it goes back when the bill is closed.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_BILL_H
#define ZEGEL_SERVER_BILL_H

#include "policy/quota.h"
#include "util/defs.h"

struct bill {
	struct quota_account *account; /* owns; NULL: nothing is charged */
	uint64_t n_bytes;
	uint64_t n_requests;
};

#define BILL_INIT ((struct bill){.account = NULL})

void bill_deinit(struct bill *bill);
/*
 * Takes an account and has it bear all that is on the bill, in place of the one before.
 * BUSY: too much for it; then the one before stays.
 */
MUST_CHECK enum status bill_move(struct bill *bill, struct quota_account **account);
/* BUSY when n is more than before, and too much; then nothing changes. */
MUST_CHECK enum status bill_set_bytes(struct bill *bill, uint64_t n);
/* Whether there may be one request more: BUSY when not. Changes nothing. */
MUST_CHECK enum status bill_check_request(const struct bill *bill);
/* bill_check_request() has just said OK. */
void bill_add_request(struct bill *bill);
void bill_drop_request(struct bill *bill);

#endif
