/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signature becomes: checked against the certificate, put together, written down,
 * and only then answered. Between the last two the seal waits in memory: until its outcome
 * is durable nobody has it.
 */
#include "internal.h"

#include <inttypes.h>
#include <openssl/evp.h>

#include "util/clock.h"
#include "util/log.h"

enum {
	SEAL_LONG = 8000,      /* common limit of proxies for a header */
	SEAL_TOO_LONG = 10000, /* all that receivers promise (D-HTTP-2) */
	AVERAGE_OVER = 8,      /* signatures, for the moving average */
};

#define OUTCOME_OK        "OK"
#define OUTCOME_FORGOTTEN "FORGOTTEN"

/* Warns once for a key on a token and a length, not for each seal. */
static void watch_length(struct act *act, size_t len)
{
	struct key_on *on = act->on;

	if (!act->draft.has_times || len <= SEAL_LONG)
		return;
	if (len > SEAL_TOO_LONG && !on->has_warned_too_long)
		log_event(LOG_WARN,
			"seal longer than the 10,000 characters receivers promise",
			"key=%s token=%s characters=%zu", act->key->name,
			token_get_name(on->desk->token), len);
	else if (len <= SEAL_TOO_LONG && !on->has_warned_long)
		log_event(LOG_WARN,
			"seal longer than the 8,000 characters many proxies take",
			"key=%s token=%s characters=%zu", act->key->name,
			token_get_name(on->desk->token), len);
	on->has_warned_too_long |= len > SEAL_TOO_LONG;
	on->has_warned_long |= len <= SEAL_TOO_LONG;
}

/* A seal that would die on its way is not released. */
static bool is_stale(const struct act *act)
{
	return act->draft.has_times &&
	       clock_real_s() + act->sealer->min_left_s > act->draft.expires_at;
}

static enum status assemble(struct act *act, struct bytes signature)
{
	const struct form *form = act->request->form;

	if (is_stale(act))
		return STATUS_TIMEOUT;
	buf_clear(&act->seal);
	TRY(form->assemble(
		&act->seal, &act->draft, act->on->heads[form->index], signature));
	watch_length(act, act->seal.len);
	return STATUS_OK;
}

static void record_end(const struct act *act, const char *status)
{
	const struct audit_outcome outcome = {
		.attempt = act->attempt, .status = status};
	uint64_t seq;

	/* Without a record now its attempt gets an orphan line later. */
	if (audit_add_outcome(act->sealer->audit, &outcome, &seq) != STATUS_OK)
		return;
}

/* With the seal's hash: whoever shows a seal can be shown its line. */
static enum status record_seal(struct act *act)
{
	const EVP_MD *md = act->sealer->hashes.md[HASH_SHA256];
	uint8_t hash[EVP_MAX_MD_SIZE];
	const struct audit_outcome outcome = {
		.attempt = act->attempt,
		.status = OUTCOME_OK,
		.seal = {hash, ENTRY_HASH_LEN},
	};

	if (EVP_Digest(act->seal.p, act->seal.len, hash, NULL, md, NULL) != 1) {
		record_end(act, status_name(STATUS_CRYPTO));
		return STATUS_CRYPTO;
	}
	return audit_add_outcome(act->sealer->audit, &outcome, &act->outcome);
}

static void note_time(struct act *act)
{
	const uint64_t ms = clock_monotonic_ms() - act->given_ms;
	struct key *key = act->key;

	key->sign_ms = (uint32_t)((key->sign_ms * (uint64_t)(AVERAGE_OVER - 1) + ms) /
				  AVERAGE_OVER);
}

/* From a good signature to a seal whose outcome is on its way to the disk. */
static void finish(struct act *act, struct bytes signature)
{
	enum status status;

	if (act->is_over) {
		record_end(act, OUTCOME_FORGOTTEN);
		seal_free(act);
		return;
	}
	status = assemble(act, signature);
	if (status != STATUS_OK)
		record_end(act, status_name(status));
	else
		status = record_seal(act);
	if (status != STATUS_OK) {
		seal_answer_refusal(act, status);
		seal_free(act);
		return;
	}
	act->state = ACT_RECORDING;
	act->sealer->counts.n_recording++;
	TAILQ_INSERT_TAIL(&act->sealer->recording, act, next);
}

