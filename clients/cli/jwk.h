/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seal's public key as a JWK (RFC 7517), with the certificates that vouch for it.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_JWK_H
#define ZEGEL_CLI_JWK_H

#include <jansson.h>
#include <openssl/x509.h>
#include <zegel.h>

#include "util/defs.h"

/*
 * kty and its parameters, use, x5c and x5t#S256. UNSUPPORTED kinds of key give
 * UNKNOWN_ALGORITHM. gives
 */
MUST_CHECK enum status jwk_new(
	const X509 *leaf, const struct zegel_description *description, json_t **out);

#endif
