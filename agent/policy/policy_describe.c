/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_describe.h"

#include <inttypes.h>
#include <stdlib.h>

#include "policy_client.h"
#include "util/log.h"

enum {
	SHOWN_MAX = 8, /* of a list; the rest is counted */
	DAY_MINUTES = 24 * 60,
};

static const char *const days[] = {"mo", "tu", "we", "th", "fr", "sa", "su"};

enum status policy_describe_text(struct buf *out, const char *text)
{
	return buf_append_format(out, "\"%s\"", log_text(bytes_from_text(text)).text);
}

static enum status append_scalar(struct buf *out, const json_t *value)
{
	CLEANUP(freep) char *text = json_dumps(value, JSON_ENCODE_ANY);

	return text == NULL ? STATUS_NO_MEMORY : buf_append_text(out, text);
}

enum status policy_describe_value(struct buf *out, const json_t *value)
{
	const struct bytes text = {
		(const uint8_t *)json_string_value(value), json_string_length(value)};

	if (value == NULL)
		return buf_append_text(out, "nothing");
	if (json_is_string(value))
		return buf_append_format(out, "\"%s\"", log_text(text).text);
	if (json_is_object(value))
		return buf_append_text(out, "an object");
	if (json_is_array(value))
		return buf_append_text(out, "an array");
	return append_scalar(out, value);
}

/* Between the items of a list; STATUS_OK and is_last when no more are shown. */
static enum status append_comma(struct buf *out, size_t i, size_t n, bool *is_last)
{
	*is_last = i == SHOWN_MAX;
	if (*is_last)
		return buf_append_format(out, " and %zu more", n - i);
	return i == 0 ? STATUS_OK : buf_append_text(out, ", ");
}

static enum status append_texts(struct buf *out, const char *const *texts, size_t n)
{
	bool is_last = false;

	for (size_t i = 0; i < n; i++) {
		TRY(append_comma(out, i, n, &is_last));
		if (is_last)
			break;
		TRY(policy_describe_text(out, texts[i]));
	}
	return STATUS_OK;
}

enum status policy_describe_claim(struct buf *out, const struct policy_claim *claim)
{
	bool is_last = false;

	if (claim->kind == POLICY_CLAIM_ABSENT)
		return buf_append_text(out, "nothing");
	if (claim->kind == POLICY_CLAIM_MATCHES) {
		TRY(buf_append_text(out, "a text that matches "));
		return policy_describe_text(out, claim->pattern);
	}
	if (claim->kind == POLICY_CLAIM_MAY_BE)
		TRY(buf_append_text(out, "nothing or one of "));
	for (size_t i = 0; i < claim->n_values; i++) {
		TRY(append_comma(out, i, claim->n_values, &is_last));
		if (is_last)
			break;
		TRY(policy_describe_value(out, claim->values[i]));
	}
	return STATUS_OK;
}

enum status policy_describe_minute(struct buf *out, uint32_t week_minute)
{
	const uint32_t minute = week_minute % DAY_MINUTES;

	return buf_append_format(out, "%s %02" PRIu32 ":%02" PRIu32,
		days[week_minute / DAY_MINUTES % ARRAY_LEN(days)], minute / 60,
		minute % 60);
}

/* Where they end at midnight, it is the end of that day and not the next one's begin. */
static enum status append_end(struct buf *out, const struct policy_hours *hours)
{
	const uint32_t day_begin = hours->from - hours->from % DAY_MINUTES;
	const uint32_t end = hours->to - day_begin;

	if (end <= DAY_MINUTES)
		return buf_append_format(
			out, "-%02" PRIu32 ":%02" PRIu32, end / 60, end % 60);
	TRY(buf_append_text(out, "-"));
	return policy_describe_minute(out, hours->to);
}

enum status policy_describe_hours(struct buf *out, const struct policy_rule *rule)
{
	for (size_t i = 0; i < rule->n_hours; i++) {
		if (i > 0)
			TRY(buf_append_text(out, ", "));
		TRY(policy_describe_minute(out, rule->hours[i].from));
		TRY(append_end(out, &rule->hours[i]));
	}
	return STATUS_OK;
}

enum status policy_describe_rate(struct buf *out, const struct policy_rate *rate)
{
	if (rate->per_second > 0)
		TRY(buf_append_format(out, "; rate %" PRIu32 "; burst %" PRIu32,
			rate->per_second, rate->burst));
	if (rate->concurrent == 0)
		return STATUS_OK;
	return buf_append_format(out, "; concurrent %" PRIu32, rate->concurrent);
}

static enum status append_audiences(struct buf *out, const struct policy_rule *rule)
{
	if (!rule->has_audiences)
		return STATUS_OK;
	TRY(buf_append_text(out, "; audience "));
	if (rule->n_audiences == 0)
		return buf_append_text(out, "none");
	return append_texts(out, rule->audiences, rule->n_audiences);
}

static enum status append_claims(struct buf *out, const struct policy_rule *rule)
{
	static const char *const modes[] = {
		[POLICY_CLAIMS_FREE] = "",
		[POLICY_CLAIMS_LISTED] = "; claims listed",
		[POLICY_CLAIMS_NONE] = "; claims none",
		[POLICY_CLAIMS_ANY] = "; claims any",
	};

	for (size_t i = 0; i < rule->n_claims; i++) {
		TRY(buf_append_text(out, "; claim "));
		TRY(policy_describe_text(out, rule->claims[i].pointer));
		TRY(buf_append_text(out, " is "));
		TRY(policy_describe_claim(out, &rule->claims[i]));
	}
	return buf_append_text(out, modes[rule->mode]);
}

static enum status append_rest(struct buf *out, const struct policy_rule *rule)
{
	if (rule->max_size > 0)
		TRY(buf_append_format(out, "; max-size %zu", rule->max_size));
	if (rule->n_targets > 0) {
		TRY(buf_append_text(out, "; target "));
		TRY(append_texts(
			out, (const char *const *)rule->targets, rule->n_targets));
	}
	if (rule->n_hours > 0) {
		TRY(buf_append_text(out, "; hours "));
		TRY(policy_describe_hours(out, rule));
	}
	TRY(policy_describe_rate(out, &rule->rate));
	if (policy_profile_is_master(rule->profile, rule->mode))
		TRY(buf_append_text(out, "; contains every other kind of seal"));
	return buf_append_text(out, "\n");
}

static enum status append_rule(struct buf *out, const struct policy_rule *rule)
{
	TRY(buf_append_format(out, "rule \"%s\": key %s; profile %s", rule->name,
		rule->key, rule->profile));
	TRY(append_audiences(out, rule));
	TRY(append_claims(out, rule));
	return append_rest(out, rule);
}

enum status policy_describe(const struct policy_client *client, struct buf *out)
{
	const size_t n = policy_count_rules(client);
	const size_t len = out->len;
	enum status status = STATUS_OK;

	for (size_t i = 0; i < n && status == STATUS_OK; i++)
		status = append_rule(out, &client->rules[i]);
	if (status != STATUS_OK)
		out->len = len;
	return status;
}
