/* SPDX-License-Identifier: Apache-2.0 */
#include "verify_chain.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "jwt.h"
#include "ossl.h"
#include "util/base64.h"
#include "util/log.h"

enum {
	RSA_BITS_MIN = 2048,
	SECURITY_LEVEL = 2, /* OpenSSL's: 112 bits, so no SHA-1 and no RSA below 2048 */
};

void verify_chain_deinit(struct verify_chain *chain)
{
	ossl_chain_freep(&chain->certificates);
	ossl_x509_freep(&chain->anchor);
	chain->leaf = NULL;
}

/* Trailing bytes would be a second text in the same place. */
static X509 *read_der(struct bytes der)
{
	const unsigned char *at = der.p;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.len);

	if (certificate != NULL && at != der.p + der.len) {
		X509_free(certificate);
		return NULL;
	}
	return certificate;
}

static X509 *read_pem(struct bytes pem)
{
	CLEANUP(ossl_bio_freep) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);

	return bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

/*
 * Official iSHARE samples carry base64 of PEM text with armour for the issuers (spec
 * 1.7): read it, say so, never write it.
 */
static X509 *read_entry(const json_t *entry, size_t *n_pem)
{
	static const char armour[] = "-----BEGIN CERTIFICATE-----";
	CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(JWT_TOKEN_MAX);
	X509 *certificate;

	if (!json_is_string(entry) ||
		base64_decode(&bytes,
			(struct bytes){(const uint8_t *)json_string_value(entry),
				json_string_length(entry)}) != STATUS_OK ||
		bytes.len == 0)
		return NULL;
	if (bytes.len < sizeof(armour) - 1 ||
		memcmp(bytes.p, armour, sizeof(armour) - 1) != 0)
		certificate = read_der(buf_get(&bytes));
	else {
		certificate = read_pem(buf_get(&bytes));
		++*n_pem;
	}
	ERR_clear_error();
	return certificate;
}

static enum status load_entries(struct verify_chain *chain, const json_t *x5c,
	STACK_OF(X509) * into, struct report *report)
{
	size_t n_pem = 0;

	for (size_t i = 0; i < json_array_size(x5c); i++) {
		CLEANUP(ossl_x509_freep)
		X509 *certificate = read_entry(json_array_get(x5c, i), &n_pem);

		/* An extension that OpenSSL cannot read would be judged as absent. */
		if (certificate == NULL ||
			(X509_get_extension_flags(certificate) & EXFLAG_INVALID) != 0) {
			report_fail(report, REPORT_X5C,
				"x5c[%zu] is not base64 of a DER certificate", i);
			return STATUS_OK;
		}
		if (sk_X509_push(into, certificate) <= 0)
			return STATUS_NO_MEMORY;
		certificate = NULL;
	}
	report_pass(report, REPORT_X5C, "%zu certificates%s", json_array_size(x5c),
		n_pem == 0 ? ""
			   : "; some are base64 of PEM text: accepted when reading, "
			     "write DER");
	chain->certificates = into;
	return STATUS_OK;
}

/* Above 0: the first certificate that the next one did not issue. */
static int find_gap(const STACK_OF(X509) * certificates)
{
	for (int i = 0; i + 1 < sk_X509_num(certificates); i++) {
		X509 *issued = sk_X509_value(certificates, i);
		X509 *issuer = sk_X509_value(certificates, i + 1);
		EVP_PKEY *key = X509_get0_pubkey(issuer);

		if (X509_check_issued(issuer, issued) != X509_V_OK || key == NULL ||
			X509_verify(issued, key) != 1) {
			ERR_clear_error();
			return i + 1;
		}
	}
	return 0;
}

static void judge_order(struct verify_chain *chain, struct report *report)
{
	const int n = sk_X509_num(chain->certificates);
	const int gap = find_gap(chain->certificates);
	X509 *last = sk_X509_value(chain->certificates, n - 1);

	if (gap > 0) {
		report_fail(report, REPORT_ORDER,
			"x5c[%d] was not issued by x5c[%d]: leaf first, root last",
			gap - 1, gap);
		return;
	}
	chain->leaf = sk_X509_value(chain->certificates, 0);
	report_pass(report, REPORT_ORDER, "leaf first%s",
		(X509_get_extension_flags(last) & EXFLAG_SS) != 0
			? ", root last"
			: "; the root is left out, which some receivers refuse");
}

enum status verify_chain_load(
	struct verify_chain *chain, const json_t *x5c, struct report *report)
{
	CLEANUP(ossl_chain_freep) STACK_OF(X509) *certificates = sk_X509_new_null();
	const size_t n = json_array_size(x5c);

	if (certificates == NULL)
		return STATUS_NO_MEMORY;
	if (x5c == NULL) {
		report_skip(report, REPORT_X5C, REPORT_X5C, REPORT_HEADER);
		return STATUS_OK;
	}
	if (n == 0 || n > VERIFY_CHAIN_MAX) {
		report_fail(report, REPORT_X5C,
			"expected an array of 1 to %d certificates", VERIFY_CHAIN_MAX);
		return STATUS_OK;
	}
	TRY(load_entries(chain, x5c, certificates, report));
	if (chain->certificates == NULL)
		return STATUS_OK;
	certificates = NULL; /* chain has it */
	judge_order(chain, report);
	return STATUS_OK;
}

/* The leaf's own size is judged by key-size, with better words. */
static int overlook_small_leaf(int is_good, X509_STORE_CTX *context)
{
	return is_good != 0 ||
	       X509_STORE_CTX_get_error(context) == X509_V_ERR_EE_KEY_TOO_SMALL;
}

