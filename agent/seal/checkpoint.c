/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "util/base64.h"
#include "util/clock.h"
#include "util/log.h"

#define ORIGIN "zegel/audit"
/* Signature lines begin with an em dash and a space (C2SP). */
#define DASH "\xe2\x80\x94 "

enum {
	KEY_ID_LEN = 4,
	/* For the type of an algorithm that C2SP has no number for. */
	TYPE_OTHER = 0xff,
	/* Lines that a checkpoint itself adds: they ask for no further one. */
	OWN_LINES = 3,
	TIMEOUT_MS = 60000,
	SIGNATURE_MAX = 1024,
};

void checkpoint_init(struct checkpoint *checkpoint, struct sealer *sealer,
	const struct record_spec *spec)
{
	*checkpoint = (struct checkpoint){
		.sealer = sealer, .spec = spec, .text = BUF_INIT(CHECKPOINT_TEXT_MAX)};
	if (spec == NULL || spec->checkpoint_key == NULL)
		return;
	for (size_t i = 0; i < sealer->n_keys; i++) {
		if (strcmp(sealer->keys[i].name, spec->checkpoint_key) == 0)
			checkpoint->key = &sealer->keys[i];
	}
	/* The configuration has seen to it. */
	must(checkpoint->key != NULL);
	if (sealer->audit != NULL)
		checkpoint->seq = audit_get_n_lines(sealer->audit);
	if (spec->checkpoint_s > 0)
		checkpoint->due_ms =
			clock_monotonic_ms() + (uint64_t)spec->checkpoint_s * 1000;
}

void checkpoint_deinit(struct checkpoint *checkpoint)
{
	buf_deinit(&checkpoint->text);
}

static bool is_due(const struct checkpoint *checkpoint)
{
	const uint64_t n_lines = audit_get_n_lines(checkpoint->sealer->audit);
	const uint64_t n_new = n_lines - checkpoint->seq;

	if (n_lines <= checkpoint->seq + OWN_LINES)
		return false;
	if (checkpoint->spec->checkpoint_lines > 0 &&
		n_new >= checkpoint->spec->checkpoint_lines)
		return true;
	return checkpoint->due_ms != 0 && clock_monotonic_ms() >= checkpoint->due_ms;
}

static enum status write_text(struct checkpoint *checkpoint)
{
	uint8_t hash[ENTRY_HASH_LEN];
	uint64_t seq;

	audit_get_head(checkpoint->sealer->audit, &seq, hash);
	buf_clear(&checkpoint->text);
	TRY(buf_append_format(&checkpoint->text, ORIGIN "\n%" PRIu64 "\n", seq));
	TRY(base64_encode(&checkpoint->text, (struct bytes){hash, sizeof(hash)}));
	return buf_append_text(&checkpoint->text, "\n");
}

static enum status begin(struct checkpoint *checkpoint)
{
	struct sealer *sealer = checkpoint->sealer;
	const struct algorithm *algorithm =
		algorithm_get_default(checkpoint->key->on[0].chain->kind);
	uint8_t digest[HASH_LEN_MAX];

	if (algorithm == NULL)
		return STATUS_KEY_ALGORITHM;
	TRY(audit_get_status(sealer->audit));
	TRY(desk_get_hope_for(checkpoint->key, algorithm->kind));
	TRY(write_text(checkpoint));
	if (EVP_Digest(checkpoint->text.p, checkpoint->text.len, digest, NULL,
		    sealer->hashes.md[algorithm->hash], NULL) != 1)
		return STATUS_CRYPTO;
	return seal_begin_own(sealer, checkpoint->key, algorithm,
		(struct bytes){digest, algorithm->hash_len}, TIMEOUT_MS);
}

/* Warns once, not at each try. */
static void note_failure(struct checkpoint *checkpoint, enum status status)
{
	if (!checkpoint->has_failed)
		log_event(LOG_WARN, "no checkpoint of the record",
			"key=%s status=%s why=\"%s\"", checkpoint->key->name,
			status_name(status), status_text(status));
	checkpoint->has_failed = true;
}

