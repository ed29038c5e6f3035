/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `client "name" { … }`: who may seal, and what. The section goes straight into the
 * policy; this room only says in words of the file why the policy would refuse it.
 */
#include "internal.h"

#include <string.h>

#include "util/text.h"

enum {
	/* Whoever cannot be named is this user: the kernel's overflow uid, "nobody". */
	UID_NOBODY = 65534,
};

struct profile {
	const char *name;
	bool has_audience;
	bool is_supported;
};

static const struct profile profiles[] = {
	{"dsgo-auth", true, true},
	{"digest", false, true},
	{"dsgo-nr", true, false},
	{"jws", false, true},
	{"jades", false, false},
	{"jades-http", false, false},
	{"cades", false, false},
};

static const struct profile *find_profile(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	}
	return NULL;
}

static void judge_profile(const struct config_section *section, const char *name)
{
	const struct profile *profile = find_profile(name);

	if (profile == NULL) {
		config_section_refuse(
			section, "profile", 0, "a profile: dsgo-auth or digest");
		return;
	}
	if (!profile->is_supported)
		config_section_say(section, "profile",
			"%s: not supported yet by this version", profile->name);
	if (!profile->has_audience && config_section_size(section, "audience") > 0)
		config_section_say(section, "audience",
			"profile %s has no audience, so this would limit nothing",
			profile->name);
}

static bool is_audience_earlier(
	const struct policy_rule_spec *rule, const char *audience)
{
	for (size_t i = 0; i < rule->n_audiences; i++) {
		if (strcmp(rule->audiences[i], audience) == 0)
			return true;
	}
	return false;
}

/* Fills audiences (room for CONFIG_AUDIENCES_MAX), which rule borrows. */
static void build_audiences(const struct config_section *section,
	struct policy_rule_spec *rule, const char **audiences)
{
	const size_t n = config_section_size(section, "audience");

	rule->audiences = audiences;
	if (!config_section_is_few(section, "audience", CONFIG_AUDIENCES_MAX))
		return;
	for (size_t i = 0; i < n; i++) {
		const char *audience = config_section_get(section, "audience", i);

		if (!text_is_identifier(bytes_from_text(audience), AUDIENCE_MAX_LEN))
			config_section_refuse(section, "audience", i,
				"1 to 256 printable ASCII characters without space");
		if (is_audience_earlier(rule, audience))
			config_section_refuse(
				section, "audience", i, "each audience once");
		audiences[i] = audience;
		rule->n_audiences = i + 1;
	}
}

static enum status build_rule(const struct config_build *build,
	const struct config_section *section, const char *client)
{
	const size_t n_errors = build->report->n_errors;
	const char *audiences[CONFIG_AUDIENCES_MAX];
	struct policy_rule_spec rule = {.name = section->title};
	enum status status;

	rule.key = config_section_require(section, "key", "the name of a key");
	if (rule.key != NULL && !config_key_is_known(build->config, rule.key))
		config_section_refuse(section, "key", 0, "the name of a key section");
	rule.profile =
		config_section_require(section, "profile", "the name of a profile");
	if (rule.profile != NULL)
		judge_profile(section, rule.profile);
	build_audiences(section, &rule, audiences);
	if (policy_is_reserved(rule.name))
		config_section_say(section, NULL,
			"expected another name: the record uses this one for refusals");
	if (build->report->n_errors > n_errors || client == NULL)
		return STATUS_OK;
	status = policy_add_rule(build->config->policy, client, &rule);
	if (status != STATUS_BAD_CONFIG)
		return status;
	config_section_say(section, NULL, "the policy refuses this rule");
	return STATUS_OK;
}

/* Sets is_added when the policy knows the client now. */
static enum status build_user(const struct config_build *build,
	const struct config_section *section, bool *is_added)
{
	const char *user =
		config_section_require(section, "user", "the name of a user");
	struct policy_client_spec spec = {
		.name = section->title, .has_user = true, .weight = 1};
	const char *rival = NULL;
	enum status status;

	if (user == NULL)
		return STATUS_OK;
	if (!build->world->has_user(user, &spec.user)) {
		config_section_refuse(section, "user", 0, "a user of this machine");
		return STATUS_OK;
	}
	if (spec.user == UID_NOBODY) {
		config_section_refuse(section, "user", 0,
			"a user of its own: uid 65534 is everyone that cannot be "
			"named");
		return STATUS_OK;
	}
	status = policy_add_client(build->config->policy, &spec, &rival);
	*is_added = status == STATUS_OK;
	if (status != STATUS_BAD_CONFIG)
		return status;
	config_section_say(section, "user",
		"ambiguous: client \"%s\" is the same user (uid %u)",
		rival == NULL ? "" : rival, (unsigned int)spec.user);
	return STATUS_OK;
}

static enum status build_one(
	const struct config_build *build, const struct config_section *section)
{
	const size_t n = config_section_count(section, "allow");
	bool is_added = false;

	TRY(build_user(build, section, &is_added));
	if (!config_section_is_few(section, "allow", CONFIG_RULES_MAX))
		return STATUS_OK;
	for (size_t i = 0; i < n; i++) {
		const struct config_section rule =
			config_section_inner(section, "allow", i);

		TRY(build_rule(build, &rule, is_added ? section->title : NULL));
	}
	return STATUS_OK;
}

enum status config_client_build(
	const struct config_build *build, const struct config_section *root)
{
	const size_t n = config_section_count(root, "client");

	if (!config_section_is_few(root, "client", CONFIG_CLIENTS_MAX))
		return STATUS_OK;
	for (size_t i = 0; i < n; i++) {
		const struct config_section section =
			config_section_inner(root, "client", i);

		TRY(build_one(build, &section));
	}
	return STATUS_OK;
}
