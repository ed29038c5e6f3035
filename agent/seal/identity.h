/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a certificate's holder is in iSHARE and DSGO: the value of iss and sub
 * (docs: DSGO/iSHARE identifier forms; ETSI EN 319 412-1 5.1.4).
 *
 * Thread: any
 */
#ifndef ZEGEL_SEAL_IDENTITY_H
#define ZEGEL_SEAL_IDENTITY_H

#include <openssl/x509.h>

#include "util/defs.h"

/*
 * "did:ishare:EU." + countryName + "." + organizationIdentifier; for an old certificate
 * without the latter the serialNumber when it is an EORI id ("EU.EORI.NL123456789").
 * NO_IDENTIFIER when the subject has neither in a usable form. gives
 */
MUST_CHECK enum status identity_from_certificate(const X509 *certificate, char **out);

#endif