void checkpoint_look(struct checkpoint *checkpoint)
{
	enum status status;

	if (checkpoint->key == NULL || checkpoint->is_under_way ||
		checkpoint->sealer->is_stopping || !is_due(checkpoint))
		return;
	/* Also when it fails: the next try comes when the next one would be due. */
	checkpoint->seq = audit_get_n_lines(checkpoint->sealer->audit);
	if (checkpoint->spec->checkpoint_s > 0)
		checkpoint->due_ms = clock_monotonic_ms() +
				     (uint64_t)checkpoint->spec->checkpoint_s * 1000;
	status = begin(checkpoint);
	if (status != STATUS_OK) {
		note_failure(checkpoint, status);
		return;
	}
	checkpoint->is_under_way = true;
}

/* The first bytes of a hash over name, type and public key: whose signature this is. */
static enum status append_key_id(struct buf *out, const struct checkpoint *checkpoint,
	const struct chain *chain, const char *algorithm)
{
	CLEANUP(buf_deinit) struct buf named = BUF_INIT(CHECKPOINT_NOTE_MAX);
	const uint8_t type = TYPE_OTHER;
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned char *der = NULL;
	const int der_len = i2d_PUBKEY(chain->public_key, &der);
	enum status status;

	if (der_len <= 0)
		return STATUS_CRYPTO;
	status = buf_append_format(&named, "%s\n", checkpoint->key->name);
	if (status == STATUS_OK)
		status = buf_append(&named, (struct bytes){&type, sizeof(type)});
	if (status == STATUS_OK)
		status = buf_append_format(&named, "zegel-%s", algorithm);
	if (status == STATUS_OK)
		status = buf_append(&named, (struct bytes){der, (size_t)der_len});
	OPENSSL_free(der);
	TRY(status);
	if (EVP_Digest(named.p, named.len, hash, NULL,
		    checkpoint->sealer->hashes.md[HASH_SHA256], NULL) != 1)
		return STATUS_CRYPTO;
	return buf_append(out, (struct bytes){hash, KEY_ID_LEN});
}

/* Base64 of key id and signature. */
static enum status encode_signature(struct buf *out,
	const struct checkpoint *checkpoint, const struct chain *chain,
	const struct seal_answer *answer)
{
	CLEANUP(buf_deinit)
	struct buf signature = BUF_INIT(KEY_ID_LEN + SIGNATURE_MAX);

	TRY(append_key_id(&signature, checkpoint, chain, answer->algorithm));
	TRY(buf_append(&signature, answer->seal));
	return base64_encode(out, buf_get(&signature));
}

static enum status record_note(
	struct checkpoint *checkpoint, uint64_t attempt, const char *signature)
{
	CLEANUP(buf_deinit) struct buf note = BUF_INIT(CHECKPOINT_NOTE_MAX);

	TRY(buf_append(&note, buf_get(&checkpoint->text)));
	TRY(buf_append_format(
		&note, "\n" DASH "%s %s\n", checkpoint->key->name, signature));
	return audit_add_checkpoint(checkpoint->sealer->audit, attempt, buf_get(&note));
}

/* The log has all of the note too: where it goes to another machine, so does that. */
static enum status tell(struct checkpoint *checkpoint, uint64_t attempt,
	const struct chain *chain, const struct seal_answer *answer)
{
	CLEANUP(buf_deinit) struct buf encoded = BUF_INIT(CHECKPOINT_NOTE_MAX);
	const char *signature;

	TRY(encode_signature(&encoded, checkpoint, chain, answer));
	TRY(buf_get_text(&encoded, &signature));
	TRY(record_note(checkpoint, attempt, signature));
	log_event(LOG_NOTICE, "checkpoint of the record",
		"key=%s text=\"%s\" signature=\"%s\"", checkpoint->key->name,
		log_text(buf_get(&checkpoint->text)).text, signature);
	return STATUS_OK;
}

void checkpoint_on_answer(struct checkpoint *checkpoint, uint64_t attempt,
	const struct chain *chain, const struct seal_answer *answer)
{
	enum status status = answer->status;

	checkpoint->is_under_way = false;
	if (status == STATUS_OK)
		status = tell(checkpoint, attempt, chain, answer);
	if (status == STATUS_OK)
		checkpoint->has_failed = false;
	else
		note_failure(checkpoint, status);
}