void release_on_result(struct desk *desk, const struct token_result *result)
{
	struct act *act = give_take_back(desk, result->job_id);
	const struct bytes digest = {act->draft.digest, act->draft.digest_len};
	const struct bytes signature = {result->signature, result->signature_len};
	enum status status;

	if (result->outcome != JOB_DONE) {
		log_event(LOG_WARN, "token failed a job",
			"req=%" PRIx64 ".%" PRIu64 " key=%s token=%s rv=0x%" PRIx64,
			act->owner.connection, act->owner.request, act->key->name,
			token_get_name(desk->token), result->rv);
		give_again(act, STATUS_TOKEN_FAILED, status_name(STATUS_TOKEN_FAILED));
		return;
	}
	note_time(act);
	status = chain_verify(act->on->chain, act->algorithm, digest, signature);
	if (status != STATUS_OK) {
		log_event(LOG_ERR, "signature does not verify; not released",
			"req=%" PRIx64 ".%" PRIu64 " key=%s token=%s",
			act->owner.connection, act->owner.request, act->key->name,
			token_get_name(desk->token));
		token_note_bad(desk->token);
		give_again(act, status, status_name(status));
		return;
	}
	token_note_good(desk->token);
	finish(act, signature);
}

static bool answer_seal(struct act *act)
{
	const struct draft *draft = &act->draft;
	const struct seal_answer seal = {
		.status = STATUS_OK,
		.seal = buf_get(&act->seal),
		.jti = draft->jti,
		.has_times = draft->has_times,
		.issued_at = draft->issued_at,
		.expires_at = draft->expires_at,
		.algorithm = act->algorithm->name,
		.certificate_sha256 = act->on->chain->sha256,
	};

	if (!seal_answer(act, &seal))
		return false;
	act->sealer->counts.n_sealed++;
	return true;
}

static void take_recording(struct act *act)
{
	TAILQ_REMOVE(&act->sealer->recording, act, next);
	act->sealer->counts.n_recording--;
}

/* Its outcome is in the record, as safe as it was asked for. */
static void release(struct act *act)
{
	const char *undelivered = NULL;

	take_recording(act);
	if (!act->is_over && is_stale(act)) {
		undelivered = status_name(STATUS_TIMEOUT);
		seal_answer_refusal(act, STATUS_TIMEOUT);
	} else if (!answer_seal(act)) {
		undelivered = OUTCOME_FORGOTTEN;
	}
	if (undelivered != NULL)
		audit_add_undelivered(act->sealer->audit, act->attempt, undelivered);
	seal_free(act);
}

static void release_until(struct sealer *sealer, uint64_t seq)
{
	struct act *act;

	while ((act = TAILQ_FIRST(&sealer->recording)) != NULL && act->outcome <= seq)
		release(act);
}

/* What has no line behind seq will never have one. */
static void drop_behind(struct sealer *sealer, uint64_t seq)
{
	struct act *act = TAILQ_FIRST(&sealer->recording);

	while (act != NULL) {
		struct act *next = TAILQ_NEXT(act, next);

		if (act->outcome > seq) {
			take_recording(act);
			seal_answer_refusal(act, STATUS_NO_RECORD);
			seal_free(act);
		}
		act = next;
	}
}

void release_on_written(void *context, enum status status, uint64_t seq)
{
	struct sealer *sealer = context;

	if (status != STATUS_OK) {
		give_refuse_ready(sealer);
		drop_behind(sealer, seq);
		/* Who waits would wait in vain: a session finds him no record either. */
		for (size_t i = 0; i < sealer->n_keys &&
				   audit_get_status(sealer->audit) != STATUS_OK;
			i++)
			desk_refuse_all(&sealer->keys[i], STATUS_NO_RECORD);
		return;
	}
	if (!audit_waits_for_sync(sealer->audit))
		release_until(sealer, seq);
	give_ready(sealer);
}

void release_on_durable(void *context, uint64_t seq)
{
	release_until(context, seq);
}

void release_forget(struct act *act)
{
	take_recording(act);
	audit_add_undelivered(
		act->sealer->audit, act->attempt, status_name(STATUS_STOPPING));
}