static enum status judge_path(
	struct verify_chain *chain, X509_STORE *trust, struct report *report)
{
	CLEANUP(ossl_store_context_freep)
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	const STACK_OF(X509) * path;

	if (context == NULL || X509_STORE_CTX_init(context, trust, chain->leaf,
				       chain->certificates) != 1)
		return STATUS_NO_MEMORY;
	X509_VERIFY_PARAM_set_auth_level(
		X509_STORE_CTX_get0_param(context), SECURITY_LEVEL);
	X509_STORE_CTX_set_flags(context, X509_V_FLAG_NO_CHECK_TIME);
	X509_STORE_CTX_set_verify_cb(context, overlook_small_leaf);
	if (X509_STORE_CTX_set_purpose(context, X509_PURPOSE_ANY) != 1)
		return STATUS_CRYPTO;
	if (X509_verify_cert(context) != 1) {
		ERR_clear_error();
		report_fail(report, REPORT_CHAIN, "%s (certificate %d of the path)",
			X509_verify_cert_error_string(
				X509_STORE_CTX_get_error(context)),
			X509_STORE_CTX_get_error_depth(context));
		return STATUS_OK;
	}
	path = X509_STORE_CTX_get0_chain(context);
	chain->anchor = sk_X509_value(path, sk_X509_num(path) - 1);
	if (X509_up_ref(chain->anchor) != 1)
		return STATUS_CRYPTO;
	report_pass(report, REPORT_CHAIN, "%d certificates up to the given trust",
		sk_X509_num(path));
	return STATUS_OK;
}

/* NULL when valid at now. */
static const char *why_not_valid(const X509 *certificate, int64_t now)
{
	time_t at = (time_t)now;
	const int from = X509_cmp_time(X509_get0_notBefore(certificate), &at);
	const int until = X509_cmp_time(X509_get0_notAfter(certificate), &at);

	if (from == 0 || until == 0)
		return "has a date that cannot be read";
	if (from > 0)
		return "is not valid yet";
	return until < 0 ? "has expired" : NULL;
}

static void judge_dates(
	const struct verify_chain *chain, int64_t now, struct report *report)
{
	const char *why;

	for (int i = 0; i < sk_X509_num(chain->certificates); i++) {
		why = why_not_valid(sk_X509_value(chain->certificates, i), now);
		if (why != NULL) {
			report_fail(report, REPORT_DATES, "x5c[%d] %s", i, why);
			return;
		}
	}
	why = chain->anchor == NULL ? NULL : why_not_valid(chain->anchor, now);
	if (why != NULL) {
		report_fail(report, REPORT_DATES, "the certificate that is trusted %s",
			why);
		return;
	}
	report_pass(report, REPORT_DATES, "every certificate is valid now");
}

static void judge_key_usage(X509 *leaf, struct report *report)
{
	const uint32_t flags = X509_get_extension_flags(leaf);
	const uint32_t usage = X509_get_key_usage(leaf);
	const int at = X509_get_ext_by_NID(leaf, NID_key_usage, -1);

	if ((flags & EXFLAG_KUSAGE) == 0 || at < 0) {
		report_fail(
			report, REPORT_KEY_USAGE, "the leaf does not say its usage");
		return;
	}
	if ((usage & KU_KEY_CERT_SIGN) != 0) {
		report_fail(report, REPORT_KEY_USAGE,
			"the leaf may sign certificates (keyCertSign)");
		return;
	}
	if ((usage & (KU_NON_REPUDIATION | KU_DIGITAL_SIGNATURE)) == 0) {
		report_fail(report, REPORT_KEY_USAGE,
			"neither nonRepudiation nor digitalSignature");
		return;
	}
	report_pass(report, REPORT_KEY_USAGE, "%s%s%s",
		(usage & KU_NON_REPUDIATION) != 0 ? "nonRepudiation " : "",
		(usage & KU_DIGITAL_SIGNATURE) != 0 ? "digitalSignature " : "",
		X509_EXTENSION_get_critical(X509_get_ext(leaf, at)) != 0
			? "(critical)"
			: "(not critical, which EN 319 412-2 asks for)");
}

static void judge_leaf(X509 *leaf, struct report *report)
{
	EVP_PKEY *key = X509_get0_pubkey(leaf);

	/* X509_check_ca() alone forgives CA:TRUE beside a usage without keyCertSign. */
	if (X509_check_ca(leaf) != 0 ||
		(X509_get_extension_flags(leaf) & EXFLAG_CA) != 0)
		report_fail(report, REPORT_LEAF, "the first certificate is a CA");
	else
		report_pass(report, REPORT_LEAF, "not a CA");
	judge_key_usage(leaf, report);
	if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		report_fail(report, REPORT_KEY_SIZE, "expected an RSA key");
	else if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
		report_fail(report, REPORT_KEY_SIZE, "RSA %d is below %d",
			EVP_PKEY_get_bits(key), RSA_BITS_MIN);
	else
		report_pass(report, REPORT_KEY_SIZE, "RSA %d", EVP_PKEY_get_bits(key));
}

enum status verify_chain_judge(struct verify_chain *chain,
	const struct judge_spec *spec, struct report *report)
{
	if (chain->leaf == NULL) {
		report_skip(report, REPORT_ORDER, REPORT_ORDER, REPORT_X5C);
		report_skip(report, REPORT_CHAIN, REPORT_KEY_SIZE, REPORT_ORDER);
		return STATUS_OK;
	}
	TRY(judge_path(chain, spec->trust, report));
	judge_dates(chain, spec->now, report);
	judge_leaf(chain->leaf, report);
	return STATUS_OK;
}
