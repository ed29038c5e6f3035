/* SPDX-License-Identifier: Apache-2.0 */
#include "chain.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain_load.h"

/* The longest DER of an ECDSA signature that we check: two numbers of P-521. */
enum {
	FIELD_MAX = 66,
};

void chain_freep(struct chain **pointer)
{
	struct chain *chain = *pointer;

	if (chain == NULL)
		return;
	for (size_t i = 0; i < chain->n_certificates; i++)
		X509_free(chain->certificates[i]);
	for (size_t i = 0; i < ALGORITHM_COUNT; i++)
		EVP_PKEY_CTX_free(chain->verifiers[i]);
	EVP_PKEY_free(chain->public_key);
	buf_deinit(&chain->x5c);
	freep(&chain->identifier);
	freep(pointer);
}

enum status chain_load(const char *path, bool has_root, struct chain **out)
{
	CLEANUP(chain_freep) struct chain *chain = calloc(1, sizeof(*chain));

	if (chain == NULL)
		return STATUS_NO_MEMORY;
	chain->x5c = BUF_INIT(CHAIN_X5C_MAX);
	TRY(chain_load_file(chain, path));
	TRY(chain_load_facts(chain, path));
	TRY(chain_load_x5c(chain, path, has_root));
	*out = TAKE(chain);
	return STATUS_OK;
}

bool chain_is_valid_at(const struct chain *chain, int64_t time_s)
{
	return time_s >= chain->not_before && time_s <= chain->not_after;
}

bool chain_can(const struct chain *chain, const struct algorithm *algorithm)
{
	return chain->kind == algorithm->kind;
}

/* Bytes of one ECDSA number. */
static size_t field_len(const struct chain *chain)
{
	return ((size_t)EVP_PKEY_get_bits(chain->public_key) + 7) / 8;
}

size_t chain_get_signature_len(const struct chain *chain)
{
	return chain->kind == KEY_RSA ? (size_t)EVP_PKEY_get_size(chain->public_key)
				      : 2 * field_len(chain);
}

static bool has_modulus(const struct chain *chain, struct bytes modulus)
{
	BIGNUM *ours = NULL;
	BIGNUM *theirs = BN_bin2bn(modulus.p, (int)modulus.len, NULL);
	bool is_same = theirs != NULL &&
		       EVP_PKEY_get_bn_param(
			       chain->public_key, OSSL_PKEY_PARAM_RSA_N, &ours) == 1 &&
		       BN_cmp(ours, theirs) == 0;

	BN_free(ours);
	BN_free(theirs);
	return is_same;
}

static bool has_point(const struct chain *chain, struct bytes point)
{
	uint8_t ours[2 * FIELD_MAX + 1];
	size_t len = 0;

	if (EVP_PKEY_get_octet_string_param(chain->public_key,
		    OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, ours, sizeof(ours), &len) != 1)
		return false;
	return bytes_is_equal((struct bytes){ours, len}, point);
}

bool chain_has_public_key(const struct chain *chain, struct bytes public_key)
{
	ERR_clear_error();
	if (chain->kind == KEY_RSA)
		return has_modulus(chain, public_key);
	return has_point(chain, public_key);
}

/* A ready verifier for the algorithm: setting one up costs more than using it. */
static EVP_PKEY_CTX *get_verifier(
	struct chain *chain, const struct algorithm *algorithm)
{
	static const char *const names[HASH_COUNT] = {"SHA256", "SHA384", "SHA512"};
	EVP_PKEY_CTX **place = &chain->verifiers[algorithm->index];
	EVP_PKEY_CTX *verifier;
	OSSL_PARAM parameters[5] = {OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END,
		OSSL_PARAM_END, OSSL_PARAM_END};
	char hash[8];
	char padding[8];
	int salt = RSA_PSS_SALTLEN_DIGEST;
	size_t n = 0;

	if (*place != NULL)
		return *place;
	/* OSSL_PARAM has no const; it only reads. */
	(void)snprintf(hash, sizeof(hash), "%s", names[algorithm->hash]);
	(void)snprintf(
		padding, sizeof(padding), "%s", algorithm->is_pss ? "pss" : "pkcs1");
	parameters[n++] =
		OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, hash, 0);
	if (algorithm->kind == KEY_RSA)
		parameters[n++] = OSSL_PARAM_construct_utf8_string(
			OSSL_SIGNATURE_PARAM_PAD_MODE, padding, 0);
	if (algorithm->is_pss) {
		parameters[n++] = OSSL_PARAM_construct_utf8_string(
			OSSL_SIGNATURE_PARAM_MGF1_DIGEST, hash, 0);
		parameters[n++] = OSSL_PARAM_construct_int(
			OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt);
	}
	verifier = EVP_PKEY_CTX_new_from_pkey(NULL, chain->public_key, NULL);
	if (verifier == NULL || EVP_PKEY_verify_init_ex(verifier, parameters) != 1) {
		EVP_PKEY_CTX_free(verifier);
		return NULL;
	}
	*place = verifier;
	return verifier;
}

/* PKCS#11 and JWS have r and s behind each other; OpenSSL wants DER (RFC 3279 2.2.3). */
static uint8_t *der_from_raw(struct bytes raw, int *out_len)
{
	const int half = (int)(raw.len / 2);
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.p, half, NULL);
	BIGNUM *s = BN_bin2bn(raw.p + half, half, NULL);
	uint8_t *der = NULL;

	if (signature == NULL || r == NULL || s == NULL ||
		ECDSA_SIG_set0(signature, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(signature);
		return NULL;
	}
	*out_len = i2d_ECDSA_SIG(signature, &der);
	ECDSA_SIG_free(signature);
	return der;
}

enum status chain_verify(struct chain *chain, const struct algorithm *algorithm,
	struct bytes digest, struct bytes signature)
{
	EVP_PKEY_CTX *verifier;
	uint8_t *der = NULL;
	int der_len = 0;
	int verdict;

	/* SoftHSM leaves errors in the queue of its own process; ours is decided by values. */
	ERR_clear_error();
	if (!chain_can(chain, algorithm) ||
		signature.len != chain_get_signature_len(chain))
		return STATUS_BAD_SIGNATURE;
	verifier = get_verifier(chain, algorithm);
	if (verifier == NULL)
		return STATUS_CRYPTO;
	if (chain->kind == KEY_RSA)
		return EVP_PKEY_verify(verifier, signature.p, signature.len, digest.p,
			       digest.len) == 1
			       ? STATUS_OK
			       : STATUS_BAD_SIGNATURE;
	der = der_from_raw(signature, &der_len);
	if (der == NULL || der_len <= 0)
		return STATUS_CRYPTO;
	verdict = EVP_PKEY_verify(verifier, der, (size_t)der_len, digest.p, digest.len);
	OPENSSL_free(der);
	return verdict == 1 ? STATUS_OK : STATUS_BAD_SIGNATURE;
}
