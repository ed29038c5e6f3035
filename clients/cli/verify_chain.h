/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates of a token (spec 1.7, 1.8.3, 3.3): what x5c holds, in which order, to
 * whose trust it leads, and whether the first one may seal.
 *
 * Time is judged apart from the path, so that an expired certificate shows as exactly
 * that and not as a broken chain.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_VERIFY_CHAIN_H
#define ZEGEL_CLI_VERIFY_CHAIN_H

#include <jansson.h>
#include <openssl/x509.h>

#include "judge.h"
#include "report.h"
#include "util/defs.h"

enum {
	VERIFY_CHAIN_MAX = 10, /* certificates in one x5c */
};

struct verify_chain {
	STACK_OF(X509) * certificates; /* owns; NULL unless x5c passed */
	X509 *leaf;   /* borrows from certificates; NULL unless order passed */
	X509 *anchor; /* owns; where the path ended, NULL unless chain passed */
};

void verify_chain_deinit(struct verify_chain *chain);

/* Settles x5c and order; x5c may be NULL when the header has none. */
MUST_CHECK enum status verify_chain_load(
	struct verify_chain *chain, const json_t *x5c, struct report *report);
/* Settles chain, dates, leaf, key-usage and key-size. */
MUST_CHECK enum status verify_chain_judge(struct verify_chain *chain,
	const struct judge_spec *spec, struct report *report);

#endif
