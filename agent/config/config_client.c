/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `client "name" { … }`: who may seal. The section goes straight into the policy; this
 * room only says in words of the file why the policy would refuse it.
 */
#include "internal.h"

#include <string.h>

#include "util/text.h"

enum {
	/* Whoever cannot be named is this user and group: the kernel's overflow id. */
	ID_NOBODY = 65534,
	UNIT_MAX_LEN = 255,
	LABEL_MAX_LEN = 255,
};

#define UNIT_CHARACTERS                                                                \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_.-@"

static const struct config_range weight_range = {1, 100, 1};

static void build_user(const struct config_build *build,
	const struct config_section *section, struct policy_client_spec *spec)
{
	const char *user = config_section_get(section, "user", 0);

	if (user == NULL)
		return;
	spec->has_user = true;
	if (!build->world->has_user(user, &spec->user))
		config_section_refuse(section, "user", 0, "a user of this machine");
	else if (spec->user == ID_NOBODY)
		config_section_refuse(section, "user", 0,
			"a user of its own: uid 65534 is everyone that cannot be "
			"named");
}

static void build_group(const struct config_build *build,
	const struct config_section *section, struct policy_client_spec *spec)
{
	const char *group = config_section_get(section, "group", 0);

	if (group == NULL)
		return;
	spec->has_group = true;
	if (!build->world->has_group(group, &spec->group))
		config_section_refuse(section, "group", 0, "a group of this machine");
	else if (spec->group == ID_NOBODY)
		config_section_refuse(section, "group", 0,
			"a group of its own: gid 65534 is every one that cannot be "
			"named");
}

static bool ends_in(const char *text, const char *end)
{
	const size_t len = strlen(text);
	const size_t end_len = strlen(end);

	/* Something stands before it, and not the @ of a template without its instance. */
	return len > end_len && strcmp(text + len - end_len, end) == 0 &&
	       text[len - end_len - 1] != '@';
}

/* What holds processes: no slice, timer or socket is where somebody connects from. */
static bool is_unit(const char *text)
{
	return strlen(text) <= UNIT_MAX_LEN &&
	       strspn(text, UNIT_CHARACTERS) == strlen(text) &&
	       (ends_in(text, ".service") || ends_in(text, ".scope"));
}

static void build_unit(
	const struct config_section *section, struct policy_client_spec *spec)
{
	spec->unit = config_section_get(section, "unit", 0);
	if (spec->unit != NULL && !is_unit(spec->unit))
		config_section_refuse(section, "unit", 0,
			"the name of a unit such as a.service, a@b.service or "
			"a.scope");
}

static void build_texts(
	const struct config_section *section, struct policy_client_spec *spec)
{
	spec->exe = config_section_get(section, "exe", 0);
	if (spec->exe != NULL &&
		(spec->exe[0] != '/' || strlen(spec->exe) >= CONFIG_PATH_MAX))
		config_section_refuse(
			section, "exe", 0, "an absolute path of at most 511 bytes");
	spec->label = config_section_get(section, "label", 0);
	if (spec->label != NULL &&
		(spec->label[0] == '\0' || strlen(spec->label) > LABEL_MAX_LEN))
		config_section_refuse(section, "label", 0, "1 to 255 characters");
}

static bool has_listen(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_listens; i++) {
		if (strcmp(config->listens[i].name, name) == 0)
			return true;
	}
	return false;
}

static void build_listen(const struct config_build *build,
	const struct config_section *section, struct policy_client_spec *spec)
{
	spec->listen = config_section_get(section, "listen", 0);
	if (spec->listen != NULL && !has_listen(build->config, spec->listen))
		config_section_refuse(
			section, "listen", 0, "the name of a listen section");
}

static bool asks_something(const struct policy_client_spec *spec)
{
	return spec->has_user || spec->has_group || spec->unit != NULL ||
	       spec->exe != NULL || spec->label != NULL || spec->listen != NULL;
}

/* Sets is_added when the policy knows the client now. */
static enum status build_who(const struct config_build *build,
	const struct config_section *section, bool *is_added)
{
	const size_t n_errors = build->report->n_errors;
	struct policy_client_spec spec = {.name = section->title};
	const char *rival = NULL;
	enum status status;

	build_user(build, section, &spec);
	build_group(build, section, &spec);
	build_unit(section, &spec);
	build_texts(section, &spec);
	build_listen(build, section, &spec);
	spec.weight = config_section_number(section, "weight", weight_range);
	if (!asks_something(&spec))
		config_section_say(section, NULL,
			"expected at least one of user, group, unit, exe, label and "
			"listen");
	if (build->report->n_errors > n_errors)
		return STATUS_OK;
	status = policy_add_client(build->config->policy, &spec, &rival);
	*is_added = status == STATUS_OK;
	if (status != STATUS_BAD_CONFIG)
		return status;
	config_section_say(section, NULL,
		"ambiguous: one process could be this client and client \"%s\"; "
		"expected a user, unit, exe, label or listen that differs",
		rival == NULL ? "" : rival);
	return STATUS_OK;
}

static enum status build_one(
	const struct config_build *build, const struct config_section *section)
{
	const size_t n = config_section_count(section, "allow");
	bool is_added = false;

	TRY(build_who(build, section, &is_added));
	if (!config_section_is_few(section, "allow", CONFIG_RULES_MAX))
		return STATUS_OK;
	for (size_t i = 0; i < n; i++) {
		const struct config_section rule =
			config_section_inner(section, "allow", i);

		TRY(config_rule_build(build, &rule, is_added ? section->title : NULL));
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
