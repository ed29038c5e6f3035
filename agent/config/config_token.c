/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `token "name" { … }`: which module, which token, and all that its worker will see. The
 * limits are those of struct token_open, which carries it there.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/text.h"

#define PIN_OFFICER    "officer"
#define PIN_FILE       "file:"
#define PIN_CREDENTIAL "credential:"

enum {
	DEADLINE_MAX_S = 60,
};

static const struct config_range sessions_range = {1, JOB_SESSIONS_MAX, 1};
static const struct config_range deadline_range = {1, DEADLINE_MAX_S, 5};

void config_token_deinit(struct token_spec *token)
{
	for (size_t i = 0; i < token->n_environment; i++)
		freep(&token->environment[i]);
	freep(&token->environment);
	freep(&token->pin_path);
	freep(&token->uri);
	freep(&token->module);
	freep(&token->name);
	token->n_environment = 0;
}

static enum status build_module(const struct config_build *build,
	const struct config_section *section, struct token_spec *token)
{
	const char *module = config_section_require(
		section, "module", "the path of a PKCS#11 module");
	struct config_why why;

	if (module == NULL)
		return STATUS_OK;
	if (module[0] != '/' || strlen(module) >= JOB_PATH_MAX)
		config_section_refuse(
			section, "module", 0, "an absolute path of at most 511 bytes");
	else if (!build->world->is_module(module, &why))
		config_section_say(section, "module", "%s", why.text);
	return text_copy(bytes_from_text(module), &token->module);
}

static enum status build_uri(
	const struct config_section *section, struct token_spec *token)
{
	const char *uri = config_section_require(section, "uri", "a PKCS#11 URI");
	const char *wrong;

	if (uri == NULL)
		return STATUS_OK;
	wrong = config_uri_judge_token(uri);
	if (wrong != NULL)
		config_section_refuse(section, "uri", 0, wrong);
	return text_copy(bytes_from_text(uri), &token->uri);
}

/* The length of NAME in NAME=VALUE, 0 when it is no name of a variable. */
static size_t variable_name_len(const char *variable)
{
	const size_t len = strspn(variable,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	if (variable[len] != '=' || (variable[0] >= '0' && variable[0] <= '9'))
		return 0;
	return len;
}

/* LD_PRELOAD and its kin load other code; PATH is set by the broker. */
static bool is_variable_refused(const char *variable)
{
	return strncmp(variable, "LD_", 3) == 0 || strncmp(variable, "PATH=", 5) == 0;
}

static bool has_variable(const struct token_spec *token, const char *name, size_t len)
{
	for (size_t i = 0; i < token->n_environment; i++) {
		if (strncmp(token->environment[i], name, len + 1) == 0)
			return true;
	}
	return false;
}

static const char *judge_variable(const struct token_spec *token, const char *variable)
{
	const size_t len = variable_name_len(variable);

	if (len == 0)
		return "NAME=VALUE";
	if (strlen(variable) >= JOB_VARIABLE_MAX)
		return "NAME=VALUE of at most 255 bytes";
	if (is_variable_refused(variable))
		return "no LD_ variable and not PATH";
	if (has_variable(token, variable, len))
		return "each variable once";
	return NULL;
}

static enum status build_environment(
	const struct config_section *section, struct token_spec *token)
{
	const size_t n = config_section_size(section, "environment");

	if (n == 0 ||
		!config_section_is_few(section, "environment", JOB_ENVIRONMENT_MAX))
		return STATUS_OK;
	token->environment = calloc(n, sizeof(token->environment[0]));
	if (token->environment == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		const char *variable = config_section_get(section, "environment", i);
		const char *wrong = judge_variable(token, variable);

		if (wrong != NULL)
			config_section_refuse(section, "environment", i, wrong);
		TRY(text_copy(bytes_from_text(variable), &token->environment[i]));
		token->n_environment = i + 1;
	}
	return STATUS_OK;
}

static enum status build_pin_file(const struct config_build *build,
	const struct config_section *section, const char *path,
	struct token_spec *token)
{
	struct config_why why;

	token->pin = TOKEN_PIN_FILE;
	if (path[0] != '/' || strlen(path) >= CONFIG_PATH_MAX)
		config_section_refuse(section, "pin", 0,
			"file: with an absolute path of at most 511 bytes");
	else if (!build->world->is_pin_file(path, &why))
		config_section_say(section, "pin", "%s", why.text);
	return text_copy(bytes_from_text(path), &token->pin_path);
}

static enum status build_pin(const struct config_build *build,
	const struct config_section *section, struct token_spec *token)
{
	const char *pin = config_section_get(section, "pin", 0);

	token->pin = TOKEN_PIN_OFFICER;
	if (pin == NULL || strcmp(pin, PIN_OFFICER) == 0)
		return STATUS_OK;
	if (strncmp(pin, PIN_FILE, strlen(PIN_FILE)) == 0)
		return build_pin_file(build, section, pin + strlen(PIN_FILE), token);
	/* Whatever else stands here may be a PIN: it is never shown. */
	if (strncmp(pin, PIN_CREDENTIAL, strlen(PIN_CREDENTIAL)) == 0)
		config_section_say(section, "pin",
			"credential: not supported yet by this version");
	else
		config_section_say(section, "pin",
			"expected \"officer\" or \"file:/path\", and never the PIN "
			"itself");
	return STATUS_OK;
}

static enum status build_one(const struct config_build *build,
	const struct config_section *section, struct token_spec *token)
{
	TRY(text_copy(bytes_from_text(section->title), &token->name));
	TRY(build_module(build, section, token));
	TRY(build_uri(section, token));
	TRY(build_environment(section, token));
	TRY(build_pin(build, section, token));
	token->n_sessions = config_section_number(section, "sessions", sessions_range);
	token->deadline_ms =
		config_section_number(section, "deadline", deadline_range) * 1000;
	return STATUS_OK;
}

enum status config_token_build(
	const struct config_build *build, const struct config_section *root)
{
	const size_t n = config_section_count(root, "token");
	struct config *config = build->config;

	if (n == 0 || !config_section_is_few(root, "token", CONFIG_TOKENS_MAX))
		return STATUS_OK;
	config->tokens = calloc(n, sizeof(config->tokens[0]));
	if (config->tokens == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		const struct config_section section =
			config_section_inner(root, "token", i);

		config->n_tokens = i + 1;
		TRY(build_one(build, &section, &config->tokens[i]));
	}
	return STATUS_OK;
}
