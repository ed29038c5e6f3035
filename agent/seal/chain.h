/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One certificate chain and what follows from it: the public key that every signature is
 * checked with before it leaves, the identifier for iss, the text of x5c.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_CHAIN_H
#define ZEGEL_SEAL_CHAIN_H

#include <openssl/x509.h>

#include "algorithm.h"
#include "util/buf.h"
#include "util/defs.h"

enum {
	CHAIN_MAX = 10, /* certificates */
	CHAIN_FILE_MAX = 128 * 1024,
	CHAIN_X5C_MAX = 24 * 1024, /* so that a seal fits in a frame twice encoded */
	CERTIFICATE_HASH_LEN = 32,
};

struct chain {
	X509 *certificates[CHAIN_MAX]; /* owns n_certificates, leaf first */
	size_t n_certificates;
	struct buf x5c;       /* JSON array of base64 DER (RFC 7515 4.1.6) */
	EVP_PKEY *public_key; /* owns */
	EVP_PKEY_CTX *verifiers[ALGORITHM_COUNT]; /* owns; made at first use */
	enum key_kind kind;
	char *identifier; /* owns; NULL when the certificate has none */
	uint8_t sha256[CERTIFICATE_HASH_LEN]; /* of the leaf's DER */
	int64_t not_before;
	int64_t not_after;
};

/*
 * Reads a PEM file, leaf first, each certificate issued by the next. has_root: keep a
 * self-signed last certificate in x5c. BAD_FILE when it is not a sealing chain (a CA as
 * leaf, no usable key usage, RSA below 2048 bits, unknown curve …), logged with the
 * reason. gives
 */
MUST_CHECK enum status chain_load(const char *path, bool has_root, struct chain **out);
void chain_freep(struct chain **chain);

bool chain_is_valid_at(const struct chain *chain, int64_t time_s);
bool chain_can(const struct chain *chain, const struct algorithm *algorithm);
/* How long a signature of this key is, in the form the worker gives it. */
size_t chain_get_signature_len(const struct chain *chain);
/* Whether public_key (as job.h's token_key_is has it) is the certificate's key. */
bool chain_has_public_key(const struct chain *chain, struct bytes public_key);

/*
 * Checks a signature as the worker gave it (ECDSA: r and s) over a digest. BAD_SIGNATURE
 * when it is wrong in any way.
 */
MUST_CHECK enum status chain_verify(struct chain *chain,
	const struct algorithm *algorithm, struct bytes digest, struct bytes signature);

#endif
