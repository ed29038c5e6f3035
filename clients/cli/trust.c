/* SPDX-License-Identifier: Apache-2.0 */
#include "trust.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "ossl.h"

static enum status refuse(const char **why, const char *sentence)
{
	*why = sentence;
	return STATUS_BAD_FILE;
}

/* A chain may end below its root only when the caller's anchor itself is below it. */
static enum status add_anchor(X509_STORE *store, X509 *anchor, const char **why)
{
	if (X509_check_ca(anchor) == 0)
		return refuse(why, "a certificate in it is not a CA");
	if (X509_STORE_add_cert(store, anchor) != 1)
		return STATUS_NO_MEMORY;
	if ((X509_get_extension_flags(anchor) & EXFLAG_SS) == 0 &&
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		return STATUS_NO_MEMORY;
	return STATUS_OK;
}

/* The end of a PEM text is an error of its own kind; any other means a broken block. */
static bool is_at_end(void)
{
	const unsigned long error = ERR_peek_last_error();

	ERR_clear_error();
	return ERR_GET_LIB(error) == ERR_LIB_PEM &&
	       ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

enum status trust_load(struct bytes pem, X509_STORE **out, const char **why)
{
	CLEANUP(ossl_store_freep) X509_STORE *store = X509_STORE_new();
	CLEANUP(ossl_bio_freep) BIO *bio = NULL;
	size_t n = 0;

	if (pem.len == 0 || pem.len > INT_MAX)
		return refuse(why, "it holds no certificate in PEM");
	bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	if (store == NULL || bio == NULL)
		return STATUS_NO_MEMORY;
	ERR_clear_error();
	for (;;) {
		CLEANUP(ossl_x509_freep)
		X509 *anchor = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (anchor == NULL)
			break;
		if (++n > TRUST_CERTIFICATES_MAX)
			return refuse(why, "it holds more than 500 certificates");
		TRY(add_anchor(store, anchor, why));
	}
	if (!is_at_end())
		return refuse(why, "a certificate in it cannot be read");
	if (n == 0)
		return refuse(why, "it holds no certificate in PEM");
	*out = TAKE(store);
	return STATUS_OK;
}
