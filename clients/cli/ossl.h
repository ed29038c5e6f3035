/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL objects as guarded locals: the freep() that CLEANUP() wants, one a type, and
 * nothing else.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_OSSL_H
#define ZEGEL_CLI_OSSL_H

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define OSSL_FREEP(name, type, free_fn)                                                \
	static inline void name(type **owned)                                          \
	{                                                                              \
		free_fn(*owned);                                                       \
		*owned = NULL;                                                         \
	}

OSSL_FREEP(ossl_bio_freep, BIO, BIO_free_all)
OSSL_FREEP(ossl_bn_freep, BIGNUM, BN_free)
OSSL_FREEP(ossl_pkey_freep, EVP_PKEY, EVP_PKEY_free)
OSSL_FREEP(ossl_md_context_freep, EVP_MD_CTX, EVP_MD_CTX_free)
OSSL_FREEP(ossl_x509_freep, X509, X509_free)
OSSL_FREEP(ossl_store_freep, X509_STORE, X509_STORE_free)
OSSL_FREEP(ossl_store_context_freep, X509_STORE_CTX, X509_STORE_CTX_free)
OSSL_FREEP(ossl_extension_freep, X509_EXTENSION, X509_EXTENSION_free)
OSSL_FREEP(ossl_integer_freep, ASN1_INTEGER, ASN1_INTEGER_free)

/* Text that OpenSSL allocated (ASN1_STRING_to_UTF8, BN_bn2hex). */
static inline void ossl_text_freep(void *pointer_to_pointer)
{
	void **owned = pointer_to_pointer;

	OPENSSL_free(*owned);
	*owned = NULL;
}

static inline void ossl_chain_freep(STACK_OF(X509) * *owned)
{
	sk_X509_pop_free(*owned, X509_free);
	*owned = NULL;
}

#endif
