/* SPDX-License-Identifier: Apache-2.0 */
#include "kind.h"

#include <string.h>

#define RSA(name, bits)                                                                \
	{                                                                              \
		(name), CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, (bits), {NULL, 0}, NULL    \
	}
#define EC(name, bits, oid, group)                                                     \
	{                                                                              \
		(name), CKK_EC, CKM_EC_KEY_PAIR_GEN, (bits),                           \
			{(const uint8_t *)(oid), sizeof(oid) - 1}, (group)             \
	}

static const struct kind kinds[] = {
	RSA("rsa:2048", 2048),
	RSA("rsa:3072", 3072),
	RSA("rsa:4096", 4096),
	EC("ec:p256", 256, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", "P-256"),
	EC("ec:p384", 384, "\x06\x05\x2b\x81\x04\x00\x22", "P-384"),
};

const struct kind *kind_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

const struct kind *kind_from_oid(struct bytes oid)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].type == CKK_EC && bytes_is_equal(kinds[i].oid, oid))
			return &kinds[i];
	}
	return NULL;
}
