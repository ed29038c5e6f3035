/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The act of sealing, from the third door to the answer. What is on this path runs for
 * every seal; what can be made once for a key was made in key.c.
 */
#include "seal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "util/clock.h"
#include "util/log.h"

enum {
	SEAL_LONG = 8000,      /* common limit of proxies for a header */
	SEAL_TOO_LONG = 10000, /* all that receivers promise (D-HTTP-2) */
	RETRY_MIN_MS = 10,
	RETRY_MAX_MS = 30000,
	AVERAGE_OVER = 8, /* signatures, for the moving average */
};

void seal_free(struct act *act)
{
	struct sealer *sealer = act->sealer;

	loop_timer_remove(sealer->loop, &act->timer);
	(void)slots_take(&sealer->acts, act->id);
	request_freep(&act->request);
	buf_deinit(&act->draft.payload);
	free(act);
}

static void log_end(const struct act *act, enum status status)
{
	log_event(LOG_INFO, status == STATUS_OK ? "sealed" : "not sealed",
		"req=%" PRIx64 ".%" PRIu64 " client=%s rule=%s key=%s profile=%s "
		"status=%s tries=%" PRIu32 " ms=%" PRIu64,
		act->owner.connection, act->owner.request, act->client, act->rule,
		act->key->name, act->request->form->name, status_name(status),
		act->n_given, clock_monotonic_ms() - act->begun_ms);
}

static void answer(struct act *act, const struct seal_answer *what)
{
	if (act->is_over)
		return;
	act->is_over = true;
	log_end(act, what->status);
	act->sealer->done(act->sealer->done_context, &act->owner, act->id, what);
}

uint32_t seal_get_retry_ms(const struct sealer *sealer, const char *name)
{
	const struct key *key = sealer_find_key(sealer, name);
	uint32_t best = RETRY_MAX_MS;

	if (key == NULL)
		return 0;
	for (size_t i = 0; i < key->n_on; i++) {
		const struct token *token = key->on[i].desk->token;
		const uint64_t line = (uint64_t)key->n_waiting * key->sign_ms;
		uint64_t wait = token_get_retry_ms(token);

		if (wait == 0)
			wait = line /
			       (token_get_n_out(token) + token_get_n_idle(token) + 1);
		if (wait < RETRY_MIN_MS)
			wait = RETRY_MIN_MS;
		if (wait < best)
			best = (uint32_t)wait;
	}
	return best;
}

static void answer_refusal(struct act *act, enum status status)
{
	const struct seal_answer refusal = {
		.status = status,
		.retry_after_ms = seal_get_retry_ms(act->sealer, act->key->name),
	};

	answer(act, &refusal);
}

void seal_refuse(struct act *act, enum status status)
{
	must(act->state == ACT_WAITING);
	desk_leave(act);
	answer_refusal(act, status);
	seal_free(act);
}

static void on_deadline(void *context)
{
	struct act *act = context;

	if (act->state == ACT_WAITING) {
		seal_refuse(act, STATUS_TIMEOUT);
		return;
	}
	/* The job is out; what comes back finds an act that is over. */
	answer_refusal(act, STATUS_TIMEOUT);
}

/* What the key signs with, and whether the request fits it. */
static enum status resolve(struct act *act)
{
	const struct seal_request *request = act->request;

	act->algorithm = request->algorithm != NULL
				 ? request->algorithm
				 : algorithm_get_default(act->key->on[0].chain->kind);
	if (act->algorithm == NULL || !key_can(act->key, act->algorithm))
		return STATUS_KEY_ALGORITHM;
	if (request->form->input == INPUT_DIGEST &&
		request->digest_len != act->algorithm->hash_len)
		return STATUS_BAD_DIGEST;
	if (!request->form->has_identifier)
		return STATUS_OK;
	if (act->key->identifier == NULL)
		return STATUS_NO_IDENTIFIER;
	return claims_check_identity(
		&request->claims, act->key->identifier, request->audience);
}

