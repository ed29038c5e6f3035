/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `allow "name" { … }`: what a client may have sealed. The section goes into the policy;
 * this room only says in words of the file why the policy would refuse it.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "policy/policy_pattern.h"

static const struct config_range size_range = {1, 65536, 0};
static const struct config_range rate_range = {1, 100000, 0};

/* Words that some profiles have nothing for; those about claims are config_claim.c's. */
static const struct {
	const char *word;
	enum policy_word needs;
	const char *what;
} profile_words[] = {
	{"audience", POLICY_WORD_AUDIENCE, "audience"},
	{"audience-file", POLICY_WORD_AUDIENCE, "audience"},
	{"max-size", POLICY_WORD_SIZE, "size of its own"},
	{"target", POLICY_WORD_TARGET, "HTTP target"},
};

static void config_rule_deinit(struct config_rule *rule)
{
	freep(&rule->hours);
	freep(&rule->targets);
	freep(&rule->values);
	freep(&rule->claims);
	freep(&rule->audiences);
	buf_deinit(&rule->list);
}

static void judge_profile(
	const struct config_section *section, struct config_rule *rule)
{
	rule->profile = policy_profile_find(rule->spec.profile);
	if (rule->profile == NULL) {
		config_section_refuse(
			section, "profile", 0, "a profile: dsgo-auth, jws or digest");
		return;
	}
	if (!rule->profile->is_supported)
		config_section_say(section, "profile",
			"%s: not supported yet by this version", rule->profile->name);
	for (size_t i = 0; i < ARRAY_LEN(profile_words); i++) {
		const char *word = profile_words[i].word;

		if (config_section_size(section, word) > 0 &&
			!policy_profile_takes(rule->profile, profile_words[i].needs))
			config_section_say(section, word,
				"profile %s has no %s, so this would limit nothing",
				rule->profile->name, profile_words[i].what);
	}
}

static void build_what(const struct config_build *build,
	const struct config_section *section, struct config_rule *rule)
{
	struct policy_rule_spec *spec = &rule->spec;

	spec->name = section->title;
	spec->key = config_section_require(section, "key", "the name of a key");
	if (spec->key != NULL && !config_key_is_known(build->config, spec->key))
		config_section_refuse(section, "key", 0, "the name of a key section");
	spec->profile =
		config_section_require(section, "profile", "the name of a profile");
	if (spec->profile != NULL)
		judge_profile(section, rule);
	if (policy_is_reserved(spec->name))
		config_section_say(section, NULL,
			"expected another name: the record uses this one for refusals");
}

static void build_numbers(
	const struct config_section *section, struct config_rule *rule)
{
	struct policy_rate *rate = &rule->spec.rate;
	struct config_range burst_range = rate_range;

	rule->spec.max_size = config_section_number(section, "max-size", size_range);
	rate->per_second = config_section_number(section, "rate", rate_range);
	burst_range.otherwise = rate->per_second;
	rate->burst = config_section_number(section, "burst", burst_range);
	rate->concurrent = config_section_number(section, "concurrent", rate_range);
	if (config_section_size(section, "burst") > 0 &&
		config_section_size(section, "rate") == 0)
		config_section_say(section, "burst",
			"expected rate too: burst is how many of it may come at once");
}

static enum status build_targets(
	const struct config_section *section, struct config_rule *rule)
{
	const size_t n = config_section_size(section, "target");

	if (n == 0 || !config_section_is_few(section, "target", CONFIG_TARGETS_MAX))
		return STATUS_OK;
	rule->targets = calloc(n, sizeof(rule->targets[0]));
	if (rule->targets == NULL)
		return STATUS_NO_MEMORY;
	rule->spec.targets = rule->targets;
	rule->spec.n_targets = n;
	for (size_t i = 0; i < n; i++) {
		rule->targets[i] = config_section_get(section, "target", i);
		if (!policy_pattern_is_target(rule->targets[i]))
			config_section_refuse(section, "target", i,
				"a method or *, a space and a pattern without spaces, "
				"at most 1024 characters");
	}
	return STATUS_OK;
}

enum status config_rule_build(const struct config_build *build,
	const struct config_section *section, const char *client)
{
	CLEANUP(config_rule_deinit)
	struct config_rule rule = {.list = BUF_INIT(CONFIG_LIST_MAX)};
	const size_t n_errors = build->report->n_errors;
	enum status status;

	build_what(build, section, &rule);
	build_numbers(section, &rule);
	TRY(config_audience_build(build, section, &rule));
	TRY(config_claim_build(section, &rule));
	TRY(build_targets(section, &rule));
	TRY(config_hours_build(section, &rule));
	if (build->report->n_errors > n_errors || client == NULL)
		return STATUS_OK;
	status = policy_add_rule(build->config->policy, client, &rule.spec);
	if (status != STATUS_BAD_CONFIG)
		return status;
	config_section_say(section, NULL, "the policy refuses this rule");
	return STATUS_OK;
}
