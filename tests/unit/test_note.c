/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "note.h"
#include "ossl.h"
#include "util/base64.h"
#include "util/fd.h"

#define HASH "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define TEXT "zegel/audit\n1500\n" HASH "\n"
#define DASH "\xe2\x80\x94 "
#define SIGN DASH "zegel/audit AAAAAAA=\n"

enum {
	PATH_LEN = 512,
	N_FLIPS = 400,
};

static const struct {
	const char *stem;
	const char *algorithm;
} kinds[] = {
	{"rs256", "RS256"},
	{"es256", "ES256"},
	{"es384", "ES384"},
	{"es512", "ES512"},
};

static void load(const char *stem, const char *suffix, struct buf *out)
{
	char path[PATH_LEN];

	(void)snprintf(
		path, sizeof(path), "%s/note/%s.%s", ZEGEL_VECTORS, stem, suffix);
	assert_int_equal(fd_read_file(path, out), STATUS_OK);
}

static EVP_PKEY *new_key(const char *stem)
{
	CLEANUP(buf_deinit) struct buf pem = BUF_INIT(NOTE_MAX);
	CLEANUP(ossl_bio_freep) BIO *bio = NULL;
	CLEANUP(ossl_x509_freep) X509 *certificate = NULL;
	EVP_PKEY *key;

	load(stem, "pem", &pem);
	bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	assert_non_null(bio);
	certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_non_null(certificate);
	key = X509_get_pubkey(certificate);
	assert_non_null(key);
	return key;
}

static enum status read_file(struct note *note, struct bytes file, const char **why)
{
	*why = NULL;
	return note_read(note, file, why);
}

/* What OpenSSL's command line signed (tests/vectors/note/make.py). */
static void note_verify_takes_what_openssl_signed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(note_deinit) struct note note = NOTE_INIT;
		CLEANUP(buf_deinit) struct buf file = BUF_INIT(NOTE_MAX);
		CLEANUP(ossl_pkey_freep) EVP_PKEY *key = new_key(kinds[i].stem);
		const char *why;

		load(kinds[i].stem, "note", &file);
		assert_int_equal(read_file(&note, buf_get(&file), &why), STATUS_OK);
		assert_true(bytes_is_equal(note.text, bytes_from_text(TEXT)));
		assert_int_equal(note.seq, 1500);
		assert_int_equal(note.hash[31], 31);
		assert_int_equal(note.n_signatures, 1);
		assert_string_equal(note_algorithm(key), kinds[i].algorithm);
		assert_int_equal(note_verify(&note, key), STATUS_OK);
	}
}

static void note_verify_does_not_find_the_signature_of_another_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(note_deinit) struct note note = NOTE_INIT;
		CLEANUP(buf_deinit) struct buf file = BUF_INIT(NOTE_MAX);
		CLEANUP(ossl_pkey_freep)
		EVP_PKEY *key = new_key(kinds[(i + 1) % ARRAY_LEN(kinds)].stem);
		const char *why;

		load(kinds[i].stem, "note", &file);
		assert_int_equal(read_file(&note, buf_get(&file), &why), STATUS_OK);
		assert_int_equal(note_verify(&note, key), STATUS_NOT_FOUND);
	}
}

/* Every bit of text and signature counts: no other note verifies. */
static void note_verify_finds_flipped_bits(void **state)
{
	(void)state;
	srandom(31);
	for (size_t n = 0; n < N_FLIPS; n++) {
		CLEANUP(note_deinit) struct note note = NOTE_INIT;
		CLEANUP(buf_deinit) struct buf file = BUF_INIT(NOTE_MAX);
		const char *stem = kinds[n % ARRAY_LEN(kinds)].stem;
		CLEANUP(ossl_pkey_freep) EVP_PKEY *key = new_key(stem);
		const char *why;
		size_t bit;

		load(stem, "note", &file);
		bit = (size_t)random() % (8 * file.len);
		file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (read_file(&note, buf_get(&file), &why) == STATUS_OK)
			assert_int_not_equal(note_verify(&note, key), STATUS_OK);
		else
			assert_non_null(why);
	}
}

static void append_line(
	struct buf *file, struct bytes name, const uint8_t *id, size_t n)
{
	CLEANUP(buf_deinit) struct buf value = BUF_INIT(1024);

