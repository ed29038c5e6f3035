/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operation of job.h is in PKCS#11: one table.
 *
 * Thread: any
 */
#ifndef ZEGEL_WORKER_MECH_H
#define ZEGEL_WORKER_MECH_H

#include <p11-kit/pkcs11.h>

#include "token/job.h"

struct mech {
	enum job_operation operation;
	enum job_key_type type;
	CK_MECHANISM_TYPE mechanism;
	uint32_t digest_len;    /* 0: any hash no longer than the field */
	struct bytes prefix;    /* the DigestInfo in front of the digest */
	CK_MECHANISM_TYPE hash; /* for PSS */
	CK_RSA_PKCS_MGF_TYPE mgf;
};

enum {
	MECH_INPUT_MAX = 19 + 64, /* the longest DigestInfo */
};

/* NULL when there is no such operation. Borrowed for ever. */
const struct mech *mech_get(uint32_t operation);

#endif
