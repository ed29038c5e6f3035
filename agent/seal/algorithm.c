/* SPDX-License-Identifier: Apache-2.0 */
#include "algorithm.h"

static const struct algorithm rows[ALGORITHM_COUNT] = {
	{"RS256", HASH_SHA256, 32, KEY_RSA, false, JOB_RSA_PKCS1_SHA256, 0},
	{"RS384", HASH_SHA384, 48, KEY_RSA, false, JOB_RSA_PKCS1_SHA384, 1},
	{"RS512", HASH_SHA512, 64, KEY_RSA, false, JOB_RSA_PKCS1_SHA512, 2},
	{"PS256", HASH_SHA256, 32, KEY_RSA, true, JOB_RSA_PSS_SHA256, 3},
	{"PS384", HASH_SHA384, 48, KEY_RSA, true, JOB_RSA_PSS_SHA384, 4},
	{"PS512", HASH_SHA512, 64, KEY_RSA, true, JOB_RSA_PSS_SHA512, 5},
	{"ES256", HASH_SHA256, 32, KEY_P256, false, JOB_ECDSA, 6},
	{"ES384", HASH_SHA384, 48, KEY_P384, false, JOB_ECDSA, 7},
	{"ES512", HASH_SHA512, 64, KEY_P521, false, JOB_ECDSA, 8},
};

const struct algorithm *algorithm_find(struct bytes name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (bytes_is_equal(name, bytes_from_text(rows[i].name)))
			return &rows[i];
	}
	return NULL;
}

const struct algorithm *algorithm_get(size_t index)
{
	must(index < ARRAY_LEN(rows));
	return &rows[index];
}

const struct algorithm *algorithm_get_default(enum key_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].kind == kind)
			return &rows[i];
	}
	return NULL;
}

enum status hashes_init(struct hashes *hashes)
{
	static const char *const names[HASH_COUNT] = {"SHA256", "SHA384", "SHA512"};

	for (size_t i = 0; i < HASH_COUNT; i++) {
		hashes->md[i] = EVP_MD_fetch(NULL, names[i], NULL);
		if (hashes->md[i] == NULL)
			return STATUS_CRYPTO;
	}
	return STATUS_OK;
}

void hashes_deinit(struct hashes *hashes)
{
	for (size_t i = 0; i < HASH_COUNT; i++) {
		EVP_MD_free(hashes->md[i]);
		hashes->md[i] = NULL;
	}
}
