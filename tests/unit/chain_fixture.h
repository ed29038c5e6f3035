/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CA and a seal certificate made with OpenSSL, in a PEM file as the agent reads it.
 */
#ifndef ZEGEL_TESTS_CHAIN_FIXTURE_H
#define ZEGEL_TESTS_CHAIN_FIXTURE_H

#include <openssl/x509.h>

#define USAGE "critical,nonRepudiation,digitalSignature"

struct subject {
	const char *organization_identifier; /* NULL: none */
	const char *serial_number;           /* NULL: none */
	const char *key_usage;
	const char *constraints;
};

/* NTRNL-12345678, a seal as it should be */
extern const struct subject seal_subject;

struct world {
	char path[32]; /* of the PEM file: leaf, then CA */
	EVP_PKEY *ca_key;
	EVP_PKEY *key;
	X509 *ca;
	X509 *leaf;
};

/* Replaces what is in the file; second may be NULL. */
void write_chain(const struct world *world, X509 *first, X509 *second);

/* key: takes. The file is removed by close_world(). */
void open_world(struct world *world, EVP_PKEY *key, const struct subject *subject);
void close_world(struct world *world);

#endif
