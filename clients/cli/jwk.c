/* SPDX-License-Identifier: Apache-2.0 */
#include "jwk.h"

#include <string.h>

#include <openssl/core_names.h>

#include "ossl.h"
#include "util/base64.h"

enum {
	TEXT_MAX = 65536,
	NUMBER_MAX = 2048, /* bytes: RSA 16384 */
	CURVE_NAME_MAX = 64,
};

struct curve {
	const char *group; /* OpenSSL's name */
	const char *crv;   /* RFC 7518 6.2.1.1 */
	size_t len;        /* of a coordinate, in bytes */
};

static const struct curve curves[] = {
	{"prime256v1", "P-256", 32},
	{"secp384r1", "P-384", 48},
	{"secp521r1", "P-521", 66},
};

typedef enum status code_fn(struct buf *out, struct bytes bytes);

/* takes nothing: the text is copied. */
static json_t *new_text(code_fn *code, struct bytes bytes)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_MAX);

	if (code(&text, bytes) != STATUS_OK)
		return NULL;
	return json_stringn((const char *)text.p, text.len);
}

/* len 0: as short as it is (RSA); else padded in front (EC, RFC 7518 6.2.1.2). */
static json_t *new_number(const EVP_PKEY *key, const char *parameter, size_t len)
{
	CLEANUP(ossl_bn_freep) BIGNUM *number = NULL;
	uint8_t bytes[NUMBER_MAX];

	if (EVP_PKEY_get_bn_param(key, parameter, &number) != 1)
		return NULL;
	if (len == 0)
		len = (size_t)BN_num_bytes(number);
	if (len > sizeof(bytes) || BN_bn2binpad(number, bytes, (int)len) < 0)
		return NULL;
	return new_text(base64url_encode, (struct bytes){bytes, len});
}

static json_t *new_ec(const EVP_PKEY *key)
{
	char group[CURVE_NAME_MAX];

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
		if (strcmp(group, curves[i].group) == 0)
			return json_pack("{s:s, s:s, s:o, s:o}", "kty", "EC", "crv",
				curves[i].crv, "x",
				new_number(
					key, OSSL_PKEY_PARAM_EC_PUB_X, curves[i].len),
				"y",
				new_number(
					key, OSSL_PKEY_PARAM_EC_PUB_Y, curves[i].len));
	}
	return NULL;
}

static json_t *new_ed25519(const EVP_PKEY *key)
{
	uint8_t raw[32];
	size_t len = sizeof(raw);

	if (EVP_PKEY_get_raw_public_key(key, raw, &len) != 1)
		return NULL;
	return json_pack("{s:s, s:s, s:o}", "kty", "OKP", "crv", "Ed25519", "x",
		new_text(base64url_encode, (struct bytes){raw, len}));
}

static json_t *new_key(const EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return json_pack("{s:s, s:o, s:o}", "kty", "RSA", "n",
			new_number(key, OSSL_PKEY_PARAM_RSA_N, 0), "e",
			new_number(key, OSSL_PKEY_PARAM_RSA_E, 0));
	case EVP_PKEY_EC:
		return new_ec(key);
	case EVP_PKEY_ED25519:
		return new_ed25519(key);
	default:
		return NULL;
	}
}

static json_t *new_x5c(const struct zegel_description *description)
{
	json_t *array = json_array();

	for (size_t i = 0; i < description->n_chain; i++) {
		const struct bytes der = {
			description->chain[i].der, description->chain[i].der_len};

		if (json_array_append_new(array, new_text(base64_encode, der)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

enum status jwk_new(
	const X509 *leaf, const struct zegel_description *description, json_t **out)
{
	const EVP_PKEY *key = X509_get0_pubkey(leaf);
	json_t *jwk = key == NULL ? NULL : new_key(key);
	const struct bytes thumbprint = {description->key.certificate_sha256,
		sizeof(description->key.certificate_sha256)};

	if (jwk == NULL)
		return STATUS_UNKNOWN_ALGORITHM;
	if (json_object_update_new(
		    jwk, json_pack("{s:s, s:o, s:o}", "use", "sig", "x5t#S256",
				 new_text(base64url_encode, thumbprint), "x5c",
				 new_x5c(description))) != 0) {
		json_decref(jwk);
		return STATUS_NO_MEMORY;
	}
	*out = jwk;
	return STATUS_OK;
}
