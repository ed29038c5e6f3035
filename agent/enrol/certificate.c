/* SPDX-License-Identifier: Apache-2.0 */
#include "certificate.h"

#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "card.h"
#include "public.h"
#include "shelf.h"
#include "util/buf.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	FILE_MAX = 65536,
};

static void x509_freep(X509 **certificate)
{
	X509_free(*certificate);
	*certificate = NULL;
}

static void bio_freep(BIO **bio)
{
	BIO_free_all(*bio);
	*bio = NULL;
}

/* The leaf comes first in a chain file. */
static enum status read_leaf(const char *path, X509 **out)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(FILE_MAX);
	CLEANUP(bio_freep) BIO *bio = NULL;

	TRY(fd_read_file(path, &text));
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	*out = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (*out != NULL)
		return STATUS_OK;
	log_event(LOG_ERR, "expected a PEM certificate in the file", "bytes=%zu",
		text.len);
	return STATUS_BAD_FILE;
}

static enum status to_der(X509 *certificate, struct buf *out)
{
	const int len = i2d_X509(certificate, NULL);
	unsigned char *at;

	if (len <= 0)
		return STATUS_CRYPTO;
	TRY(buf_reserve(out, (size_t)len));
	at = out->p;
	out->len = (size_t)i2d_X509(certificate, &at);
	return STATUS_OK;
}

/* Objects of a class under the id of options. */
static enum status find(struct card *card, const struct options *options,
	CK_OBJECT_CLASS class, struct card_found *out)
{
	uint8_t id[OPTIONS_ID_MAX];
	CK_ATTRIBUTE wanted[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_ID, id, options->id_len},
	};

	memcpy(id, options->id, sizeof(id));
	return card_find(card, wanted, ARRAY_LEN(wanted), out);
}

/* Some tokens show no public object; RSA's private one shows enough. */
static enum status read_key(
	struct card *card, const struct options *options, EVP_PKEY **out)
{
	struct card_found private_keys, public_keys;
	enum status status;

	TRY(find(card, options, CKO_PRIVATE_KEY, &private_keys));
	if (private_keys.n != 1) {
		log_event(LOG_ERR, "expected one private key with this id", "found=%lu",
			private_keys.n);
		return private_keys.n == 0 ? STATUS_NOT_FOUND : STATUS_BAD_FILE;
	}
	TRY(find(card, options, CKO_PUBLIC_KEY, &public_keys));
	status = public_read(card,
		public_keys.n == 1 ? public_keys.handles[0] : private_keys.handles[0],
		out);
	if (status == STATUS_NOT_FOUND)
		log_event(LOG_ERR, "expected one public key with this id", "found=%lu",
			public_keys.n);
	return status;
}

static enum status judge_key(
	struct card *card, const struct options *options, const X509 *certificate)
{
	CLEANUP(public_freep) EVP_PKEY *key = NULL;
	const EVP_PKEY *theirs = X509_get0_pubkey(certificate);

	TRY(read_key(card, options, &key));
	if (theirs != NULL && EVP_PKEY_eq(theirs, key) == 1)
		return STATUS_OK;
	log_event(LOG_ERR, "expected the certificate of the key with this id",
		"label=%s", options->label);
	return STATUS_BAD_FILE;
}

/* Whether an object is the certificate der. */
static enum status compare(
	struct card *card, CK_OBJECT_HANDLE object, struct bytes der, bool *out)
{
	CLEANUP(buf_deinit) struct buf value = BUF_INIT(CARD_VALUE_MAX);
	CK_ATTRIBUTE attribute = {CKA_VALUE, NULL, CARD_VALUE_MAX};

	TRY(buf_reserve(&value, CARD_VALUE_MAX));
	attribute.pValue = value.p;
	TRY(card_read(card, object, &attribute));
	*out = bytes_is_equal((struct bytes){value.p, attribute.ulValueLen}, der);
	return STATUS_OK;
}

/* Whether it is there already; BAD_FILE when another one is. */
static enum status look(
	struct card *card, const struct options *options, struct bytes der, bool *out)
{
	struct card_found found;
	bool is_same = false;

	TRY(find(card, options, CKO_CERTIFICATE, &found));
	for (CK_ULONG i = 0; i < found.n; i++) {
		TRY(compare(card, found.handles[i], der, &is_same));
		if (is_same)
			continue;
		log_event(LOG_ERR, "expected no other certificate under this id",
			"found=%lu", found.n);
		return STATUS_BAD_FILE;
	}
	*out = found.n > 0;
	return STATUS_OK;
}

enum status certificate_run(const struct options *options, struct deadline *deadline)
{
	CLEANUP(x509_freep) X509 *certificate = NULL;
	CLEANUP(buf_deinit) struct buf der = BUF_INIT(CARD_VALUE_MAX);
	struct card card = {.deadline = deadline};
	bool is_there = false;

	deadline_mark(deadline, "reading the certificate");
	TRY(read_leaf(options->file, &certificate));
	TRY(to_der(certificate, &der));
	TRY(card_open(&card, options->module, options->uri, options->pin_fd));
	TRY(judge_key(&card, options, certificate));
	TRY(look(&card, options, buf_get(&der), &is_there));
	if (is_there) {
		log_event(LOG_NOTICE, "the certificate is there already", "label=%s",
			options->label);
		return STATUS_OK;
	}
	TRY(shelf_put(&card, options, certificate));
	TRY(look(&card, options, buf_get(&der), &is_there));
	if (is_there)
		return STATUS_OK;
	log_event(LOG_ERR, "the token does not show the certificate it took",
		"label=%s", options->label);
	return STATUS_TOKEN_FAILED;
}
