/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA with PKCS#1 v1.5 is asked for as CKM_RSA_PKCS over a DigestInfo of our own (RFC 8017
 * 9.2 note 1): every token has it, while CKM_SHA256_RSA_PKCS would hash again.
 */
#include "mech.h"

#define SHA2_PREFIX(total, last, len)                                                  \
	{                                                                              \
		0x30, (total), 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,   \
			0x03, 0x04, 0x02, (last), 0x05, 0x00, 0x04, (len)              \
	}

static const uint8_t sha256_prefix[] = SHA2_PREFIX(0x31, 0x01, 0x20);
static const uint8_t sha384_prefix[] = SHA2_PREFIX(0x41, 0x02, 0x30);
static const uint8_t sha512_prefix[] = SHA2_PREFIX(0x51, 0x03, 0x40);

#define PKCS1(operation, prefix, len)                                                  \
	{                                                                              \
		(operation), JOB_KEY_RSA, CKM_RSA_PKCS, (len),                         \
			{(prefix), sizeof(prefix)}, 0, 0                               \
	}
#define PSS(operation, hash, mgf, len)                                                 \
	{                                                                              \
		(operation), JOB_KEY_RSA, CKM_RSA_PKCS_PSS, (len), {NULL, 0}, (hash),  \
			(mgf)                                                          \
	}

static const struct mech mechs[] = {
	PKCS1(JOB_RSA_PKCS1_SHA256, sha256_prefix, 32),
	PKCS1(JOB_RSA_PKCS1_SHA384, sha384_prefix, 48),
	PKCS1(JOB_RSA_PKCS1_SHA512, sha512_prefix, 64),
	PSS(JOB_RSA_PSS_SHA256, CKM_SHA256, CKG_MGF1_SHA256, 32),
	PSS(JOB_RSA_PSS_SHA384, CKM_SHA384, CKG_MGF1_SHA384, 48),
	PSS(JOB_RSA_PSS_SHA512, CKM_SHA512, CKG_MGF1_SHA512, 64),
	{JOB_ECDSA, JOB_KEY_EC, CKM_ECDSA, 0, {NULL, 0}, 0, 0},
};

const struct mech *mech_get(uint32_t operation)
{
	for (size_t i = 0; i < ARRAY_LEN(mechs); i++) {
		if (mechs[i].operation == operation)
			return &mechs[i];
	}
	return NULL;
}
