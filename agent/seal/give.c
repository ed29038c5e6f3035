/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: composed when a session is idle, given when the attempt is in the record, taken
 * back, given again. Each time a job is given there is an attempt before it, and each
 * attempt gets an outcome.
 */
#include "internal.h"

#include <inttypes.h>
#include <string.h>

#include "util/clock.h"
#include "util/log.h"

/* Outcomes that are no status: the worker died with the job; nobody waits any more. */
#define OUTCOME_LOST      "LOST"
#define OUTCOME_FORGOTTEN "FORGOTTEN"

static enum status compose(struct act *act, const struct key_on *on)
{
	const struct form *form = act->request->form;
	struct form_input input = {
		.request = act->request,
		.algorithm = act->algorithm,
		.hash = act->sealer->hashes.md[act->algorithm->hash],
		.chain = on->chain,
		.identifier = act->key->identifier,
		.head = on->heads[form->index],
	};
	char jti[JTI_LEN + 1];

	TRY(form_make_jti(jti));
	input.jti = jti;
	buf_clear(&act->draft.text);
	/* Last of all: every wait before this would be taken from the seal's 30 seconds. */
	input.now_s = clock_real_s();
	return form->compose(&act->draft, &input);
}

static enum status record_attempt(struct act *act, const struct key_on *on)
{
	const struct chain *chain = on->chain;
	const struct audit_attempt attempt = {
		.who = {.client = act->client,
			.uid = act->uid,
			.pid = act->pid,
			.unit = act->unit},
		.connection = act->owner.connection,
		.request = act->owner.request,
		.number = act->n_given + 1,
		.rule = act->rule,
		.key = act->key->name,
		.profile = act->request->form->name,
		.algorithm = act->algorithm->name,
		.digest = {act->draft.digest, act->draft.digest_len},
		.jti = act->draft.jti,
		.audience = act->request->audience,
		.certificate = {chain->sha256, sizeof(chain->sha256)},
		.token = token_get_name(on->desk->token),
	};

	return audit_add_attempt(act->sealer->audit, &attempt, &act->attempt);
}

void give_start(struct act *act, struct key_on *on)
{
	enum status status = compose(act, on);

	if (status == STATUS_OK)
		status = record_attempt(act, on);
	if (status != STATUS_OK) {
		seal_refuse(act, status);
		return;
	}
	desk_take(act);
	act->state = ACT_READY;
	act->on = on;
	act->n_given++;
	on->desk->n_ready++;
	on->desk->is_reserved = act->n_given == GIVEN_MAX;
	TAILQ_INSERT_TAIL(&act->sealer->ready, act, next);
}

/* Its promise is kept or broken. */
static void take_ready(struct act *act)
{
	TAILQ_REMOVE(&act->sealer->ready, act, next);
	act->on->desk->n_ready--;
}

static void free_place(const struct act *act)
{
	struct desk *desk = act->on->desk;

	if (act->n_given == GIVEN_MAX)
		desk->is_reserved = false;
	desk_stir(desk);
}

/* How the attempt ended; the record may be gone meanwhile, it then makes up for it. */
static void record_end(const struct act *act, const char *status)
{
	const struct audit_outcome outcome = {
		.attempt = act->attempt, .status = status};
	uint64_t seq;

	if (audit_add_outcome(act->sealer->audit, &outcome, &seq) != STATUS_OK)
		log_event(LOG_DEBUG, "outcome waits for a record",
			"req=%" PRIx64 ".%" PRIu64, act->owner.connection,
			act->owner.request);
}

/* Gives the job again, or answers with what the last try came to. */
static void try_again(struct act *act, enum status status)
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
		seal_answer_refusal(act, hope);
		seal_free(act);
		return;
	}
	desk_join_again(act);
}

void give_again(struct act *act, enum status status, const char *outcome)
{
	record_end(act, outcome);
	try_again(act, status);
}

static void fill_job(struct token_job *job, const struct act *act)
{
	job->head = (struct job_head){.kind = JOB_SIGN, .layout = JOB_LAYOUT};
	job->job_id = act->id;
	job->key_id = act->on->key_id;
	job->operation = act->algorithm->operation;
	job->data_len = (uint32_t)act->draft.digest_len;
	job->reserved = 0;
	memcpy(job->data, act->draft.digest, act->draft.digest_len);
}

static void give(struct act *act)
{
	struct sealer *sealer = act->sealer;
	struct desk *desk = act->on->desk;

	take_ready(act);
	if (act->is_over) {
		free_place(act);
		record_end(act, OUTCOME_FORGOTTEN);
		seal_free(act);
		return;
	}
	fill_job(&sealer->job, act);
	if (token_get_n_idle(desk->token) == 0 ||
		token_submit(desk->token, &sealer->job) != STATUS_OK) {
		/* No session ever saw it: this was no try. */
		free_place(act);
		desk->is_deaf = true;
		act->n_given--;
		give_again(act, STATUS_TOKEN_GONE, OUTCOME_LOST);
		return;
	}
	act->state = ACT_OUT;
	act->given_ms = clock_monotonic_ms();
	sealer->counts.n_out++;
}

void give_ready(struct sealer *sealer)
{
	struct act *act;

	while ((act = TAILQ_FIRST(&sealer->ready)) != NULL)
		give(act);
}

void give_refuse_ready(struct sealer *sealer)
{
	struct act *act;

	while ((act = TAILQ_FIRST(&sealer->ready)) != NULL) {
		take_ready(act);
		free_place(act);
		seal_answer_refusal(act, STATUS_NO_RECORD);
		seal_free(act);
	}
}

struct act *give_take_back(struct desk *desk, uint64_t job_id)
{
	struct act *act = slots_get(&desk->sealer->acts, job_id);

	must(act != NULL && act->state == ACT_OUT && act->on->desk == desk);
	desk->sealer->counts.n_out--;
	free_place(act);
	return act;
}

void give_on_lost(struct desk *desk, uint64_t job_id)
{
	struct act *act = give_take_back(desk, job_id);

	if (act->n_given >= GIVEN_MAX)
		log_event(LOG_ERR, "poison: this job ended the worker each time",
			"req=%" PRIx64 ".%" PRIu64 " key=%s token=%s",
			act->owner.connection, act->owner.request, act->key->name,
			token_get_name(desk->token));
	give_again(act, STATUS_POISON, OUTCOME_LOST);
}
