/* SPDX-License-Identifier: Apache-2.0 */
#include "bill.h"

/* Of each kind what is on a bill. */
static uint64_t get(const struct bill *bill, enum quota_kind kind)
{
	switch (kind) {
	case QUOTA_CONNECTIONS:
		return 1;
	case QUOTA_BYTES:
		return bill->n_bytes;
	case QUOTA_REQUESTS:
		return bill->n_requests;
	case QUOTA_KINDS:
		break;
	}
	return 0;
}

/* The first n_kinds. */
static void refund(
	const struct bill *bill, struct quota_account *account, enum quota_kind n_kinds)
{
	for (enum quota_kind kind = 0; kind < n_kinds; kind++)
		quota_refund(account, kind, get(bill, kind));
}

void bill_deinit(struct bill *bill)
{
	if (bill->account != NULL)
		refund(bill, bill->account, QUOTA_KINDS);
	quota_closep(&bill->account);
	*bill = BILL_INIT;
}

enum status bill_move(struct bill *bill, struct quota_account **account)
{
	CLEANUP(quota_closep) struct quota_account *taken = TAKE(*account);

	/* It bears all that already. */
	if (taken == bill->account)
		return STATUS_OK;
	for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++) {
		if (quota_charge(taken, kind, get(bill, kind)) != STATUS_OK) {
			refund(bill, taken, kind);
			return STATUS_BUSY;
		}
	}
	if (bill->account != NULL)
		refund(bill, bill->account, QUOTA_KINDS);
	quota_closep(&bill->account);
	bill->account = TAKE(taken);
	return STATUS_OK;
}

enum status bill_set_bytes(struct bill *bill, uint64_t n)
{
	if (bill->account != NULL && n > bill->n_bytes)
		TRY(quota_charge(bill->account, QUOTA_BYTES, n - bill->n_bytes));
	if (bill->account != NULL && n < bill->n_bytes)
		quota_refund(bill->account, QUOTA_BYTES, bill->n_bytes - n);
	bill->n_bytes = n;
	return STATUS_OK;
}

enum status bill_check_request(const struct bill *bill)
{
	if (bill->account == NULL)
		return STATUS_OK;
	TRY(quota_charge(bill->account, QUOTA_REQUESTS, 1));
	quota_refund(bill->account, QUOTA_REQUESTS, 1);
	return STATUS_OK;
}

void bill_add_request(struct bill *bill)
{
	if (bill->account != NULL)
		must(quota_charge(bill->account, QUOTA_REQUESTS, 1) == STATUS_OK);
	bill->n_requests++;
}

void bill_drop_request(struct bill *bill)
{
	must(bill->n_requests > 0);
	if (bill->account != NULL)
		quota_refund(bill->account, QUOTA_REQUESTS, 1);
	bill->n_requests--;
}
