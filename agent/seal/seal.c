/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an act of sealing begins and ends: the third door, its place in the line, its
 * deadline, its answer. What is on this path runs for every seal; what can be made once
 * for a key was made in key.c.
 */
#include "seal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "util/clock.h"
#include "util/log.h"

enum {
	RETRY_MIN_MS = 10,
	RETRY_MAX_MS = 30000,
	RETRY_NO_RECORD_MS = 1000, /* it comes back by itself when it can */
};

void seal_free(struct act *act)
{
	struct sealer *sealer = act->sealer;

	loop_timer_remove(sealer->loop, &act->timer);
	(void)slots_take(&sealer->acts, act->id);
	rate_finishp(&act->use);
	request_freep(&act->request);
	buf_deinit(&act->draft.text);
	buf_deinit(&act->seal);
	free(act->unit);
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

/* Asked for by no connection, but by the agent itself. */
static bool is_own(const struct act *act)
{
	return act->owner.connection == 0;
}

bool seal_answer(struct act *act, const struct seal_answer *answer)
{
	if (act->is_over)
		return false;
	act->is_over = true;
	if (is_own(act)) {
		checkpoint_on_answer(&act->sealer->checkpoint, act->attempt,
			act->on == NULL ? NULL : act->on->chain, answer);
		return true;
	}
	log_end(act, answer->status);
	return act->sealer->done(
		act->sealer->done_context, &act->owner, act->id, answer);
}

/* How long to wait before the same request may be tried again. */
static uint32_t get_retry_ms(const struct key *key)
{
	uint32_t best = RETRY_MAX_MS;

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

void seal_answer_refusal(struct act *act, enum status status)
{
	const struct seal_answer refusal = {
		.status = status,
		.retry_after_ms = status == STATUS_NO_RECORD ? RETRY_NO_RECORD_MS
							     : get_retry_ms(act->key),
	};

	(void)seal_answer(act, &refusal);
}

/* What refuses beside the rules has a name in the record too. */
const char *seal_name_refusal(enum status status)
{
	if (status == STATUS_RATE)
		return POLICY_REFUSED_RATE;
	if (status == STATUS_CONCURRENT)
		return POLICY_REFUSED_CONCURRENT;
	if (status == STATUS_CLAIMS_IDENTITY)
		return POLICY_REFUSED_IDENTITY;
	return status == STATUS_BUSY ? POLICY_REFUSED_BUSY : "";
}

/* An act that came to no attempt leaves a refusal in the record. */
static void record_refusal(const struct act *act, enum status status)
{
	const struct audit_refusal refusal = {
		.who = {.client = act->client,
			.uid = act->uid,
			.pid = act->pid,
			.unit = act->unit},
		.connection = act->owner.connection,
		.request = act->owner.request,
		.rule = seal_name_refusal(status),
		.nearest = act->rule,
		.key = act->key->name,
		.profile = act->request->form->name,
		.audience = act->request->audience,
		.status = status,
	};

	(void)audit_add_refusal(act->sealer->audit, &refusal);
}

void seal_refuse(struct act *act, enum status status)
{
	must(act->state == ACT_WAITING);
	desk_leave(act);
	if (act->n_given == 0)
		record_refusal(act, status);
	seal_answer_refusal(act, status);
	seal_free(act);
}

static void on_deadline(void *context)
{
	struct act *act = context;

	switch (act->state) {
	case ACT_WAITING:
		seal_refuse(act, STATUS_TIMEOUT);
		return;
	case ACT_READY:
	case ACT_OUT:
		/* The job is out; what comes back finds an act that is over. */
		seal_answer_refusal(act, STATUS_TIMEOUT);
		return;
	case ACT_RECORDING:
		/* The seal is there and must not leave: the disk is too slow. */
		seal_answer_refusal(act, STATUS_NO_RECORD);
		return;
	}
}

/* What the key signs with, and whether the request fits it. */
static enum status resolve(const struct seal_request *request, const struct key *key,
	const struct algorithm **out)
{
	const struct algorithm *algorithm =
		request->algorithm != NULL
			? request->algorithm
			: algorithm_get_default(key->on[0].chain->kind);

	if (algorithm == NULL || !key_can(key, algorithm))
		return STATUS_KEY_ALGORITHM;
	if (request->form->input == INPUT_DIGEST &&
		request->digest_len != algorithm->hash_len)
		return STATUS_BAD_DIGEST;
	if (request->form->has_identifier && key->identifier == NULL)
		return STATUS_NO_IDENTIFIER;
	if (request->form->has_identifier)
		TRY(claims_check_identity(
			&request->claims, key->identifier, request->audience));
	*out = algorithm;
	return STATUS_OK;
}

enum status seal_check(const struct sealer *sealer, const struct seal_request *request,
	const struct key *key, const struct algorithm **out)
{
	const struct algorithm *algorithm = NULL;

	TRY(resolve(request, key, &algorithm));
	TRY(audit_get_status(sealer->audit));
	TRY(desk_get_hope_for(key, algorithm->kind));
	*out = algorithm;
	return STATUS_OK;
}

static enum status new_act(struct sealer *sealer, const struct seal_asker *asker,
	struct seal_request **request, const struct seal_owner *owner, struct act **out)
{
	CLEANUP(freep) struct act *act = calloc(1, sizeof(*act));

	if (act == NULL)
		return STATUS_NO_MEMORY;
	TRY(text_copy(bytes_from_text(asker->unit), &act->unit));
	if (slots_put(&sealer->acts, act, &act->id) != STATUS_OK) {
		free(act->unit);
		return STATUS_BUSY;
	}
	act->sealer = sealer;
	act->link.thing = act;
	act->owner = *owner;
	act->uid = asker->uid;
	act->pid = asker->pid;
	act->request = TAKE(*request);
	act->begun_ms = clock_monotonic_ms();
	act->timer = (struct loop_timer){.call = on_deadline, .context = act};
	act->draft.text = BUF_INIT(DRAFT_TEXT_MAX);
	act->seal = BUF_INIT(JWS_MAX);
	*out = TAKE(act);
	return STATUS_OK;
}

/* Names are at most NAME_MAX_LEN, or constants of ours that are shorter. */
static void copy_name(char out[static NAME_MAX_LEN + 1], const char *name)
{
	const size_t len = strlen(name);

	must(len <= NAME_MAX_LEN);
	memcpy(out, name, len + 1);
}

/* Refused at the third door, before there is an act. */
static enum status deny(struct sealer *sealer, const struct seal_asker *asker,
	const struct seal_request *request, const struct seal_owner *owner,
	const struct policy_verdict *verdict)
{
	/* That there is such a rule may be said; that there is such a key may not. */
	const enum status status = strcmp(verdict->rule, POLICY_REFUSED_TOKEN_LIKE) == 0
					   ? STATUS_TOKEN_LIKE
					   : STATUS_DENIED;
	const struct audit_refusal refusal = {
		.who = {.client = verdict->client,
			.uid = asker->uid,
			.pid = asker->pid,
			.unit = asker->unit},
		.connection = owner->connection,
		.request = owner->request,
		.rule = verdict->rule,
		.nearest = verdict->nearest,
		.key = request->key,
		.profile = request->form->name,
		.audience = request->audience,
		.status = status,
	};

	if (!audit_add_refusal(sealer->audit, &refusal))
		return status;
	log_event(LOG_INFO, "denied",
		"req=%" PRIx64 ".%" PRIu64
		" uid=%u client=%s rule=%s nearest=%s key=%s profile=%s aud=\"%s\"",
		owner->connection, owner->request, (unsigned int)asker->uid,
		verdict->client, verdict->rule, verdict->nearest, request->key,
		request->form->name, request->audience);
	return status;
}

/* What counts towards the rule's limits comes last, so that no refusal does. */
static enum status admit(
	struct act *act, const struct policy_rate *limits, uint32_t *retry_after_ms)
{
	struct sealer *sealer = act->sealer;
	const struct rate_rule rule = {act->client, act->rule, limits};
	uint32_t spent_ms = 0;
	enum status status;

	status = seal_check(sealer, act->request, act->key, &act->algorithm);
	if (status == STATUS_NO_RECORD)
		*retry_after_ms = RETRY_NO_RECORD_MS;
	TRY(status);
	if (!desk_can_join(act))
		return STATUS_BUSY;
	status = rate_begin(sealer->rates, &rule, act->begun_ms, &spent_ms, &act->use);
	if (status == STATUS_RATE)
		*retry_after_ms = spent_ms;
	TRY(status);
	TRY(loop_timer_set(
		sealer->loop, &act->timer, act->begun_ms + act->request->timeout_ms));
	return desk_join(act);
}

enum status seal_begin(struct sealer *sealer, const struct seal_asker *asker,
	struct seal_request **request, const struct seal_owner *owner,
	struct seal_begun *out)
{
	CLEANUP(request_freep) struct seal_request *asked = TAKE(*request);
	const struct key *key = sealer_find_key(sealer, asked->key);
	struct policy_question question;
	struct policy_verdict verdict;
	struct act *act = NULL;
	enum status status;

	*out = (struct seal_begun){.act_id = 0};
	if (sealer->is_stopping)
		return STATUS_STOPPING;
	question = request_get_question(asked);
	verdict = policy_decide(asker->client, &question);
	/* An unknown key and a forbidden one look the same; the record tells them apart. */
	if (verdict.status == STATUS_OK && key == NULL) {
		verdict.nearest = verdict.rule;
		verdict.rule = "";
		verdict.status = STATUS_DENIED;
	}
	if (verdict.status != STATUS_OK)
		return deny(sealer, asker, asked, owner, &verdict);
	out->retry_after_ms = get_retry_ms(key);
	TRY(new_act(sealer, asker, &asked, owner, &act));
	act->key = &sealer->keys[key - sealer->keys];
	copy_name(act->client, verdict.client);
	copy_name(act->rule, verdict.rule);
	act->weight = policy_client_get_weight(asker->client);
	out->act_id = act->id;
	status = admit(act, verdict.rate, &out->retry_after_ms);
	if (status == STATUS_OK)
		return STATUS_OK;
	record_refusal(act, status);
	log_end(act, status);
	seal_free(act);
	return status;
}

enum status seal_begin_own(struct sealer *sealer, struct key *key,
	const struct algorithm *algorithm, struct bytes digest, uint32_t timeout_ms)
{
	CLEANUP(request_freep) struct seal_request *request = NULL;
	const struct seal_asker asker = {.uid = geteuid(), .pid = getpid(), .unit = ""};
	const struct seal_owner nobody = {.connection = 0};
	struct act *act = NULL;

	TRY(request_new_own(&form_checkpoint, algorithm, digest, &request));
	TRY(new_act(sealer, &asker, &request, &nobody, &act));
	act->key = key;
	act->algorithm = algorithm;
	copy_name(act->rule, form_checkpoint.name);
	if (loop_timer_set(sealer->loop, &act->timer, act->begun_ms + timeout_ms) !=
		STATUS_OK) {
		seal_free(act);
		return STATUS_NO_MEMORY;
	}
	desk_join_again(act);
	return STATUS_OK;
}

void seal_forget(struct sealer *sealer, uint64_t act_id)
{
	struct act *act = slots_get(&sealer->acts, act_id);

	if (act == NULL)
		return;
	act->is_over = true;
	/* Whatever else it is, the record wants to know how it ended. */
	if (act->state != ACT_WAITING)
		return;
	desk_leave(act);
	seal_free(act);
}
