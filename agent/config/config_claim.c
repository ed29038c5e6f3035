/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rule says of claims: `claims` for all of them, and a section for each that has a
 * rule of its own, with its JSON pointer for a title:
 *
 *   claim "/scope" { must-be = "iSHARE" }
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_claim.h"
#include "policy/policy_pattern.h"

#define VALUE_EXPECTED                                                                 \
	"a text of at most 1024 characters, or json: and a scalar such as json:true"

/* Exactly one of these stands in a claim section. */
static const struct claim_word {
	const char *word;
	enum policy_claim_kind kind;
} claim_words[] = {
	{"must-be", POLICY_CLAIM_MUST_BE},
	{"may-be", POLICY_CLAIM_MAY_BE},
	{"absent", POLICY_CLAIM_ABSENT},
	{"matches", POLICY_CLAIM_MATCHES},
};

struct mode_word {
	const char *text;
	enum policy_claims mode;
	enum policy_word word; /* what a profile must take for it */
};

static const struct mode_word mode_words[] = {
	{"free", POLICY_CLAIMS_FREE, POLICY_WORD_CLAIM},
	{"listed", POLICY_CLAIMS_LISTED, POLICY_WORD_LISTED},
	{"none", POLICY_CLAIMS_NONE, POLICY_WORD_NONE},
	{"any", POLICY_CLAIMS_ANY, POLICY_WORD_ANY},
};

static const char *expected_modes(const struct policy_profile *profile)
{
	if (profile == NULL)
		return "free, listed, none or any";
	if (policy_profile_takes(profile, POLICY_WORD_ANY))
		return "free, listed or any for this profile";
	return "free, listed or none for this profile";
}

static void build_mode(const struct config_section *section, struct config_rule *rule)
{
	const char *text = config_section_get(section, "claims", 0);

	if (text == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(mode_words); i++) {
		const struct mode_word *word = &mode_words[i];

		if (strcmp(word->text, text) != 0 ||
			!policy_profile_takes(rule->profile, word->word))
			continue;
		rule->spec.claims = word->mode;
		return;
	}
	config_section_refuse(section, "claims", 0, expected_modes(rule->profile));
}

/* The one word of the section; NULL and an error when there is none or more. */
static const struct claim_word *find_word(const struct config_section *section)
{
	const struct claim_word *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(claim_words); i++) {
		if (config_section_size(section, claim_words[i].word) == 0)
			continue;
		found = &claim_words[i];
		n++;
	}
	if (n == 1)
		return found;
	config_section_say(section, NULL,
		"expected exactly one of must-be, may-be, absent and matches");
	return NULL;
}

/* Its values go behind those that are in rule->values already. */
static void build_values(const struct config_section *section,
	const struct claim_word *word, struct config_rule *rule,
	struct policy_claim_spec *claim)
{
	const size_t n = config_section_size(section, word->word);

	claim->values = &rule->values[rule->n_values];
	if (!config_section_is_few(section, word->word, CONFIG_VALUES_MAX))
		return;
	for (size_t i = 0; i < n; i++) {
		const char *value = config_section_get(section, word->word, i);

		if (!policy_claim_is_value(value))
			config_section_refuse(section, word->word, i, VALUE_EXPECTED);
		rule->values[rule->n_values++] = value;
		claim->n_values++;
	}
}

static void build_word(const struct config_section *section,
	const struct claim_word *word, struct config_rule *rule,
	struct policy_claim_spec *claim)
{
	const char *text = config_section_get(section, word->word, 0);

	claim->kind = word->kind;
	switch (word->kind) {
	case POLICY_CLAIM_ABSENT:
		if (strcmp(text, "true") != 0)
			config_section_refuse(section, word->word, 0,
				"true (without the section a claim is free)");
		return;
	case POLICY_CLAIM_MATCHES:
		if (strlen(text) > POLICY_PATTERN_MAX)
			config_section_refuse(section, word->word, 0,
				"a pattern of at most 256 characters");
		rule->values[rule->n_values] = text;
		claim->values = &rule->values[rule->n_values++];
		claim->n_values = 1;
		return;
	case POLICY_CLAIM_MUST_BE:
	case POLICY_CLAIM_MAY_BE:
		break;
	}
	build_values(section, word, rule, claim);
}

/* Of /aud/0 it is aud. */
static bool is_own_claim(const struct config_rule *rule, const char *pointer)
{
	const size_t len = strcspn(pointer + 1, "/");
	char name[POLICY_POINTER_MAX + 1];

	if (rule->profile == NULL || !rule->profile->has_identity)
		return false;
	(void)snprintf(name, sizeof(name), "%.*s", (int)len, pointer + 1);
	return policy_profile_is_own_claim(name);
}

static void build_claim(const struct config_section *section, struct config_rule *rule,
	struct policy_claim_spec *claim)
{
	const struct claim_word *word = find_word(section);

	claim->pointer = section->title;
	if (!policy_claim_is_pointer(section->title))
		config_section_say(section, NULL,
			"expected a JSON pointer of at most 256 characters and 16 "
			"names, such as /scope or /a/0 (~0 for ~, ~1 for /)");
	else if (is_own_claim(rule, section->title))
		config_section_say(section, NULL,
			"the agent says this claim itself: a rule about it would "
			"limit nothing");
	if (word != NULL)
		build_word(section, word, rule, claim);
}

/* How many values there can be in all sections. */
static size_t count_values(const struct config_section *section, size_t n)
{
	size_t n_values = 0;

	for (size_t i = 0; i < n; i++) {
		const struct config_section inner =
			config_section_at(section, "claim", i);

		for (size_t j = 0; j < ARRAY_LEN(claim_words); j++)
			n_values += config_section_size(&inner, claim_words[j].word);
	}
	return n_values;
}

static enum status build_sections(
	const struct config_section *section, struct config_rule *rule, size_t n)
{
	rule->claims = calloc(n, sizeof(rule->claims[0]));
	rule->values = calloc(count_values(section, n) + 1, sizeof(rule->values[0]));
	if (rule->claims == NULL || rule->values == NULL)
		return STATUS_NO_MEMORY;
	rule->spec.claim_specs = rule->claims;
	rule->spec.n_claim_specs = n;
	for (size_t i = 0; i < n; i++) {
		const struct config_section inner =
			config_section_at(section, "claim", i);

		build_claim(&inner, rule, &rule->claims[i]);
	}
	return STATUS_OK;
}

enum status config_claim_build(
	const struct config_section *section, struct config_rule *rule)
{
	const size_t n = config_section_count(section, "claim");
	const bool is_limited = n > 0 || config_section_size(section, "claims") > 0;

	if (is_limited && !policy_profile_takes(rule->profile, POLICY_WORD_CLAIM)) {
		config_section_say(section, n > 0 ? NULL : "claims",
			"profile %s has no claims, so a rule about them would limit "
			"nothing",
			rule->profile->name);
		return STATUS_OK;
	}
	build_mode(section, rule);
	if (rule->spec.claims == POLICY_CLAIMS_NONE && n > 0)
		config_section_say(section, "claims",
			"none: then there is no claim for a claim section");
	if (n == 0 || !config_section_is_few(section, "claim", CONFIG_CLAIMS_MAX))
		return STATUS_OK;
	return build_sections(section, rule, n);
}
