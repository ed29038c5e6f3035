/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_explain.h"

#include <string.h>

#include "policy_client.h"
#include "policy_describe.h"

enum {
	WORDS_MAX = 64 * 1024, /* hours and values are what the configuration holds */
	RULES_SHOWN = 16,      /* so that a text has a limit; the rest is counted */
	MASTERS_SHOWN = 4,
};

/* text: NULL for none. */
static enum status append_found(struct buf *out, const char *text)
{
	TRY(buf_append_text(out, ", found "));
	return text == NULL ? buf_append_text(out, "nothing")
			    : policy_describe_text(out, text);
}

static enum status append_expected(struct buf *out, const char *const *texts, size_t n)
{
	if (n == 0)
		return buf_append_text(out, "expected none: the list is empty");
	if (n > 1)
		return buf_append_format(out, "expected one of %zu", n);
	TRY(buf_append_text(out, "expected "));
	return policy_describe_text(out, texts[0]);
}

static enum status append_target(struct buf *out, const struct policy_rule *rule,
	const struct policy_question *question)
{
	TRY(append_expected(out, (const char *const *)rule->targets, rule->n_targets));
	if (question->method == NULL || question->target == NULL)
		return append_found(out, NULL);
	TRY(append_found(out, question->method));
	TRY(buf_append_text(out, " "));
	return policy_describe_text(out, question->target);
}

static enum status append_claim(struct buf *out, const struct policy_rule *rule,
	const struct policy_question *question)
{
	const struct policy_claim *claim = policy_rule_find_claim(rule, question);

	must(claim != NULL);
	TRY(policy_describe_text(out, claim->pointer));
	TRY(buf_append_text(out, ": expected "));
	TRY(policy_describe_claim(out, claim));
	TRY(buf_append_text(out, ", found "));
	return policy_describe_value(out, policy_claim_find(claim, question->claims));
}

static enum status append_claims(struct buf *out, const struct policy_rule *rule,
	const struct policy_question *question)
{
	if (policy_rule_is_unread(rule, question))
		return buf_append_text(
			out, "expected a payload that is a JSON object, found another");
	TRY(buf_append_text(
		out, rule->mode == POLICY_CLAIMS_NONE
			     ? "expected none"
			     : "expected only those that a claim section names"));
	return append_found(out, policy_rule_find_other_claim(rule, question));
}

static enum status append_hours(struct buf *out, const struct policy_rule *rule,
	const struct policy_question *question)
{
	TRY(buf_append_text(out, "expected "));
	TRY(policy_describe_hours(out, rule));
	TRY(buf_append_text(out, ", found "));
	return policy_describe_minute(out, question->week_minute);
}

static enum status append_words(struct buf *out, const struct policy_rule *rule,
	const struct policy_question *question, enum policy_limit limit)
{
	switch (limit) {
	case POLICY_LIMIT_AUDIENCE:
		TRY(append_expected(out, rule->audiences, rule->n_audiences));
		return append_found(out, question->audience);
	case POLICY_LIMIT_TARGET:
		return append_target(out, rule, question);
	case POLICY_LIMIT_CLAIM:
		return append_claim(out, rule, question);
	case POLICY_LIMIT_CLAIMS:
		return append_claims(out, rule, question);
	case POLICY_LIMIT_TOKEN_LIKE:
		return buf_append_text(out,
			"expected what could not pass as a token of DSGO or iSHARE");
	case POLICY_LIMIT_SIZE:
		return buf_append_format(out, "expected at most %zu bytes, found %zu",
			rule->max_size, question->size);
	case POLICY_LIMIT_HOURS:
		return append_hours(out, rule, question);
	case POLICY_LIMIT_NONE:
		break;
	}
	return STATUS_OK;
}

static enum status append_rule(struct buf *out, const struct policy_rule *rule,
	const struct policy_question *question)
{
	const enum policy_limit limit = policy_rule_judge(rule, question);

	TRY(buf_append_format(out, "rule \"%s\": ", rule->name));
	if (limit == POLICY_LIMIT_NONE)
		return buf_append_text(out, "allowed\n");
	TRY(buf_append_format(out, "%s: ", policy_rule_get_refusal(limit)));
	TRY(append_words(out, rule, question, limit));
	return buf_append_text(out, "\n");
}

static enum status append_verdict(struct buf *out, const struct policy_verdict *verdict)
{
	if (verdict->status == STATUS_OK) {
		TRY(buf_append_format(out, "allowed by rule \"%s\"", verdict->rule));
		TRY(policy_describe_rate(out, verdict->rate));
		return buf_append_text(out, "\n");
	}
	if (verdict->client[0] == '\0')
		return buf_append_format(
			out, "refused: %s: no client section fits\n", verdict->rule);
	if (verdict->nearest[0] == '\0')
		return buf_append_format(out,
			"refused: %s: none is for this key and profile\n",
			verdict->rule);
	return buf_append_format(out, "refused: %s: rule \"%s\" came nearest\n",
		verdict->rule, verdict->nearest);
}

/* With the same key: a refusal here means little then. */
static enum status append_masters(
	struct buf *out, const struct policy_client *client, const char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < policy_count_rules(client); i++) {
		struct policy_rule_view view;

		policy_get_rule(client, i, &view);
		if (!view.is_master || strcmp(view.key, key) != 0 ||
			n++ >= MASTERS_SHOWN)
			continue;
		TRY(buf_append_format(out,
			"warning: rule \"%s\" (%s) contains every other kind of seal "
			"with this key\n",
			view.name, view.profile));
	}
	return n <= MASTERS_SHOWN
		       ? STATUS_OK
		       : buf_append_format(out, "warning: and %zu more such rules\n",
				 n - MASTERS_SHOWN);
}

/* The first ones, and whichever the verdict names. */
static enum status append_rules(struct buf *out, const struct policy_client *client,
	const struct policy_question *question, const struct policy_verdict *verdict)
{
	const struct policy_range range =
		policy_client_find(client, question->key, question->profile);
	const char *named =
		verdict->status == STATUS_OK ? verdict->rule : verdict->nearest;
	size_t n_hidden = 0;

	for (size_t i = range.begin; i < range.end; i++) {
		const struct policy_rule *rule = &client->rules[i];

		if (i - range.begin < RULES_SHOWN || strcmp(rule->name, named) == 0)
			TRY(append_rule(out, rule, question));
		else
			n_hidden++;
	}
	return n_hidden == 0 ? STATUS_OK
			     : buf_append_format(out,
				       "and %zu more rules for this key and profile\n",
				       n_hidden);
}

static enum status append_all(const struct policy_client *client,
	const struct policy_question *question, struct buf *out)
{
	const struct policy_verdict verdict = policy_decide(client, question);

	if (client != NULL)
		TRY(append_rules(out, client, question, &verdict));
	TRY(append_verdict(out, &verdict));
	return append_masters(out, client, question->key);
}

enum status policy_explain(const struct policy_client *client,
	const struct policy_question *question, struct buf *out)
{
	const size_t len = out->len;
	const enum status status = append_all(client, question, out);

	if (status != STATUS_OK)
		out->len = len;
	return status;
}
