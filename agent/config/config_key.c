/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `key "name" { … }`: what clients ask for by name, the tokens that hold it, and the
 * certificate that goes with each.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

static void on_deinit(struct key_on_spec *on)
{
	freep(&on->certificate);
	freep(&on->uri);
	freep(&on->token);
}

void config_key_deinit(struct key_spec *key)
{
	for (size_t i = 0; i < key->n_on; i++)
		on_deinit(&key->on[i]);
	freep(&key->on);
	freep(&key->identifier);
	freep(&key->name);
	key->n_on = 0;
}

static bool has_token(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_tokens; i++) {
		if (strcmp(config->tokens[i].name, name) == 0)
			return true;
	}
	return false;
}

static enum status build_uri(
	const struct config_section *section, struct key_on_spec *on)
{
	const char *uri = config_section_require(section, "uri", "a PKCS#11 URI");
	const char *wrong;

	if (uri == NULL)
		return STATUS_OK;
	wrong = config_uri_judge_key(uri);
	if (wrong != NULL)
		config_section_refuse(section, "uri", 0, wrong);
	return text_copy(bytes_from_text(uri), &on->uri);
}

/* Whether a component of path is "..": it would leave the state directory. */
static bool has_way_up(const char *path)
{
	while (*path != '\0') {
		const size_t len = strcspn(path, "/");

		if (len == 2 && memcmp(path, "..", 2) == 0)
			return true;
		path += len;
		path += strspn(path, "/");
	}
	return false;
}

bool config_key_is_known(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_keys; i++) {
		if (strcmp(config->keys[i].name, name) == 0)
			return true;
	}
	return false;
}

static enum status build_certificate(const struct config_build *build,
	const struct config_section *section, struct key_on_spec *on)
{
	const char *name = config_section_require(
		section, "certificate", "the path of a PEM file");
	struct config_why why;
	char path[CONFIG_PATH_MAX];
	int len;

	if (name == NULL)
		return STATUS_OK;
	len = name[0] == '/' ? snprintf(path, sizeof(path), "%s", name)
			     : snprintf(path, sizeof(path), "%s/%s",
				       build->config->state_directory, name);
	if (len < 0 || (size_t)len >= sizeof(path) || name[0] == '\0' ||
		has_way_up(name))
		config_section_refuse(section, "certificate", 0,
			"a path of at most 511 bytes without ..");
	else if (!build->world->is_certificate(path, &why))
		config_section_say(section, "certificate", "%s", why.text);
	return text_copy(bytes_from_text(path), &on->certificate);
}

static enum status build_on(const struct config_build *build,
	const struct config_section *section, struct key_on_spec *on)
{
	if (!has_token(build->config, section->title))
		config_section_say(section, NULL, "there is no token of this name");
	TRY(text_copy(bytes_from_text(section->title), &on->token));
	TRY(build_uri(section, on));
	return build_certificate(build, section, on);
}

/* libconfuse refuses two sections of one title, so no token comes twice. */
static enum status build_places(const struct config_build *build,
	const struct config_section *section, struct key_spec *key)
{
	const size_t n = config_section_count(section, "on");

	if (n == 0)
		config_section_say(
			section, NULL, "expected at least one on \"TOKEN\" { … }");
	if (n == 0 || !config_section_is_few(section, "on", CONFIG_ON_MAX))
		return STATUS_OK;
	key->on = calloc(n, sizeof(key->on[0]));
	if (key->on == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		const struct config_section inner =
			config_section_inner(section, "on", i);

		key->n_on = i + 1;
		TRY(build_on(build, &inner, &key->on[i]));
	}
	return STATUS_OK;
}

static enum status build_one(const struct config_build *build,
	const struct config_section *section, struct key_spec *key)
{
	const char *identifier = config_section_get(section, "identifier", 0);

	TRY(text_copy(bytes_from_text(section->title), &key->name));
	TRY(build_places(build, section, key));
	key->has_root = config_section_flag(section, "x5c-root", false);
	if (identifier == NULL)
		return STATUS_OK;
	if (!text_is_identifier(bytes_from_text(identifier), AUDIENCE_MAX_LEN))
		config_section_refuse(section, "identifier", 0,
			"1 to 256 printable ASCII characters without space");
	return text_copy(bytes_from_text(identifier), &key->identifier);
}

enum status config_key_build(
	const struct config_build *build, const struct config_section *root)
{
	const size_t n = config_section_count(root, "key");
	struct config *config = build->config;

	if (n == 0 || !config_section_is_few(root, "key", CONFIG_KEYS_MAX))
		return STATUS_OK;
	config->keys = calloc(n, sizeof(config->keys[0]));
	if (config->keys == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		const struct config_section section =
			config_section_inner(root, "key", i);

		config->n_keys = i + 1;
		TRY(build_one(build, &section, &config->keys[i]));
	}
	return STATUS_OK;
}
