/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a certificate on a token, by libp11: the one thing that we leave to it.
 *
 * Thread: main
 */
#ifndef ZEGEL_ENROL_SHELF_H
#define ZEGEL_ENROL_SHELF_H

#include <openssl/x509.h>

#include "card.h"
#include "options.h"

/* card is logged in. Under the label and id of options. TOKEN_FAILED. */
MUST_CHECK enum status shelf_put(
	struct card *card, const struct options *options, X509 *certificate);

#endif
