/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates that the caller trusts, from one PEM text. Nothing else is trusted:
 * no folder of the system, no environment variable, nothing out of a token.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_TRUST_H
#define ZEGEL_CLI_TRUST_H

#include <openssl/x509.h>

#include "util/defs.h"

enum {
	TRUST_CERTIFICATES_MAX = 500, /* a national trusted list has fewer */
};

/*
 * BAD_FILE when a certificate cannot be read, is not a CA (a trusted leaf would be a
 * chain of its own), or there is none; *why is then a constant sentence. gives
 */
MUST_CHECK enum status trust_load(struct bytes pem, X509_STORE **out, const char **why);

#endif
