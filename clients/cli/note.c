/* SPDX-License-Identifier: Apache-2.0 */
#include "note.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509.h>

#include "ossl.h"
#include "utf8.h"
#include "util/base64.h"
#include "util/text.h"

enum {
	SEQ_DIGITS_MAX = 20,
	GROUP_NAME_MAX = 64,
	DER_MAX = 256, /* of an ECDSA signature */
};

/* U+2014 and a space. */
static const char mark[] = "\xe2\x80\x94 ";

struct algorithm {
	const char *name;
	const char *digest;
	const char *group; /* NULL: RSA */
	size_t half_len;   /* of an ECDSA signature: r, and s */
};

static const struct algorithm algorithms[] = {
	{"RS256", "SHA256", NULL, 0},
	{"ES256", "SHA256", "prime256v1", 32},
	{"ES384", "SHA384", "secp384r1", 48},
	{"ES512", "SHA512", "secp521r1", 66},
};

OSSL_FREEP(signature_freep, ECDSA_SIG, ECDSA_SIG_free)

void note_deinit(struct note *note)
{
	buf_deinit(&note->values);
}

static enum status refuse(const char **why, const char *what)
{
	*why = what;
	return STATUS_BAD_FILE;
}

/* All of it is UTF-8, and no control character but the newline. */
static bool is_text(struct bytes file)
{
	struct bytes rest = file;

	while (rest.len > 0) {
		uint32_t character = 0;
		const size_t len = utf8_next(rest, &character);

		if (len == 0 || (character < 0x20 && character != '\n'))
			return false;
		rest.p += len;
		rest.len -= len;
	}
	return true;
}

/* Takes the first line, without its newline. False when there is no newline. */
static bool take_line(struct bytes *rest, struct bytes *out)
{
	const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->p, '\n', rest->len);

	if (end == NULL)
		return false;
	*out = (struct bytes){rest->p, (size_t)(end - rest->p)};
	rest->len -= out->len + 1;
	rest->p = end + 1;
	return true;
}

/* Cuts the file at its last empty line. */
static bool split(struct bytes file, struct bytes *text, struct bytes *signatures)
{
	for (size_t at = file.len; at >= 2; at--) {
		if (file.p[at - 1] != '\n' || file.p[at - 2] != '\n')
			continue;
		*text = (struct bytes){file.p, at - 1};
		*signatures = (struct bytes){file.p + at, file.len - at};
		return true;
	}
	return false;
}

static bool read_seq(struct bytes line, uint64_t *out)
{
	char digits[SEQ_DIGITS_MAX + 1] = "";

	if (line.len == 0 || line.len > SEQ_DIGITS_MAX || line.p[0] == '0')
		return false;
	memcpy(digits, line.p, line.len);
	return text_to_number(digits, UINT64_MAX, out);
}

static bool read_hash(struct bytes line, uint8_t out[static NOTE_HASH_LEN])
{
	CLEANUP(buf_deinit) struct buf hash = BUF_INIT(NOTE_HASH_LEN);

	if (base64_decode(&hash, line) != STATUS_OK || hash.len != NOTE_HASH_LEN)
		return false;
	memcpy(out, hash.p, NOTE_HASH_LEN);
	return true;
}

static enum status read_text(struct note *note, const char **why)
{
	struct bytes rest = note->text;
	struct bytes line;

	if (!take_line(&rest, &line) ||
		!bytes_is_equal(line, bytes_from_text(NOTE_ORIGIN)))
		return refuse(why, "its first line is not " NOTE_ORIGIN);
	if (!take_line(&rest, &line) || !read_seq(line, &note->seq))
		return refuse(why, "its second line is not the seq of a line");
	if (!take_line(&rest, &line) || !read_hash(line, note->hash))
		return refuse(why, "its third line is not 32 bytes in base64");
	while (take_line(&rest, &line)) {
		if (line.len == 0)
			return refuse(why, "there is an empty line in its text");
	}
	return STATUS_OK;
}

static bool is_space(uint32_t character)
{
	return character == ' ' || character == 0x85 || character == 0xa0 ||
	       character == 0x1680 || (character >= 0x2000 && character <= 0x200a) ||
	       character == 0x2028 || character == 0x2029 || character == 0x202f ||
	       character == 0x205f || character == 0x3000;
}

/* Takes the name and the space behind it. */
static bool take_name(struct bytes *rest, struct bytes *out)
{
	size_t n = 0;
	uint32_t character = 0;

	while (n < rest->len) {
		const size_t len = utf8_next(
			(struct bytes){rest->p + n, rest->len - n}, &character);

		if (len == 0 || is_space(character) || character == '+')
			break;
		n += len;
	}
	if (n == 0 || n == rest->len || rest->p[n] != ' ')
		return false;
	*out = (struct bytes){rest->p, n};
	rest->p += n + 1;
	rest->len -= n + 1;
	return true;
}

static enum status read_signature(struct note *note, struct bytes line)
{
	struct note_signature *signature = &note->signatures[note->n_signatures];
	const size_t mark_len = sizeof(mark) - 1;
	const size_t begin = note->values.len;

	if (line.len < mark_len || memcmp(line.p, mark, mark_len) != 0)
		return STATUS_BAD_FILE;
	line.p += mark_len;
	line.len -= mark_len;
	if (!take_name(&line, &signature->name))
		return STATUS_BAD_FILE;
	TRY(base64_decode(&note->values, line));
	signature->value =
		(struct bytes){note->values.p + begin, note->values.len - begin};
	return signature->value.len > NOTE_KEY_ID_LEN ? STATUS_OK : STATUS_BAD_FILE;
}

enum status note_read(struct note *note, struct bytes file, const char **why)
{
	struct bytes rest;
	struct bytes line;

