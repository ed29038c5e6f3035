/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "command.h"
#include "input.h"
#include "ossl.h"
#include "say.h"

enum {
	PEM_MAX = 262144,
};

void checkpoints_deinit(struct checkpoints *checkpoints)
{
	for (size_t i = 0; i < checkpoints->n; i++) {
		note_deinit(&checkpoints->list[i].note);
		buf_deinit(&checkpoints->list[i].file);
	}
	for (size_t i = 0; i < checkpoints->n_keys; i++)
		ossl_pkey_freep(&checkpoints->keys[i]);
	checkpoints->n = 0;
	checkpoints->n_keys = 0;
}

int checkpoints_add(
	struct checkpoints *checkpoints, const char *command, const char *path)
{
	const char *why = "out of memory";
	struct checkpoint *checkpoint;
	struct inspect_mark *mark;

	if (checkpoints->n == CHECKPOINTS_MAX)
		return say_usage(
			command, "at most %d checkpoints at a time", CHECKPOINTS_MAX);
	checkpoint = &checkpoints->list[checkpoints->n];
	mark = &checkpoints->marks[checkpoints->n];
	*checkpoint = (struct checkpoint){
		.path = path, .file = BUF_INIT(NOTE_MAX), .note = NOTE_INIT};
	checkpoints->n++;
	if (input_read(command, path, &checkpoint->file) != STATUS_OK)
		return EXIT_CODE_DATA;
	if (note_read(&checkpoint->note, buf_get(&checkpoint->file), &why) !=
		STATUS_OK) {
		say_error(command, "INVALID", "%s is no checkpoint: %s", path, why);
		return EXIT_CODE_DATA;
	}
	mark->seq = checkpoint->note.seq;
	memcpy(mark->hash, checkpoint->note.hash, sizeof(mark->hash));
	return EXIT_CODE_OK;
}

/* NOT_FOUND at the end. */
static enum status next_key(BIO *bio, EVP_PKEY **out)
{
	CLEANUP(ossl_x509_freep)
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	if (certificate == NULL)
		return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
			       ? STATUS_NOT_FOUND
			       : STATUS_BAD_FILE;
	*out = X509_get_pubkey(certificate);
	return *out == NULL ? STATUS_BAD_FILE : STATUS_OK;
}

static int fail_pem(const char *command, const char *path, const char *why)
{
	say_error(command, "INVALID", "%s: %s", path, why);
	return EXIT_CODE_DATA;
}

static int add_key(struct checkpoints *checkpoints, const char *command,
	const char *path, EVP_PKEY **key)
{
	if (note_algorithm(*key) == NULL)
		return fail_pem(command, path,
			"notes are signed by RSA keys and by P-256, P-384 and P-521; a "
			"certificate in it has another one");
	if (checkpoints->n_keys == CHECKPOINT_KEYS_MAX)
		return fail_pem(command, path, "more than 16 certificates");
	checkpoints->keys[checkpoints->n_keys++] = TAKE(*key);
	return EXIT_CODE_OK;
}

int checkpoints_add_certificates(
	struct checkpoints *checkpoints, const char *command, const char *path)
{
	CLEANUP(buf_deinit) struct buf pem = BUF_INIT(PEM_MAX);
	CLEANUP(ossl_bio_freep) BIO *bio = NULL;
	const size_t n_before = checkpoints->n_keys;

	if (input_read(command, path, &pem) != STATUS_OK)
		return EXIT_CODE_DATA;
	bio = BIO_new_mem_buf(pem.len == 0 ? "" : (const char *)pem.p, (int)pem.len);
	ERR_clear_error();
	while (bio != NULL) {
		CLEANUP(ossl_pkey_freep) EVP_PKEY *key = NULL;
		const enum status status = next_key(bio, &key);
		int code;

		if (status == STATUS_NOT_FOUND)
			break;
		if (status != STATUS_OK)
			return fail_pem(
				command, path, "a certificate in it cannot be read");
		code = add_key(checkpoints, command, path, &key);
		if (code != EXIT_CODE_OK)
			return code;
	}
	if (checkpoints->n_keys == n_before)
		return fail_pem(command, path, "expected certificates in PEM");
	return EXIT_CODE_OK;
}

/* One good signature is enough; one that lies about its key is too much. */
static enum status check(const struct checkpoints *checkpoints, struct checkpoint *out)
{
	out->signature = CHECKPOINT_UNSIGNED;
	for (size_t i = 0; i < checkpoints->n_keys; i++) {
		EVP_PKEY *key = checkpoints->keys[i];
		const enum status status = note_verify(&out->note, key);

		if (status == STATUS_NOT_FOUND)
			continue;
		if (status != STATUS_OK && status != STATUS_BAD_SIGNATURE)
			return status;
		out->signature =
			status == STATUS_OK ? CHECKPOINT_SIGNED : CHECKPOINT_FORGED;
		out->algorithm = status == STATUS_OK ? note_algorithm(key) : NULL;
		if (status != STATUS_OK)
			break;
	}
	return STATUS_OK;
}

int checkpoints_check(struct checkpoints *checkpoints, const char *command)
{
	for (size_t i = 0; checkpoints->n_keys > 0 && i < checkpoints->n; i++) {
		if (check(checkpoints, &checkpoints->list[i]) != STATUS_OK) {
			say_error(command, "INTERNAL",
				"out of memory, or OpenSSL failed");
			return EXIT_CODE_INTERNAL;
		}
	}
	return EXIT_CODE_OK;
}

bool checkpoint_is_good(const struct checkpoints *checkpoints, size_t at)
{
	const enum checkpoint_signature signature = checkpoints->list[at].signature;

	return checkpoints->marks[at].result == INSPECT_MARK_HELD &&
	       (signature == CHECKPOINT_UNCHECKED || signature == CHECKPOINT_SIGNED);
}
