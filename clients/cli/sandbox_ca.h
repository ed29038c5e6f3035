/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A throw-away certificate authority: root, issuing CA, and one seal certificate of the
 * profile of a QSeal (spec 3.1, 3.2), whose names say that it is a test. The keys of the
 * authority live in memory and only during the call.
 *
 * Left out on purpose: QcCompliance and QcSSCD. The sandbox claims neither to be
 * qualified nor to hold its key in a QSCD.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_SANDBOX_CA_H
#define ZEGEL_CLI_SANDBOX_CA_H

#include "util/buf.h"
#include "util/defs.h"

/* PEM; each begun empty by the caller. */
struct sandbox_ca {
	struct buf root;
	struct buf chain; /* leaf, issuing CA, root */
	struct buf leaf;
};

void sandbox_ca_deinit(struct sandbox_ca *ca);
/* public_key: PEM (SubjectPublicKeyInfo). BAD_FILE when it is not, or CRYPTO. */
MUST_CHECK enum status sandbox_ca_make(struct bytes public_key, struct sandbox_ca *out);

#endif
