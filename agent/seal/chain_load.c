/* SPDX-License-Identifier: Apache-2.0 */
#include "chain_load.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "identity.h"
#include "util/base64.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 8192,
	RSA_EXPONENT_MIN = 65537,
};

static enum status refuse(const char *path, const char *why)
{
	log_event(LOG_ERR, "certificate file refused", "path=\"%s\" why=\"%s\"",
		log_text(bytes_from_text(path)).text, why);
	return STATUS_BAD_FILE;
}

static enum status read_certificates(struct chain *chain, BIO *pem, const char *path)
{
	for (;;) {
		X509 *certificate = PEM_read_bio_X509(pem, NULL, NULL, NULL);

		if (certificate == NULL)
			break;
		if (chain->n_certificates == CHAIN_MAX) {
			X509_free(certificate);
			return refuse(path, "more than 10 certificates");
		}
		chain->certificates[chain->n_certificates++] = certificate;
	}
	/* Anything but the end of the file is a certificate that we could not read. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return refuse(path, "a certificate cannot be read");
	if (chain->n_certificates == 0)
		return refuse(path, "no PEM certificate in it");
	return STATUS_OK;
}

static enum status check_order(const struct chain *chain, const char *path)
{
	for (size_t i = 0; i + 1 < chain->n_certificates; i++) {
		X509 *subject = chain->certificates[i];
		X509 *issuer = chain->certificates[i + 1];
		EVP_PKEY *key = X509_get0_pubkey(issuer);

		if (X509_check_issued(issuer, subject) != X509_V_OK || key == NULL ||
			X509_verify(subject, key) != 1)
			return refuse(path, "each certificate must be issued by the "
					    "next, leaf first");
	}
	return STATUS_OK;
}

enum status chain_load_file(struct chain *chain, const char *path)
{
	CLEANUP(buf_deinit) struct buf file = BUF_INIT(CHAIN_FILE_MAX);
	enum status status;
	BIO *pem;

	TRY(fd_read_file(path, &file));
	if (file.len == 0)
		return refuse(path, "the file is empty");
	ERR_clear_error();
	pem = BIO_new_mem_buf(file.p, (int)file.len);
	if (pem == NULL)
		return STATUS_NO_MEMORY;
	status = read_certificates(chain, pem, path);
	BIO_free(pem);
	ERR_clear_error();
	TRY(status);
	return check_order(chain, path);
}

static enum status check_rsa(EVP_PKEY *key, const char *path)
{
	const int bits = EVP_PKEY_get_bits(key);
	BIGNUM *exponent = NULL;
	bool is_good;

	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return refuse(path, "an RSA key must have 2048 to 8192 bits");
	is_good = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
		  BN_is_odd(exponent) && BN_get_word(exponent) >= RSA_EXPONENT_MIN;
	BN_free(exponent);
	return is_good ? STATUS_OK
		       : refuse(path, "the RSA exponent must be odd, at least 65537");
}

static enum key_kind kind_of_curve(EVP_PKEY *key)
{
	static const struct {
		const char *name;
		enum key_kind kind;
	} curves[] = {{"prime256v1", KEY_P256}, {"secp384r1", KEY_P384},
		{"secp521r1", KEY_P521}};
	char name[32] = "";
	size_t len = 0;

	if (EVP_PKEY_get_group_name(key, name, sizeof(name), &len) != 1)
		return KEY_OTHER;
	for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
		if (strcmp(name, curves[i].name) == 0)
			return curves[i].kind;
	}
	return KEY_OTHER;
}

static enum status load_key(struct chain *chain, const char *path)
{
	chain->public_key = X509_get_pubkey(chain->certificates[0]);
	if (chain->public_key == NULL)
		return refuse(path, "the public key of the leaf cannot be read");
	if (EVP_PKEY_is_a(chain->public_key, "RSA")) {
		chain->kind = KEY_RSA;
		return check_rsa(chain->public_key, path);
	}
	chain->kind = EVP_PKEY_is_a(chain->public_key, "EC")
			      ? kind_of_curve(chain->public_key)
			      : KEY_OTHER;
	if (chain->kind == KEY_OTHER)
		return refuse(
			path, "the key must be RSA or EC on P-256, P-384 or P-521");
	return STATUS_OK;
}

/* EN 319 412-3: a seal's key signs content, and nothing else. */
static enum status check_usage(X509 *leaf, const char *path)
{
	const uint32_t usage = X509_get_key_usage(leaf);

	/* X509_check_ca() alone lets a CA pass that may not sign certificates. */
	if (X509_check_ca(leaf) != 0 ||
		(X509_get_extension_flags(leaf) & EXFLAG_CA) != 0)
		return refuse(
			path, "the first certificate is a CA; expected the leaf first");
	if ((X509_get_extension_flags(leaf) & EXFLAG_KUSAGE) == 0)
		return refuse(path, "the leaf has no key usage");
	if ((usage & (KU_NON_REPUDIATION | KU_DIGITAL_SIGNATURE)) == 0 ||
		(usage & KU_KEY_CERT_SIGN) != 0)
		return refuse(path, "key usage must have nonRepudiation or "
				    "digitalSignature and not keyCertSign");
	return STATUS_OK;
}

static enum status load_time(const ASN1_TIME *from, int64_t *out)
{
	struct tm parts;

	if (ASN1_TIME_to_tm(from, &parts) != 1)
		return STATUS_CRYPTO;
	*out = (int64_t)timegm(&parts);
	return STATUS_OK;
}

enum status chain_load_facts(struct chain *chain, const char *path)
{
	X509 *leaf = chain->certificates[0];
	unsigned int len = 0;
	enum status status;

	TRY(load_key(chain, path));
	TRY(check_usage(leaf, path));
	TRY(load_time(X509_get0_notBefore(leaf), &chain->not_before));
	TRY(load_time(X509_get0_notAfter(leaf), &chain->not_after));
	if (X509_digest(leaf, EVP_sha256(), chain->sha256, &len) != 1)
		return STATUS_CRYPTO;
	status = identity_from_certificate(leaf, &chain->identifier);
	/* Not every seal needs one: a profile that does says so when it is asked for. */
	if (status != STATUS_OK && status != STATUS_NO_IDENTIFIER)
		return status;
	return STATUS_OK;
}

static enum status append_certificate(struct buf *x5c, X509 *certificate, bool is_first)
{
	unsigned char *der = NULL;
	const int len = i2d_X509(certificate, &der);
	enum status status;

	if (len <= 0)
		return STATUS_CRYPTO;
	status = buf_append_text(x5c, is_first ? "\"" : "\",\"");
	if (status == STATUS_OK)
		status = base64_encode(x5c, (struct bytes){der, (size_t)len});
	OPENSSL_free(der);
	return status;
}

enum status chain_load_x5c(struct chain *chain, const char *path, bool has_root)
{
	X509 *last = chain->certificates[chain->n_certificates - 1];
	const bool is_rooted = X509_self_signed(last, 0) == 1;
	size_t n = chain->n_certificates;

	if (has_root && !is_rooted)
		log_event(LOG_WARN,
			"certificate file has no root; some receivers refuse that",
			"path=\"%s\"", log_text(bytes_from_text(path)).text);
	if (!has_root && is_rooted && n > 1)
		n--;
	TRY(buf_append_text(&chain->x5c, "["));
	for (size_t i = 0; i < n; i++) {
		const enum status status =
			append_certificate(&chain->x5c, chain->certificates[i], i == 0);

		if (status == STATUS_NO_MEMORY)
			return refuse(path, "the chain is too large for a seal");
		TRY(status);
	}
	return buf_append_text(&chain->x5c, "\"]");
}