static enum status new_act(struct sealer *sealer, struct seal_request **request,
	const struct seal_owner *owner, struct act **out)
{
	struct act *act = calloc(1, sizeof(*act));

	if (act == NULL)
		return STATUS_NO_MEMORY;
	if (slots_put(&sealer->acts, act, &act->id) != STATUS_OK) {
		free(act);
		return STATUS_BUSY;
	}
	act->sealer = sealer;
	act->link.thing = act;
	act->owner = *owner;
	act->request = TAKE(*request);
	act->begun_ms = clock_monotonic_ms();
	act->timer = (struct loop_timer){.call = on_deadline, .context = act};
	act->draft.payload = BUF_INIT(DRAFT_PAYLOAD_MAX);
	*out = act;
	return STATUS_OK;
}

/* The third door. */
static enum status decide(const struct seal_asker *asker,
	const struct seal_request *request, struct policy_verdict *out)
{
	const struct policy_question question = {
		.key = request->key,
		.profile = request->form->name,
		.audience = request->audience[0] == '\0' ? NULL : request->audience,
	};

	*out = policy_decide(asker->client, &question);
	return out->status;
}

static enum status admit(struct act *act)
{
	struct sealer *sealer = act->sealer;

	TRY(resolve(act));
	TRY(desk_get_hope_for(act->key, act->algorithm->kind));
	TRY(loop_timer_set(
		sealer->loop, &act->timer, act->begun_ms + act->request->timeout_ms));
	return desk_join(act);
}

enum status seal_begin(struct sealer *sealer, const struct seal_asker *asker,
	struct seal_request **request, const struct seal_owner *owner,
	uint64_t *out_act_id)
{
	CLEANUP(request_freep) struct seal_request *asked = TAKE(*request);
	const struct key *key = sealer_find_key(sealer, asked->key);
	struct policy_verdict verdict;
	struct act *act = NULL;
	enum status status;

	if (sealer->is_stopping)
		return STATUS_STOPPING;
	status = decide(asker, asked, &verdict);
	/* An unknown key and a forbidden one look the same. */
	if (status != STATUS_OK || key == NULL) {
		log_event(LOG_INFO, "denied",
			"req=%" PRIx64 ".%" PRIu64
			" uid=%u client=%s rule=%s key=%s profile=%s aud=\"%s\"",
			owner->connection, owner->request, (unsigned int)asker->uid,
			verdict.client, verdict.rule, asked->key, asked->form->name,
			asked->audience);
		return STATUS_DENIED;
	}
	TRY(new_act(sealer, &asked, owner, &act));
	act->key = &sealer->keys[key - sealer->keys];
	act->client = verdict.client;
	act->weight = policy_client_get_weight(asker->client);
	act->rule = verdict.rule;
	status = admit(act);
	if (status != STATUS_OK) {
		log_end(act, status);
		seal_free(act);
		return status;
	}
	*out_act_id = act->id;
	return STATUS_OK;
}

void seal_forget(struct sealer *sealer, uint64_t act_id)
{
	struct act *act = slots_get(&sealer->acts, act_id);

	if (act == NULL)
		return;
	act->is_over = true;
	if (act->state == ACT_OUT)
		return;
	desk_leave(act);
	seal_free(act);
}

static enum status compose(struct act *act, const struct key_on *on)
{
	const struct form *form = act->request->form;
	struct form_input input = {
		.request = act->request,
		.algorithm = act->algorithm,
		.identifier = act->key->identifier,
		.head = on->heads[form->index],
	};
	char jti[JTI_LEN + 1];

	TRY(form_make_jti(jti));
	input.jti = jti;
	buf_clear(&act->draft.payload);
	/* Last of all: every wait before this would be taken from the seal's 30 seconds. */
	input.now_s = clock_real_s();
	return form->compose(&act->draft, &input);
}

static void fill_job(
	struct token_job *job, const struct act *act, const struct key_on *on)
{
	job->head = (struct job_head){.kind = JOB_SIGN, .layout = JOB_LAYOUT};
	job->job_id = act->id;
	job->key_id = on->key_id;
	job->operation = act->algorithm->operation;
	job->data_len = (uint32_t)act->draft.digest_len;
	job->reserved = 0;
	memcpy(job->data, act->draft.digest, act->draft.digest_len);
}

