/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox_ca.h"

#include <limits.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "ossl.h"
#include "util/clock.h"

#define ORGANIZATION "Zegel Sandbox"
#define WARNING      "TEST - NOT A QUALIFIED SEAL"

enum {
	CA_BITS = 2048,
	PEM_MAX = 32768,
	SERIAL_LEN = 16,
	DAY_S = 86400,
	LIFE_DAYS = 30,
	EARLY_S = 300, /* a verifier's clock may be behind ours */
};

struct extension {
	int nid;
	const char *value; /* as in x509v3_config(5) */
};

/* The issuer as it signs; NULL key: the certificate signs itself. */
struct issuer {
	X509 *certificate;
	EVP_PKEY *key;
};

static const struct extension root_extensions[] = {
	{NID_basic_constraints, "critical,CA:TRUE"},
	{NID_key_usage, "critical,keyCertSign,cRLSign"},
	{NID_subject_key_identifier, "hash"},
};

static const struct extension issuer_extensions[] = {
	{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	{NID_key_usage, "critical,keyCertSign,cRLSign"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid:always"},
};

/*
 * As DER, since OpenSSL wants a configuration file for the first and does not know the
 * second: the policy QCP-l (0.4.0.194112.1.1, EN 319 411-2), and one statement, QcType
 * (0.4.0.1862.1.6) with eseal (0.4.0.1862.1.6.2).
 */
static const struct extension leaf_extensions[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "critical,nonRepudiation,digitalSignature"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid:always"},
	{NID_certificate_policies, "DER:300b3009060704008bec400101"},
	{NID_qcStatements, "DER:30153013060604008E4601063009060704008E46010602"},
};

void sandbox_ca_deinit(struct sandbox_ca *ca)
{
	buf_deinit(&ca->root);
	buf_deinit(&ca->chain);
	buf_deinit(&ca->leaf);
}

static bool add_extension(X509 *certificate, X509 *issuer, const struct extension *what)
{
	CLEANUP(ossl_extension_freep) X509_EXTENSION *extension = NULL;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&context);
	extension = X509V3_EXT_conf_nid(NULL, &context, what->nid, what->value);
	return extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
}

static bool add_name(X509 *certificate, int nid, const char *value)
{
	return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), nid,
		       MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1;
}

static bool set_serial(X509 *certificate)
{
	CLEANUP(ossl_bn_freep) BIGNUM *number = NULL;
	unsigned char bytes[SERIAL_LEN];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	/* Positive, and of full length (RFC 5280 4.1.2.2). */
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	return number != NULL &&
	       BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
}

static bool begin(X509 *certificate, EVP_PKEY *key, const char *common_name)
{
	const time_t now = (time_t)clock_real_s();

	return X509_set_version(certificate, X509_VERSION_3) == 1 &&
	       set_serial(certificate) &&
	       ASN1_TIME_set(X509_getm_notBefore(certificate), now - EARLY_S) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(certificate),
		       now + (time_t)LIFE_DAYS * DAY_S) != NULL &&
	       X509_set_pubkey(certificate, key) == 1 &&
	       add_name(certificate, NID_countryName, "NL") &&
	       add_name(certificate, NID_organizationName, ORGANIZATION) &&
	       add_name(certificate, NID_commonName, common_name);
}

static bool finish(X509 *certificate, const struct issuer *issuer,
	const struct extension *extensions, size_t n)
{
	X509 *by = issuer->certificate == NULL ? certificate : issuer->certificate;

	for (size_t i = 0; i < n; i++) {
		if (!add_extension(certificate, by, &extensions[i]))
			return false;
	}
	return X509_set_issuer_name(certificate, X509_get_subject_name(by)) == 1 &&
	       X509_sign(certificate, issuer->key, EVP_sha256()) > 0;
}

static EVP_PKEY *read_public_key(struct bytes pem)
{
	CLEANUP(ossl_bio_freep) BIO *bio = NULL;

	if (pem.len == 0 || pem.len > INT_MAX)
		return NULL;
	bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	return bio == NULL ? NULL : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
}

static enum status append_pem(struct buf *out, X509 *certificate)
{
	CLEANUP(ossl_bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (bio == NULL || PEM_write_bio_X509(bio, certificate) != 1)
		return STATUS_CRYPTO;
	len = BIO_get_mem_data(bio, &text);
	return buf_append(out, (struct bytes){(const uint8_t *)text, (size_t)len});
}

static enum status append_all(
	struct sandbox_ca *out, X509 *leaf, X509 *issuing, X509 *root)
{
	out->root = BUF_INIT(PEM_MAX);
	out->chain = BUF_INIT(PEM_MAX);
	out->leaf = BUF_INIT(PEM_MAX);
	TRY(append_pem(&out->root, root));
	TRY(append_pem(&out->leaf, leaf));
	TRY(append_pem(&out->chain, leaf));
	TRY(append_pem(&out->chain, issuing));
	return append_pem(&out->chain, root);
}

enum status sandbox_ca_make(struct bytes public_key, struct sandbox_ca *out)
{
	CLEANUP(ossl_pkey_freep) EVP_PKEY *leaf_key = read_public_key(public_key);
	CLEANUP(ossl_pkey_freep) EVP_PKEY *root_key = EVP_RSA_gen(CA_BITS);
	CLEANUP(ossl_pkey_freep) EVP_PKEY *issuing_key = EVP_RSA_gen(CA_BITS);
	CLEANUP(ossl_x509_freep) X509 *root = X509_new();
	CLEANUP(ossl_x509_freep) X509 *issuing = X509_new();
	CLEANUP(ossl_x509_freep) X509 *leaf = X509_new();

	if (leaf_key == NULL)
		return STATUS_BAD_FILE;
	if (root_key == NULL || issuing_key == NULL || root == NULL ||
		issuing == NULL || leaf == NULL)
		return STATUS_CRYPTO;
	if (!begin(root, root_key, WARNING " - Root CA") ||
		!finish(root, &(struct issuer){NULL, root_key}, root_extensions,
			ARRAY_LEN(root_extensions)))
		return STATUS_CRYPTO;
	if (!begin(issuing, issuing_key, WARNING " - Issuing CA") ||
		!finish(issuing, &(struct issuer){root, root_key}, issuer_extensions,
			ARRAY_LEN(issuer_extensions)))
		return STATUS_CRYPTO;
	if (!begin(leaf, leaf_key, WARNING) ||
		!add_name(leaf, NID_organizationIdentifier, "NTRNL-90000001") ||
		!finish(leaf, &(struct issuer){issuing, issuing_key}, leaf_extensions,
			ARRAY_LEN(leaf_extensions)))
		return STATUS_CRYPTO;
	return append_all(out, leaf, issuing, root);
}
