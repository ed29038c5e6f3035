/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant: what a rule keeps has been judged. Its audiences lie in order, each of its
 * claims, targets and hours is well formed, and no limit is there that its profile could
 * not keep.
 */
#include "policy_rule.h"

#include <stdlib.h>
#include <string.h>

#include "policy_pattern.h"
#include "util/text.h"

void policy_rule_deinit(struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->n_claims; i++)
		policy_claim_deinit(&rule->claims[i]);
	for (size_t i = 0; i < rule->n_targets; i++)
		freep(&rule->targets[i]);
	freep(&rule->hours);
	freep(&rule->targets);
	freep(&rule->claims);
	freep(&rule->audiences);
	freep(&rule->audience_text);
	freep(&rule->profile);
	freep(&rule->key);
	freep(&rule->name);
	*rule = (struct policy_rule){.name = NULL};
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One block for all: a list may hold a hundred thousand. */
static enum status copy_audiences(
	const struct policy_rule_spec *spec, struct policy_rule *rule)
{
	size_t len = 1;
	char *at;

	rule->has_audiences = spec->has_audiences || spec->n_audiences > 0;
	for (size_t i = 0; i < spec->n_audiences; i++)
		len += strlen(spec->audiences[i]) + 1;
	rule->audiences = calloc(spec->n_audiences + 1, sizeof(rule->audiences[0]));
	at = rule->audience_text = malloc(len);
	if (rule->audiences == NULL || rule->audience_text == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < spec->n_audiences; i++) {
		rule->audiences[i] = at;
		at = stpcpy(at, spec->audiences[i]) + 1;
	}
	rule->n_audiences = spec->n_audiences;
	qsort(rule->audiences, rule->n_audiences, sizeof(rule->audiences[0]),
		compare_text);
	return STATUS_OK;
}

static enum status copy_claims(
	const struct policy_rule_spec *spec, struct policy_rule *rule)
{
	rule->mode = spec->claims;
	rule->claims = calloc(spec->n_claim_specs + 1, sizeof(rule->claims[0]));
	if (rule->claims == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < spec->n_claim_specs; i++) {
		rule->n_claims = i + 1;
		TRY(policy_claim_init(&rule->claims[i], &spec->claim_specs[i]));
	}
	return STATUS_OK;
}

static enum status copy_targets(
	const struct policy_rule_spec *spec, struct policy_rule *rule)
{
	rule->targets = calloc(spec->n_targets + 1, sizeof(rule->targets[0]));
	if (rule->targets == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < spec->n_targets; i++) {
		if (!policy_pattern_is_target(spec->targets[i]))
			return STATUS_BAD_CONFIG;
		TRY(text_copy(bytes_from_text(spec->targets[i]), &rule->targets[i]));
		rule->n_targets = i + 1;
	}
	return STATUS_OK;
}

static enum status copy_hours(
	const struct policy_rule_spec *spec, struct policy_rule *rule)
{
	rule->hours = calloc(spec->n_hours + 1, sizeof(rule->hours[0]));
	if (rule->hours == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < spec->n_hours; i++) {
		const struct policy_hours *hours = &spec->hours[i];

		if (hours->from >= hours->to || hours->to > POLICY_WEEK_MINUTES)
			return STATUS_BAD_CONFIG;
		rule->hours[i] = *hours;
	}
	rule->n_hours = spec->n_hours;
	return STATUS_OK;
}

/* A limit, and whether the spec gives it. */
struct use {
	enum policy_word word;
	bool is_given;
};