bool seal_start(struct act *act, struct key_on *on)
{
	struct sealer *sealer = act->sealer;
	const enum status status = compose(act, on);

	if (status != STATUS_OK) {
		seal_refuse(act, status);
		return true;
	}
	fill_job(&sealer->job, act, on);
	if (token_submit(on->desk->token, &sealer->job) != STATUS_OK)
		return false;
	desk_take(act);
	act->state = ACT_OUT;
	act->on = on;
	act->n_given++;
	act->given_ms = clock_monotonic_ms();
	sealer->counts.n_out++;
	on->desk->is_reserved = act->n_given == GIVEN_MAX;
	return true;
}

/* The job is back, one way or another; NULL when nobody gave it. */
static struct act *take_back(struct desk *desk, uint64_t job_id)
{
	struct act *act = slots_get(&desk->sealer->acts, job_id);

	must(act != NULL && act->state == ACT_OUT && act->on->desk == desk);
	desk->sealer->counts.n_out--;
	if (act->n_given == GIVEN_MAX)
		desk->is_reserved = false;
	desk_stir(desk);
	return act;
}

/* Gives the job again, or answers with what the last try came to. */
static void again(struct act *act, enum status status)
{
	enum status hope;

	if (act->is_over) {
		seal_free(act);
		return;
	}
	hope = act->n_given >= GIVEN_MAX
		       ? status
		       : desk_get_hope_for(act->key, act->algorithm->kind);
	if (act->sealer->is_stopping)
		hope = STATUS_STOPPING;
	if (hope != STATUS_OK) {
		answer_refusal(act, hope);
		seal_free(act);
		return;
	}
	desk_join_again(act);
}

void seal_on_lost(struct desk *desk, uint64_t job_id)
{
	struct act *act = take_back(desk, job_id);

	if (act->n_given >= GIVEN_MAX)
		log_event(LOG_ERR, "poison: this job ended the worker each time",
			"req=%" PRIx64 ".%" PRIu64 " key=%s token=%s",
			act->owner.connection, act->owner.request, act->key->name,
			token_get_name(desk->token));
	again(act, STATUS_POISON);
}

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

static enum status release(struct act *act, struct bytes signature)
{
	struct sealer *sealer = act->sealer;
	const struct form *form = act->request->form;
	const struct draft *draft = &act->draft;
	struct seal_answer seal = {
		.status = STATUS_OK,
		.jti = draft->jti,
		.has_times = draft->has_times,
		.issued_at = draft->issued_at,
		.expires_at = draft->expires_at,
		.algorithm = act->algorithm->name,
		.certificate_sha256 = act->on->chain->sha256,
	};

	/* A seal that would die on its way is not released. */
	if (draft->has_times && clock_real_s() + sealer->min_left_s > draft->expires_at)
		return STATUS_TIMEOUT;
	buf_clear(&sealer->seal);
	TRY(form->assemble(
		&sealer->seal, draft, act->on->heads[form->index], signature));
	watch_length(act, sealer->seal.len);
	seal.seal = buf_get(&sealer->seal);
	sealer->counts.n_sealed++;
	answer(act, &seal);
	return STATUS_OK;
}

static void note_time(struct act *act)
{
	const uint64_t ms = clock_monotonic_ms() - act->given_ms;
	struct key *key = act->key;

	key->sign_ms = (uint32_t)((key->sign_ms * (uint64_t)(AVERAGE_OVER - 1) + ms) /
				  AVERAGE_OVER);
}

void seal_on_result(struct desk *desk, const struct token_result *result)
{
	struct act *act = take_back(desk, result->job_id);
	const struct bytes digest = {act->draft.digest, act->draft.digest_len};
	const struct bytes signature = {result->signature, result->signature_len};
	enum status status;

	if (result->outcome != JOB_DONE) {
		log_event(LOG_WARN, "token failed a job",
			"req=%" PRIx64 ".%" PRIu64 " key=%s token=%s rv=0x%" PRIx64,
			act->owner.connection, act->owner.request, act->key->name,
			token_get_name(desk->token), result->rv);
		again(act, STATUS_TOKEN_FAILED);
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
		again(act, status);
		return;
	}
	token_note_good(desk->token);
	if (!act->is_over)
		status = release(act, signature);
	if (status != STATUS_OK)
		answer_refusal(act, status);
	seal_free(act);
}
