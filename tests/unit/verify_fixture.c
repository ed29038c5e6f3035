/* SPDX-License-Identifier: Apache-2.0 */
#include "verify_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "util/base64.h"

static void add_name(X509_NAME *name, const char *field, const char *value)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
				 (const unsigned char *)value, -1, -1, 0),
		1);
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&context);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *begin_certificate(
	EVP_PKEY *key, const char *common_name, int64_t ends_in_s)
{
	X509 *certificate = X509_new();
	static long serial = 1;
	X509_NAME *name;

	assert_non_null(certificate);
	assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
	assert_int_equal(
		ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial), 1);
	serial++;
	assert_non_null(ASN1_TIME_set(
		X509_getm_notBefore(certificate), FIXTURE_NOW - 2 * FIXTURE_DAY));
	assert_non_null(ASN1_TIME_set(
		X509_getm_notAfter(certificate), FIXTURE_NOW + ends_in_s));
	assert_int_equal(X509_set_pubkey(certificate, key), 1);
	name = X509_get_subject_name(certificate);
	add_name(name, "C", "NL");
	add_name(name, "O", "Test");
	add_name(name, "CN", common_name);
	return certificate;
}

static void sign(X509 *certificate, X509 *issuer, EVP_PKEY *issuer_key)
{
	assert_int_equal(
		X509_set_issuer_name(certificate, X509_get_subject_name(issuer)), 1);
	assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
}

static X509 *make_authority(
	const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *certificate = begin_certificate(key, name, 9 * FIXTURE_DAY);

	add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(certificate, issuer, NID_key_usage, "critical,keyCertSign");
	add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
	sign(certificate, issuer == NULL ? certificate : issuer, issuer_key);
	return certificate;
}

void fixture_make_leaf(struct fixture *fixture, const struct fixture_leaf *how)
{
	EVP_PKEY *key = EVP_RSA_gen(how->bits == 0 ? 2048 : how->bits);
	X509 *leaf;

	assert_non_null(key);
	EVP_PKEY_free(fixture->leaf_key);
	X509_free(fixture->leaf);
	fixture->leaf_key = key;
	leaf = begin_certificate(
		key, "seal", how->ends_in_s == 0 ? FIXTURE_DAY : how->ends_in_s);
	if (how->serial_number == NULL)
		add_name(X509_get_subject_name(leaf), "organizationIdentifier",
			"NTRNL-10000001");
	else
		add_name(X509_get_subject_name(leaf), "serialNumber",
			how->serial_number);
	add_extension(leaf, fixture->issuer, NID_basic_constraints,
		how->constraints == NULL ? "critical,CA:FALSE" : how->constraints);
	if (how->key_usage == NULL || how->key_usage[0] != '\0')
		add_extension(leaf, fixture->issuer, NID_key_usage,
			how->key_usage == NULL
				? "critical,nonRepudiation,digitalSignature"
				: how->key_usage);
	add_extension(leaf, fixture->issuer, NID_authority_key_identifier, "keyid");
	sign(leaf, fixture->issuer, fixture->issuer_key);
	fixture->leaf = leaf;
}

void fixture_open(struct fixture *fixture)
{
	*fixture = (struct fixture){.root_key = EVP_RSA_gen(2048)};
	fixture->issuer_key = EVP_RSA_gen(2048);
	assert_true(fixture->root_key != NULL && fixture->issuer_key != NULL);
	fixture->root =
		make_authority("root", fixture->root_key, NULL, fixture->root_key);
	fixture->issuer = make_authority(
		"issuer", fixture->issuer_key, fixture->root, fixture->root_key);
	fixture_make_leaf(fixture, &(struct fixture_leaf){.bits = 2048});
}

void fixture_close(struct fixture *fixture)
{
	EVP_PKEY_free(fixture->root_key);
	EVP_PKEY_free(fixture->issuer_key);
	EVP_PKEY_free(fixture->leaf_key);
	X509_free(fixture->root);
	X509_free(fixture->issuer);
	X509_free(fixture->leaf);
}

void fixture_append_x5c(struct buf *out, X509 *const certificates[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char *der = NULL;
		const int len = i2d_X509(certificates[i], &der);

		assert_true(len > 0);
		assert_int_equal(
			buf_append_text(out, i == 0 ? "\"" : ",\""), STATUS_OK);
		assert_int_equal(base64_encode(out, (struct bytes){der, (size_t)len}),
			STATUS_OK);
		assert_int_equal(buf_append_text(out, "\""), STATUS_OK);
		OPENSSL_free(der);
	}
}

void fixture_append_token(
	struct buf *out, EVP_PKEY *key, const char *header, const char *claims)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char signature[512];
	size_t len = sizeof(signature);

	assert_non_null(context);
	buf_clear(out);
	assert_int_equal(base64url_encode(out, bytes_from_text(header)), STATUS_OK);
	assert_int_equal(buf_append_text(out, "."), STATUS_OK);
	assert_int_equal(base64url_encode(out, bytes_from_text(claims)), STATUS_OK);
	assert_int_equal(
		EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, key, NULL),
		1);
	assert_int_equal(EVP_DigestSign(context, signature, &len, out->p, out->len), 1);
	assert_int_equal(buf_append_text(out, "."), STATUS_OK);
	assert_int_equal(
		base64url_encode(out, (struct bytes){signature, len}), STATUS_OK);
	EVP_MD_CTX_free(context);
}

void fixture_append_pem(struct buf *out, X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
	len = BIO_get_mem_data(bio, &text);
	assert_int_equal(
		buf_append(out, (struct bytes){(const uint8_t *)text, (size_t)len}),
		STATUS_OK);
	BIO_free(bio);
}