	if (file.len > NOTE_MAX || !is_text(file))
		return refuse(why, "it is no text: at most 65536 bytes of UTF-8 "
				   "without control characters but newlines");
	if (!split(file, &note->text, &rest) || rest.len == 0)
		return refuse(why, "it has no blank line with signatures behind it");
	TRY(read_text(note, why));
	/* Decoded it is shorter, so that the views into it stay. */
	TRY(buf_reserve(&note->values, rest.len));
	while (rest.len > 0) {
		if (note->n_signatures == NOTE_SIGNATURES_MAX)
			return refuse(why, "it has more than 16 signatures");
		if (!take_line(&rest, &line) || read_signature(note, line) != STATUS_OK)
			return refuse(why, "a line behind the blank one is no "
					   "signature: expected a dash (U+2014), a "
					   "name and base64");
		note->n_signatures++;
	}
	return STATUS_OK;
}

static const struct algorithm *find_algorithm(EVP_PKEY *key)
{
	char group[GROUP_NAME_MAX] = "";

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return &algorithms[0];
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
		EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group,
			sizeof(group), NULL) != 1)
		return NULL;
	for (size_t i = 1; i < ARRAY_LEN(algorithms); i++) {
		if (strcmp(algorithms[i].group, group) == 0)
			return &algorithms[i];
	}
	return NULL;
}

const char *note_algorithm(EVP_PKEY *key)
{
	const struct algorithm *algorithm = find_algorithm(key);

	return algorithm == NULL ? NULL : algorithm->name;
}

static bool hash_key(
	EVP_MD_CTX *context, const char *algorithm, struct bytes name, struct bytes der)
{
	static const char type[] = "\n\xffzegel-";

	return EVP_DigestInit_ex2(context, EVP_sha256(), NULL) == 1 &&
	       EVP_DigestUpdate(context, name.p, name.len) == 1 &&
	       EVP_DigestUpdate(context, type, sizeof(type) - 1) == 1 &&
	       EVP_DigestUpdate(context, algorithm, strlen(algorithm)) == 1 &&
	       EVP_DigestUpdate(context, der.p, der.len) == 1;
}

enum status note_key_id(
	EVP_PKEY *key, struct bytes name, uint8_t out[static NOTE_KEY_ID_LEN])
{
	const char *algorithm = note_algorithm(key);
	CLEANUP(ossl_text_freep) unsigned char *der = NULL;
	CLEANUP(ossl_md_context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	int len;

	if (algorithm == NULL)
		return STATUS_KEY_ALGORITHM;
	len = i2d_PUBKEY(key, &der);
	if (len <= 0 || context == NULL ||
		!hash_key(context, algorithm, name, (struct bytes){der, (size_t)len}) ||
		EVP_DigestFinal_ex(context, hash, NULL) != 1)
		return STATUS_CRYPTO;
	memcpy(out, hash, NOTE_KEY_ID_LEN);
	return STATUS_OK;
}

/* OpenSSL wants r and s in DER. */
static enum status der_from_halves(struct bytes halves, struct buf *out)
{
	const int len = (int)(halves.len / 2);
	CLEANUP(signature_freep) ECDSA_SIG *signature = ECDSA_SIG_new();
	CLEANUP(ossl_bn_freep) BIGNUM *r = BN_bin2bn(halves.p, len, NULL);
	CLEANUP(ossl_bn_freep) BIGNUM *s = BN_bin2bn(halves.p + len, len, NULL);
	unsigned char *at;
	int der_len;

	TRY(buf_reserve(out, DER_MAX));
	if (signature == NULL || r == NULL || s == NULL ||
		ECDSA_SIG_set0(signature, r, s) != 1)
		return STATUS_CRYPTO;
	(void)TAKE(r);
	(void)TAKE(s);
	at = out->p;
	der_len = i2d_ECDSA_SIG(signature, &at);
	if (der_len <= 0 || der_len > DER_MAX)
		return STATUS_CRYPTO;
	out->len = (size_t)der_len;
	return STATUS_OK;
}

static enum status verify(struct bytes text, struct bytes value, EVP_PKEY *key)
{
	const struct algorithm *algorithm = find_algorithm(key);
	CLEANUP(buf_deinit) struct buf der = BUF_INIT(DER_MAX);
	CLEANUP(ossl_md_context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();

	must(algorithm != NULL);
	if (algorithm->group != NULL) {
		if (value.len != 2 * algorithm->half_len)
			return STATUS_BAD_SIGNATURE;
		TRY(der_from_halves(value, &der));
		value = buf_get(&der);
	}
	if (context == NULL || EVP_DigestVerifyInit_ex(context, NULL, algorithm->digest,
				       NULL, NULL, key, NULL) != 1)
		return STATUS_CRYPTO;
	/* Less than 0 is a signature that cannot be one, which is no better. */
	if (EVP_DigestVerify(context, value.p, value.len, text.p, text.len) != 1)
		return STATUS_BAD_SIGNATURE;
	return STATUS_OK;
}

enum status note_verify(const struct note *note, EVP_PKEY *key)
{
	enum status found = STATUS_NOT_FOUND;

	for (size_t i = 0; i < note->n_signatures; i++) {
		const struct bytes value = note->signatures[i].value;
		const struct bytes signature = {
			value.p + NOTE_KEY_ID_LEN, value.len - NOTE_KEY_ID_LEN};
		uint8_t id[NOTE_KEY_ID_LEN];

		TRY(note_key_id(key, note->signatures[i].name, id));
		if (memcmp(id, value.p, NOTE_KEY_ID_LEN) != 0)
			continue;
		found = verify(note->text, signature, key);
		/* Two that claim to be ours and differ: one lies, so none is believed. */
		if (found != STATUS_OK)
			return found;
	}
	return found;
}
