/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "util/log.h"
#include "worker/mech.h"

enum {
	DIGEST_LEN = 32,
	DER_MAX = 512,
};

static const char text[] = "zegel-enrol: a trial signature, which seals nothing";

static void context_freep(EVP_PKEY_CTX **context)
{
	EVP_PKEY_CTX_free(*context);
	*context = NULL;
}

static void signature_freep(ECDSA_SIG **signature)
{
	ECDSA_SIG_free(*signature);
	*signature = NULL;
}

static bool digest(uint8_t out[static DIGEST_LEN])
{
	unsigned len = 0;

	return EVP_Digest(text, sizeof(text) - 1, out, &len, EVP_sha256(), NULL) == 1 &&
	       len == DIGEST_LEN;
}

static enum status sign(struct card *card, CK_OBJECT_HANDLE key,
	const struct mech *mech, const uint8_t *hash, CK_ATTRIBUTE *out)
{
	CK_MECHANISM mechanism = {mech->mechanism, NULL, 0};
	uint8_t input[MECH_INPUT_MAX];
	const size_t len = mech->prefix.len + DIGEST_LEN;
	CK_RV rv;

	must(len <= sizeof(input));
	if (mech->prefix.len != 0)
		memcpy(input, mech->prefix.p, mech->prefix.len);
	memcpy(input + mech->prefix.len, hash, DIGEST_LEN);
	deadline_mark(card->deadline, "C_Sign");
	rv = card->module->C_SignInit(card->session, &mechanism, key);
	if (rv != CKR_OK)
		return card_fail("C_SignInit", rv);
	rv = card->module->C_Sign(
		card->session, input, len, out->pValue, &out->ulValueLen);
	return rv == CKR_OK ? STATUS_OK : card_fail("C_Sign", rv);
}

/* PKCS#11 gives r and s, each as long as the field; OpenSSL wants DER. */
static bool to_der(struct bytes raw, uint8_t der[static DER_MAX], size_t *out_len)
{
	CLEANUP(signature_freep) ECDSA_SIG *signature = ECDSA_SIG_new();
	const int half = (int)(raw.len / 2);
	BIGNUM *r = BN_bin2bn(raw.p, half, NULL);
	BIGNUM *s = BN_bin2bn(raw.p + half, half, NULL);
	int len;

	if (signature == NULL || r == NULL || s == NULL ||
		ECDSA_SIG_set0(signature, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return false;
	}
	len = i2d_ECDSA_SIG(signature, NULL);
	if (len <= 0 || len > DER_MAX)
		return false;
	*out_len = (size_t)i2d_ECDSA_SIG(signature, &(unsigned char *){der});
	return true;
}

static bool is_good(EVP_PKEY *key, const uint8_t *hash, struct bytes signature)
{
	CLEANUP(context_freep)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	if (context == NULL || EVP_PKEY_verify_init(context) != 1)
		return false;
	if (EVP_PKEY_is_a(key, "RSA") == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1)
		return false;
	return EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
	       EVP_PKEY_verify(context, signature.p, signature.len, hash, DIGEST_LEN) ==
		       1;
}

enum status trial_sign(
	struct card *card, CK_OBJECT_HANDLE private_key, EVP_PKEY *public_key)
{
	const bool is_rsa = EVP_PKEY_is_a(public_key, "RSA") == 1;
	const struct mech *mech = mech_get(is_rsa ? JOB_RSA_PKCS1_SHA256 : JOB_ECDSA);
	uint8_t hash[DIGEST_LEN], raw[JOB_SIGNATURE_MAX], der[DER_MAX];
	CK_ATTRIBUTE made = {0, raw, sizeof(raw)};
	struct bytes signature = {raw, 0};

	must(mech != NULL);
	if (!digest(hash))
		return STATUS_CRYPTO;
	TRY(sign(card, private_key, mech, hash, &made));
	ERR_clear_error();
	signature.len = made.ulValueLen;
	if (!is_rsa) {
		const struct bytes bare = signature;

		signature.p = der;
		if (bare.len > DER_MAX / 2 || bare.len % 2 != 0 ||
			!to_der(bare, der, &signature.len))
			signature.len = 0;
	}
	if (signature.len > 0 && is_good(public_key, hash, signature))
		return STATUS_OK;
	log_event(LOG_ERR, "the trial signature of the new key does not verify",
		"bytes=%lu", made.ulValueLen);
	return STATUS_BAD_SIGNATURE;
}
