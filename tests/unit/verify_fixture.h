/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate authority and a seal in memory, for the tests of `zegel verify`: every
 * detail that a check looks at can be made wrong, one at a time.
 *
 * Thread: any
 */
#ifndef ZEGEL_TESTS_VERIFY_FIXTURE_H
#define ZEGEL_TESTS_VERIFY_FIXTURE_H

#include <openssl/x509.h>

#include "util/buf.h"

#define FIXTURE_DID      "did:ishare:EU.NL.NTRNL-10000001"
#define FIXTURE_AUDIENCE "did:ishare:EU.NL.NTRNL-10000002"
#define FIXTURE_EORI     "EU.EORI.NL123456789"

enum {
	FIXTURE_NOW = 1800000000,
	FIXTURE_DAY = 86400,
	FIXTURE_N_CHAIN = 3,
};

/* What to make of the leaf; zeroed: a good one. */
struct fixture_leaf {
	const char *
		key_usage; /* NULL: critical,nonRepudiation,digitalSignature; "" none */
	const char *constraints;   /* NULL: critical,CA:FALSE */
	const char *serial_number; /* NULL: an organizationIdentifier instead */
	int64_t ends_in_s;         /* after FIXTURE_NOW; 0: a day */
	unsigned bits;             /* 0: 2048 */
};

struct fixture {
	EVP_PKEY *root_key;
	EVP_PKEY *issuer_key;
	EVP_PKEY *leaf_key;
	X509 *root;
	X509 *issuer;
	X509 *leaf;
};

void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);
/* Replaces the leaf and its key. */
void fixture_make_leaf(struct fixture *fixture, const struct fixture_leaf *how);

/* "…","…": the base64 DER of n certificates, quoted and with commas between. */
void fixture_append_x5c(struct buf *out, X509 *const certificates[], size_t n);
/* A token: both texts base64url, and RS256 by key over them. */
void fixture_append_token(
	struct buf *out, EVP_PKEY *key, const char *header, const char *claims);
void fixture_append_pem(struct buf *out, X509 *certificate);

#endif
