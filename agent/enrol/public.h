/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A public key, from the token's attributes to OpenSSL.
 *
 * Thread: main
 */
#ifndef ZEGEL_ENROL_PUBLIC_H
#define ZEGEL_ENROL_PUBLIC_H

#include <openssl/evp.h>

#include "card.h"
#include "kind.h"
#include "util/buf.h"

/* CLEANUP(public_freep) for what public_read() gives. */
void public_freep(EVP_PKEY **key);

/*
 * The key of a public object (or of a private one, where the token shows enough there).
 * BAD_FILE when it is no RSA, P-256 or P-384 key or does not hold together. gives
 */
MUST_CHECK enum status public_read(
	struct card *card, CK_OBJECT_HANDLE object, EVP_PKEY **out);
/* Whether it is a key of this kind. */
bool public_is_kind(const EVP_PKEY *key, const struct kind *kind);
/* Appends PEM of a SubjectPublicKeyInfo. */
MUST_CHECK enum status public_to_pem(EVP_PKEY *key, struct buf *out);

#endif
