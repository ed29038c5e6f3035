/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From texts to one value. Sections are judged in the order in which they refer to each
 * other: tokens, keys on tokens, a key for the record, clients with rules for keys.
 */
#include "internal.h"

#include <stdlib.h>

#include "util/text.h"

static const struct config_range min_left_range = {1, 25, 5};
static const struct config_range line_max_range = {1, 100000, 1000};

#define STATE_DIRECTORY "/var/lib/zegel"

void config_freep(struct config **config)
{
	struct config *old = *config;

	*config = NULL;
	if (old == NULL)
		return;
	for (size_t i = 0; i < old->n_listens; i++)
		config_listen_deinit(&old->listens[i]);
	config_listen_deinit(&old->officer);
	config_record_deinit(&old->record);
	for (size_t i = 0; i < old->n_tokens; i++)
		config_token_deinit(&old->tokens[i]);
	for (size_t i = 0; i < old->n_keys; i++)
		config_key_deinit(&old->keys[i]);
	policy_freep(&old->policy);
	free(old->listens);
	free(old->tokens);
	free(old->keys);
	free(old->state_directory);
	free(old);
}

static enum status build_root(
	const struct config_build *build, const struct config_section *root)
{
	const char *directory = config_section_get(root, "state-directory", 0);

	if (directory == NULL)
		directory = STATE_DIRECTORY;
	else if (directory[0] != '/')
		config_section_refuse(root, "state-directory", 0, "an absolute path");
	build->config->min_left_s =
		config_section_number(root, "min-left", min_left_range);
	build->config->line_max =
		config_section_number(root, "line-max", line_max_range);
	return text_copy(bytes_from_text(directory), &build->config->state_directory);
}

static enum status build_all(
	const struct config_build *build, const struct config_section *root)
{
	TRY(build_root(build, root));
	TRY(policy_new(&build->config->policy));
	TRY(config_listen_build(build, root));
	TRY(config_token_build(build, root));
	TRY(config_key_build(build, root));
	TRY(config_record_build(build, root));
	return config_client_build(build, root);
}

static enum status build_texts(const struct config_source *sources, size_t n_sources,
	const struct config_build *build)
{
	CLEANUP(config_parse_freep) cfg_t *cfg = NULL;
	struct config_section root;

	for (size_t i = 0; i < n_sources; i++)
		TRY(config_hash_put(build->hash, &sources[i]));
	TRY(config_parse(sources, n_sources, build->report, &cfg));
	root = config_section_root(cfg, build->report);
	TRY(build_all(build, &root));
	if (build->report->n_errors > 0)
		return STATUS_BAD_CONFIG;
	return config_hash_finish(build->hash, build->config->hash);
}

enum status config_build_texts(const struct config_source *sources, size_t n_sources,
	const struct config_world *world, struct buf *errors, struct config **out)
{
	CLEANUP(config_freep) struct config *config = calloc(1, sizeof(*config));
	struct config_report report = {.errors = errors};
	CLEANUP(config_hash_deinit) struct config_hash hash = {.ctx = NULL};
	const struct config_build build = {config, world, &report, &hash};
	enum status status;

	if (config == NULL)
		return STATUS_NO_MEMORY;
	TRY(config_hash_init(&hash));
	status = build_texts(sources, n_sources, &build);
	config_report_finish(&report);
	TRY(status);
	*out = TAKE(config);
	return STATUS_OK;
}
