/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a seal certificate names (spec 1.9): the DID made of countryName and
 * organizationIdentifier, or the older EORI form that stands in serialNumber.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_HOLDER_H
#define ZEGEL_CLI_HOLDER_H

#include <openssl/x509.h>

#include "util/defs.h"
#include "util/text.h"

/* "" where the certificate does not have that form. */
struct holder {
	char did[AUDIENCE_MAX_LEN + 1];  /* did:ishare:EU.NL.NTRNL-12345678 */
	char eori[AUDIENCE_MAX_LEN + 1]; /* EU.EORI.NL123456789 */
};

struct holder holder_from_certificate(const X509 *certificate);

#endif
