/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration is refused with words, or given whole. The machine is one where every
 * user, group and file is there, so that nothing outside memory is touched.
 */
#include <stdio.h>
#include <string.h>

#include "config/internal.h"
#include "policy/policy_describe.h"

enum {
	ERRORS_MAX = 1 << 16,
	WORDS_MAX = 1 << 26,
};

static bool has_user(const char *name, uid_t *out)
{
	*out = (uid_t)(name[0] * 256 + (name[0] == '\0' ? 0 : name[1]));
	return true;
}

static bool has_group(const char *name, gid_t *out)
{
	*out = (gid_t)name[0];
	return true;
}

static bool is_good(const char *path, struct config_why *why)
{
	(void)snprintf(why->text, sizeof(why->text), "is no path");
	return path[0] == '/';
}

/* Its own path, a line for each folder: good and bad lines both. */
static bool read_list(const char *path, struct buf *out, struct config_why *why)
{
	(void)snprintf(why->text, sizeof(why->text), "does not fit");
	for (; *path != '\0'; path++) {
		const char c = *path == '/' ? '\n' : *path;

		if (buf_append(out, (struct bytes){(const uint8_t *)&c, 1}) !=
			STATUS_OK)
			return false;
	}
	return true;
}

static const struct config_world world = {
	has_user, has_group, is_good, is_good, is_good, read_list};

/* Every rule can be put in words, and they can be shown anywhere. */
static void check_policy(const struct policy *policy)
{
	for (size_t i = 0; i < policy_get_n_clients(policy); i++) {
		CLEANUP(buf_deinit) struct buf out = BUF_INIT(WORDS_MAX);

		must(policy_describe(policy_get_client_at(policy, i), &out) ==
			STATUS_OK);
		for (size_t j = 0; j < out.len; j++)
			must(out.p[j] == '\n' || (out.p[j] >= ' ' && out.p[j] <= '~'));
	}
}

static void check_whole(const struct config *config)
{
	must(config->state_directory != NULL && config->policy != NULL);
	must(config->n_listens > 0 && config->min_left_s >= 1 && config->line_max >= 1);
	must(config->officer.path != NULL && config->record.directory[0] == '/');
	for (size_t i = 0; i < config->n_listens; i++)
		must(strcmp(config->listens[i].path, config->officer.path) != 0);
	for (size_t i = 0; i < config->n_listens; i++)
		must((config->listens[i].mode & ~(mode_t)0666) == 0);
	for (size_t i = 0; i < config->n_tokens; i++) {
		const struct token_spec *token = &config->tokens[i];

		must(token->module[0] == '/' && strlen(token->uri) < JOB_URI_MAX);
		must(token->n_environment <= JOB_ENVIRONMENT_MAX);
		must(token->n_sessions >= 1 && token->n_sessions <= JOB_SESSIONS_MAX);
	}
	for (size_t i = 0; i < config->n_keys; i++) {
		const struct key_spec *key = &config->keys[i];

		must(key->n_on > 0);
		for (size_t j = 0; j < key->n_on; j++)
			must(key->on[j].certificate[0] == '/');
	}
}

/* The input is one file, or two with a line of "---" between. */
static size_t split(struct bytes text, struct config_source sources[2])
{
	static const char line[] = "\n---\n";
	const size_t len = sizeof(line) - 1;
	const uint8_t *at = text.len == 0 ? NULL : memmem(text.p, text.len, line, len);

	sources[0] = (struct config_source){"1.conf", text};
	if (at == NULL)
		return 1;
	sources[0].text.len = (size_t)(at - text.p);
	sources[1] = (struct config_source){
		"2.conf", {at + len, text.len - sources[0].text.len - len}};
	return 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	CLEANUP(config_freep) struct config *config = NULL;
	struct config_source sources[2];
	const size_t n_sources = split((struct bytes){data, len}, sources);
	const enum status status =
		config_build_texts(sources, n_sources, &world, &errors, &config);

	if (status == STATUS_OK) {
		must(errors.len == 0);
		check_whole(config);
		check_policy(config->policy);
		return 0;
	}
	must(config == NULL);
	if (status == STATUS_BAD_CONFIG)
		must(errors.len > 0 && errors.p[errors.len - 1] == '\n');
	return 0;
}
