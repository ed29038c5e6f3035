/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof that a new key signs, and that the public key we print is its other half.
 *
 * Thread: main
 */
#ifndef ZEGEL_ENROL_TRIAL_H
#define ZEGEL_ENROL_TRIAL_H

#include <openssl/evp.h>

#include "card.h"

/*
 * One signature on the token over a text that says it is a trial, verified by OpenSSL.
 * BAD_SIGNATURE, or what the token or OpenSSL failed with.
 */
MUST_CHECK enum status trial_sign(
	struct card *card, CK_OBJECT_HANDLE private_key, EVP_PKEY *public_key);

#endif
