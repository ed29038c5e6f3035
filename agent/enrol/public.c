/* SPDX-License-Identifier: Apache-2.0 */
#include "public.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "util/log.h"

enum {
	MODULUS_MAX = 1024,
	EXPONENT_MAX = 16,
	OID_MAX = 32,
	POINT_MAX = 3 + 1 + 2 * KIND_FIELD_MAX, /* DER of P-384 */
	BITS_PER_BYTE = 8,
};

void public_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
	*key = NULL;
}

static void context_freep(EVP_PKEY_CTX **context)
{
	EVP_PKEY_CTX_free(*context);
	*context = NULL;
}

static void builder_freep(OSSL_PARAM_BLD **builder)
{
	OSSL_PARAM_BLD_free(*builder);
	*builder = NULL;
}

static void params_freep(OSSL_PARAM **params)
{
	OSSL_PARAM_free(*params);
	*params = NULL;
}

static void number_freep(BIGNUM **number)
{
	BN_free(*number);
	*number = NULL;
}

static void bio_freep(BIO **bio)
{
	BIO_free_all(*bio);
	*bio = NULL;
}

static enum status build(const char *type, OSSL_PARAM_BLD *builder, EVP_PKEY **out)
{
	CLEANUP(params_freep) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	CLEANUP(context_freep)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	CLEANUP(context_freep) EVP_PKEY_CTX *check = NULL;
	CLEANUP(public_freep) EVP_PKEY *key = NULL;

	if (params == NULL || context == NULL)
		return STATUS_CRYPTO;
	if (EVP_PKEY_fromdata_init(context) != 1 ||
		EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return STATUS_BAD_FILE;
	check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (check == NULL || EVP_PKEY_public_check(check) != 1)
		return STATUS_BAD_FILE;
	*out = TAKE(key);
	return STATUS_OK;
}

static enum status read_rsa(struct card *card, CK_OBJECT_HANDLE object, EVP_PKEY **out)
{
	uint8_t modulus[MODULUS_MAX], exponent[EXPONENT_MAX];
	CK_ATTRIBUTE n = {CKA_MODULUS, modulus, sizeof(modulus)};
	CK_ATTRIBUTE e = {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)};
	CLEANUP(builder_freep) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	CLEANUP(number_freep) BIGNUM *n_number = NULL;
	CLEANUP(number_freep) BIGNUM *e_number = NULL;

	TRY(card_read(card, object, &n));
	TRY(card_read(card, object, &e));
	n_number = BN_bin2bn(modulus, (int)n.ulValueLen, NULL);
	e_number = BN_bin2bn(exponent, (int)e.ulValueLen, NULL);
	if (builder == NULL || n_number == NULL || e_number == NULL ||
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n_number) != 1 ||
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e_number) != 1)
		return STATUS_CRYPTO;
	return build("RSA", builder, out);
}

/* CKA_EC_POINT is a DER OCTET STRING around the point; some modules give it bare. */
static struct bytes unwrap_point(struct bytes point, size_t wanted_len)
{
	const size_t head_len = point.len - wanted_len;

	if (point.len < wanted_len || (head_len != 0 && head_len != 2) ||
		point.p[head_len] != 0x04 ||
		(head_len == 2 && (point.p[0] != 0x04 || point.p[1] != wanted_len)))
		return (struct bytes){NULL, 0};
	return (struct bytes){point.p + head_len, wanted_len};
}

static enum status read_ec(struct card *card, CK_OBJECT_HANDLE object, EVP_PKEY **out)
{
	uint8_t oid[OID_MAX], octets[POINT_MAX];
	CK_ATTRIBUTE params = {CKA_EC_PARAMS, oid, sizeof(oid)};
	CK_ATTRIBUTE point = {CKA_EC_POINT, octets, sizeof(octets)};
	CLEANUP(builder_freep) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	const struct kind *kind;
	struct bytes bare;

	TRY(card_read(card, object, &params));
	kind = kind_from_oid((struct bytes){oid, params.ulValueLen});
	if (kind == NULL)
		return STATUS_BAD_FILE;
	TRY(card_read(card, object, &point));
	bare = unwrap_point((struct bytes){octets, point.ulValueLen},
		1 + 2 * (size_t)kind->bits / BITS_PER_BYTE);
	if (bare.p == NULL)
		return STATUS_BAD_FILE;
	if (builder == NULL ||
		OSSL_PARAM_BLD_push_utf8_string(
			builder, OSSL_PKEY_PARAM_GROUP_NAME, kind->group, 0) != 1 ||
		OSSL_PARAM_BLD_push_octet_string(
			builder, OSSL_PKEY_PARAM_PUB_KEY, bare.p, bare.len) != 1)
		return STATUS_CRYPTO;
	return build("EC", builder, out);
}

enum status public_read(struct card *card, CK_OBJECT_HANDLE object, EVP_PKEY **out)
{
	CK_KEY_TYPE type = 0;
	CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof(type)};
	enum status status;

	TRY(card_read(card, object, &attribute));
	/* SoftHSM leaves an error of its own in OpenSSL's queue. */
	ERR_clear_error();
	if (type == CKK_RSA)
		status = read_rsa(card, object, out);
	else if (type == CKK_EC)
		status = read_ec(card, object, out);
	else
		status = STATUS_BAD_FILE;
	if (status == STATUS_BAD_FILE)
		log_event(LOG_ERR, "expected an RSA, P-256 or P-384 public key",
			"key_type=0x%lx", type);
	return status;
}

bool public_is_kind(const EVP_PKEY *key, const struct kind *kind)
{
	char group[32] = "";
	size_t len;

	if (EVP_PKEY_get_bits(key) != (int)kind->bits)
		return false;
	if (kind->type == CKK_RSA)
		return EVP_PKEY_is_a(key, "RSA") == 1;
	/* By its short name; 256 bits are others' too. */
	return EVP_PKEY_is_a(key, "EC") == 1 &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
	       OBJ_txt2nid(group) == EC_curve_nist2nid(kind->group);
}

enum status public_to_pem(EVP_PKEY *key, struct buf *out)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (bio == NULL || PEM_write_bio_PUBKEY(bio, key) != 1)
		return STATUS_CRYPTO;
	len = BIO_get_mem_data(bio, &text);
	return buf_append(out, (struct bytes){(const uint8_t *)text, (size_t)len});
}