/* Would look like a limit and could not be one. */
static bool has_idle_limit(
	const struct policy_profile *facts, const struct policy_rule_spec *spec)
{
	const struct use uses[] = {
		{POLICY_WORD_AUDIENCE, spec->has_audiences || spec->n_audiences > 0},
		{POLICY_WORD_CLAIM, spec->n_claim_specs > 0},
		{POLICY_WORD_LISTED, spec->claims == POLICY_CLAIMS_LISTED},
		{POLICY_WORD_NONE, spec->claims == POLICY_CLAIMS_NONE},
		{POLICY_WORD_ANY, spec->claims == POLICY_CLAIMS_ANY},
		{POLICY_WORD_SIZE, spec->max_size > 0},
		{POLICY_WORD_TARGET, spec->n_targets > 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
		if (uses[i].is_given && !policy_profile_takes(facts, uses[i].word))
			return true;
	}
	return false;
}

/* A rule about a claim that cannot be there: none may be, or the agent sets it. */
static bool has_idle_claim(const struct policy_rule *rule)
{
	if (rule->mode == POLICY_CLAIMS_NONE && rule->n_claims > 0)
		return true;
	if (rule->facts == NULL || !rule->facts->has_identity)
		return false;
	for (size_t i = 0; i < rule->n_claims; i++) {
		if (policy_profile_is_own_claim(rule->claims[i].names[0]))
			return true;
	}
	return false;
}

enum status policy_rule_init(
	struct policy_rule *rule, const struct policy_rule_spec *spec)
{
	*rule = (struct policy_rule){.facts = policy_profile_find(spec->profile),
		.max_size = spec->max_size,
		.rate = spec->rate};
	if (has_idle_limit(rule->facts, spec))
		return STATUS_BAD_CONFIG;
	TRY(text_copy(bytes_from_text(spec->name), &rule->name));
	TRY(text_copy(bytes_from_text(spec->key), &rule->key));
	TRY(text_copy(bytes_from_text(spec->profile), &rule->profile));
	TRY(copy_audiences(spec, rule));
	TRY(copy_claims(spec, rule));
	TRY(copy_targets(spec, rule));
	TRY(copy_hours(spec, rule));
	return has_idle_claim(rule) ? STATUS_BAD_CONFIG : STATUS_OK;
}

static bool is_audience_good(
	const struct policy_rule *rule, const struct policy_question *question)
{
	if (!rule->has_audiences)
		return true;
	if (question->audience == NULL)
		return false;
	return bsearch(&question->audience, rule->audiences, rule->n_audiences,
		       sizeof(rule->audiences[0]), compare_text) != NULL;
}

static bool is_target_good(
	const struct policy_rule *rule, const struct policy_question *question)
{
	if (rule->n_targets == 0)
		return true;
	if (question->method == NULL || question->target == NULL)
		return false;
	for (size_t i = 0; i < rule->n_targets; i++) {
		if (policy_pattern_matches_target(
			    rule->targets[i], question->method, question->target))
			return true;
	}
	return false;
}

const struct policy_claim *policy_rule_find_claim(
	const struct policy_rule *rule, const struct policy_question *question)
{
	for (size_t i = 0; i < rule->n_claims; i++) {
		if (!policy_claim_holds(&rule->claims[i], question->claims))
			return &rule->claims[i];
	}
	return NULL;
}

static bool names_claim(const struct policy_rule *rule, const char *name)
{
	for (size_t i = 0; i < rule->n_claims; i++) {
		if (strcmp(rule->claims[i].names[0], name) == 0)
			return true;
	}
	return rule->facts != NULL && rule->facts->has_identity &&
	       policy_profile_is_own_claim(name);
}

/*
 * A payload that we cannot read as an object may still say anything to another reader: a
 * rule about claims cannot be kept there, so it does not allow it.
 */
bool policy_rule_is_unread(
	const struct policy_rule *rule, const struct policy_question *question)
{
	const bool is_payload = rule->facts != NULL && rule->facts->is_payload;

	return is_payload && question->claims == NULL &&
	       (rule->n_claims > 0 || rule->mode == POLICY_CLAIMS_LISTED);
}

const char *policy_rule_find_other_claim(
	const struct policy_rule *rule, const struct policy_question *question)
{
	/* An iterator wants a pointer it may write through, though it does not. */
	json_t *claims = (json_t *)(uintptr_t)question->claims;
	void *at = json_object_iter(claims);

	while (at != NULL && names_claim(rule, json_object_iter_key(at)))
		at = json_object_iter_next(claims, at);
	return json_object_iter_key(at);
}

static bool are_claims_good(
	const struct policy_rule *rule, const struct policy_question *question)
{
	switch (rule->mode) {
	case POLICY_CLAIMS_LISTED:
	case POLICY_CLAIMS_NONE:
		return policy_rule_find_other_claim(rule, question) == NULL;
	case POLICY_CLAIMS_FREE:
	case POLICY_CLAIMS_ANY:
		break;
	}
	return true;
}

static bool is_hour_good(
	const struct policy_rule *rule, const struct policy_question *question)
{
	for (size_t i = 0; i < rule->n_hours; i++) {
		if (rule->hours[i].from <= question->week_minute &&
			question->week_minute < rule->hours[i].to)
			return true;
	}
	return rule->n_hours == 0;
}

enum policy_limit policy_rule_judge(
	const struct policy_rule *rule, const struct policy_question *question)
{
	if (!is_audience_good(rule, question))
		return POLICY_LIMIT_AUDIENCE;
	if (!is_target_good(rule, question))
		return POLICY_LIMIT_TARGET;
	if (policy_rule_is_unread(rule, question))
		return POLICY_LIMIT_CLAIMS;
	if (policy_rule_find_claim(rule, question) != NULL)
		return POLICY_LIMIT_CLAIM;
	if (!are_claims_good(rule, question))
		return POLICY_LIMIT_CLAIMS;
	if (question->is_token_like && rule->mode != POLICY_CLAIMS_ANY)
		return POLICY_LIMIT_TOKEN_LIKE;
	if (rule->max_size > 0 && question->size > rule->max_size)
		return POLICY_LIMIT_SIZE;
	return is_hour_good(rule, question) ? POLICY_LIMIT_NONE : POLICY_LIMIT_HOURS;
}

const char *policy_rule_get_refusal(enum policy_limit limit)
{
	switch (limit) {
	case POLICY_LIMIT_AUDIENCE:
		return POLICY_REFUSED_AUDIENCE;
	case POLICY_LIMIT_TARGET:
		return POLICY_REFUSED_TARGET;
	case POLICY_LIMIT_CLAIM:
		return POLICY_REFUSED_CLAIM;
	case POLICY_LIMIT_CLAIMS:
		return POLICY_REFUSED_CLAIMS;
	case POLICY_LIMIT_TOKEN_LIKE:
		return POLICY_REFUSED_TOKEN_LIKE;
	case POLICY_LIMIT_SIZE:
		return POLICY_REFUSED_SIZE;
	case POLICY_LIMIT_HOURS:
		return POLICY_REFUSED_HOURS;
	case POLICY_LIMIT_NONE:
		break;
	}
	return NULL;
}
