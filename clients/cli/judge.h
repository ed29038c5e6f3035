/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges one dsgo-auth token, check by check (spec 1.8). Everything that is trusted comes
 * from the caller: nothing in the token makes the token trusted.
 *
 * Not asked, because it needs a network or a memory: revocation, the DSGO trusted list,
 * the participant registry, and whether the jti was seen before.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_JUDGE_H
#define ZEGEL_CLI_JUDGE_H

#include <openssl/x509.h>

#include "report.h"
#include "util/defs.h"

struct judge_spec {
	X509_STORE *trust;    /* borrows; from trust_load() */
	const char *audience; /* borrows; NULL: any one identifier */
	const char *issuer;   /* borrows; NULL: what the certificate says */
	int64_t now;          /* seconds since the epoch */
	int64_t skew;         /* seconds that clocks may differ */
};

/* report is zeroed; every check in it is settled on OK. NO_MEMORY or CRYPTO. */
MUST_CHECK enum status judge_token(
	const struct judge_spec *spec, struct bytes token, struct report *report);

#endif