	assert_int_equal(
		buf_append(&value, (struct bytes){id, NOTE_KEY_ID_LEN}), STATUS_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_append_text(&value, "x"), STATUS_OK);
	assert_int_equal(buf_append_text(file, DASH), STATUS_OK);
	assert_int_equal(buf_append(file, name), STATUS_OK);
	assert_int_equal(buf_append_text(file, " "), STATUS_OK);
	assert_int_equal(base64_encode(file, buf_get(&value)), STATUS_OK);
	assert_int_equal(buf_append_text(file, "\n"), STATUS_OK);
}

static void note_verify_passes_over_the_signatures_of_strangers(void **state)
{
	static const uint8_t stranger[NOTE_KEY_ID_LEN] = {1, 2, 3, 4};
	CLEANUP(note_deinit) struct note note = NOTE_INIT;
	CLEANUP(buf_deinit) struct buf file = BUF_INIT(NOTE_MAX);
	CLEANUP(ossl_pkey_freep) EVP_PKEY *key = new_key("es256");
	const char *why;

	(void)state;
	load("es256", "note", &file);
	for (size_t i = 1; i < NOTE_SIGNATURES_MAX; i++)
		append_line(&file, bytes_from_text("witness.example/\xc3\xa9"),
			stranger, 4900 / NOTE_SIGNATURES_MAX);
	assert_int_equal(read_file(&note, buf_get(&file), &why), STATUS_OK);
	assert_int_equal(note.n_signatures, NOTE_SIGNATURES_MAX);
	assert_int_equal(note_verify(&note, key), STATUS_OK);
}

static void note_verify_refuses_a_second_signature_that_only_claims_to_be_ours(
	void **state)
{
	static const size_t lengths[] = {1, 63, 64, 65, 256};
	CLEANUP(ossl_pkey_freep) EVP_PKEY *key = new_key("es256");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		CLEANUP(note_deinit) struct note note = NOTE_INIT;
		CLEANUP(buf_deinit) struct buf file = BUF_INIT(NOTE_MAX);
		uint8_t id[NOTE_KEY_ID_LEN];
		const char *why;

		load("es256", "note", &file);
		assert_int_equal(
			note_key_id(key, bytes_from_text("other"), id), STATUS_OK);
		append_line(&file, bytes_from_text("other"), id, lengths[i]);
		assert_int_equal(read_file(&note, buf_get(&file), &why), STATUS_OK);
		assert_int_equal(note_verify(&note, key), STATUS_BAD_SIGNATURE);
	}
}

static void note_verify_refuses_keys_of_other_kinds(void **state)
{
	static const char *const types[] = {"ED25519", "X25519"};
	CLEANUP(ossl_pkey_freep)
	EVP_PKEY *koblitz = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1");
	CLEANUP(note_deinit) struct note note = NOTE_INIT;
	const char *why;

	(void)state;
	assert_int_equal(
		read_file(&note, bytes_from_text(TEXT "\n" SIGN DASH "a AAAAAAA=\n"),
			&why),
		STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		CLEANUP(ossl_pkey_freep)
		EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, types[i]);

		assert_non_null(key);
		assert_null(note_algorithm(key));
		assert_int_equal(note_verify(&note, key), STATUS_KEY_ALGORITHM);
	}
	assert_non_null(koblitz);
	assert_int_equal(note_verify(&note, koblitz), STATUS_KEY_ALGORITHM);
}

struct form {
	const char *file;
	const char *why; /* what it must say; NULL: it is a note */
};

