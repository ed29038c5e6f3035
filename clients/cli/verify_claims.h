/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The claims of a dsgo-auth token (spec 1.3, 2.1): who speaks to whom, and for how long.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_VERIFY_CLAIMS_H
#define ZEGEL_CLI_VERIFY_CLAIMS_H

#include <jansson.h>
#include <openssl/x509.h>

#include "judge.h"
#include "report.h"

/* Settles subject to nbf; leaf is NULL when the certificates could not be read. */
void verify_claims_judge(const json_t *claims, const struct judge_spec *spec,
	const X509 *leaf, struct report *report);

#endif