static const struct form forms[] = {
	{TEXT "\n" SIGN, NULL},
	{TEXT "more\n\n" SIGN, NULL},
	{TEXT "more\nand \xc3\xa9\n\n" SIGN SIGN, NULL},
	{"", "blank line"},
	{"\n\n", "blank line"},
	{TEXT, "blank line"},
	{TEXT "\n", "blank line"},
	{TEXT SIGN, "blank line"},
	{TEXT "\n\n" SIGN, "empty line"},
	{TEXT "\nmore\n\n" SIGN, "empty line"},
	{"zegel/audit\r\n1500\r\n" HASH "\r\n\r\n" SIGN, "no text"},
	{TEXT "\x1b[2J\n\n" SIGN, "no text"},
	{TEXT "\xff\n\n" SIGN, "no text"},
	{TEXT "\xe2\x80\n\n" SIGN, "no text"},
	{"zegel/other\n1500\n" HASH "\n\n" SIGN, "first line"},
	{" zegel/audit\n1500\n" HASH "\n\n" SIGN, "first line"},
	{"\n\n" SIGN, "first line"},
	{"zegel/audit\n\n" SIGN, "second line"},
	{"zegel/audit\n0\n" HASH "\n\n" SIGN, "second line"},
	{"zegel/audit\n01500\n" HASH "\n\n" SIGN, "second line"},
	{"zegel/audit\n-1\n" HASH "\n\n" SIGN, "second line"},
	{"zegel/audit\n15 00\n" HASH "\n\n" SIGN, "second line"},
	{"zegel/audit\n18446744073709551616\n" HASH "\n\n" SIGN, "second line"},
	{"zegel/audit\n184467440737095516150\n" HASH "\n\n" SIGN, "second line"},
	{"zegel/audit\n18446744073709551615\n" HASH "\n\n" SIGN, NULL},
	{"zegel/audit\n1500\n\n" SIGN, "third line"},
	{"zegel/audit\n1500\nAAECAw==\n\n" SIGN, "third line"},
	{"zegel/audit\n1500\n" HASH " \n\n" SIGN, "third line"},
	/* Stray bits behind the last byte. */
	{"zegel/audit\n1500\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n\n" SIGN,
		"third line"},
	{TEXT "\n" DASH "zegel/audit AAAAAAA=", "no signature"},
	{TEXT "\n- zegel/audit AAAAAAA=\n", "no signature"},
	{TEXT "\n" DASH "zegel/audit AAAAAA==\n", "no signature"},
	{TEXT "\n" DASH "zegel/audit \n", "no signature"},
	{TEXT "\n" DASH "zegel/audit\n", "no signature"},
	{TEXT "\n" DASH " AAAAAAA=\n", "no signature"},
	{TEXT "\n" DASH "a+b AAAAAAA=\n", "no signature"},
	{TEXT "\n" DASH "a\xe2\x80\x83 AAAAAAA=\n", "no signature"},
	{TEXT "\n" DASH "zegel/audit  AAAAAAA=\n", "no signature"},
	{TEXT "\n" DASH "zegel/audit AAAAAAA\n", "no signature"},
	{TEXT "\n" SIGN "x\n", "no signature"},
	{TEXT "\n" SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN
			SIGN SIGN,
		NULL},
	{TEXT "\n" SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN SIGN
			SIGN SIGN SIGN,
		"more than 16"},
};

static void note_read_says_what_was_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		CLEANUP(note_deinit) struct note note = NOTE_INIT;
		const char *why = NULL;
		const enum status status =
			read_file(&note, bytes_from_text(forms[i].file), &why);

		if (forms[i].why == NULL) {
			assert_int_equal(status, STATUS_OK);
			continue;
		}
		assert_int_equal(status, STATUS_BAD_FILE);
		assert_non_null(strstr(why, forms[i].why));
	}
}

static void note_read_takes_no_endless_file(void **state)
{
	CLEANUP(note_deinit) struct note note = NOTE_INIT;
	CLEANUP(buf_deinit) struct buf file = BUF_INIT(2 * (size_t)NOTE_MAX);
	const char *why;

	(void)state;
	assert_int_equal(buf_append_text(&file, TEXT), STATUS_OK);
	while (file.len <= NOTE_MAX)
		assert_int_equal(buf_append_text(&file, "more\n"), STATUS_OK);
	assert_int_equal(buf_append_text(&file, "\n" SIGN), STATUS_OK);
	assert_int_equal(read_file(&note, buf_get(&file), &why), STATUS_BAD_FILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(note_verify_takes_what_openssl_signed),
		cmocka_unit_test(
			note_verify_does_not_find_the_signature_of_another_key),
		cmocka_unit_test(note_verify_finds_flipped_bits),
		cmocka_unit_test(note_verify_passes_over_the_signatures_of_strangers),
		cmocka_unit_test(
			note_verify_refuses_a_second_signature_that_only_claims_to_be_ours),
		cmocka_unit_test(note_verify_refuses_keys_of_other_kinds),
		cmocka_unit_test(note_read_says_what_was_expected),
		cmocka_unit_test(note_read_takes_no_endless_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
