/* SPDX-License-Identifier: Apache-2.0 */
/* The words at the top about the record: audit-… and checkpoint-… */
#include "internal.h"

#include <string.h>

#include "util/text.h"

#define AUDIT_DIRECTORY "/var/log/zegel"

enum {
	CHECKPOINT_LINES = 10000,
	CHECKPOINT_MINUTES = 60,
};

static const struct config_range rotate_range = {0, 1000000, 256};

static enum record_sync read_sync(const struct config_section *root)
{
	const char *sync = config_section_get(root, "audit-sync", 0);

	if (sync == NULL || strcmp(sync, "seal") == 0)
		return RECORD_SYNC_SEAL;
	if (strcmp(sync, "interval") != 0)
		config_section_refuse(root, "audit-sync", 0, "seal or interval");
	return RECORD_SYNC_INTERVAL;
}

/* Without a key there is nothing to seal a checkpoint with. */
static void refuse_alone(const struct config_section *root, const char *word)
{
	if (config_section_get(root, word, 0) != NULL)
		config_section_say(
			root, word, "without checkpoint-key there are no checkpoints");
}

static enum status build_checkpoints(const struct config_build *build,
	const struct config_section *root, struct record_spec *record)
{
	const char *key = config_section_get(root, "checkpoint-key", 0);
	const struct config_range lines = {0, 1000000000, CHECKPOINT_LINES};
	const struct config_range minutes = {0, 100000, CHECKPOINT_MINUTES};

	if (key == NULL) {
		refuse_alone(root, "checkpoint-lines");
		refuse_alone(root, "checkpoint-minutes");
		return STATUS_OK;
	}
	if (!config_key_is_known(build->config, key))
		config_section_refuse(
			root, "checkpoint-key", 0, "the name of a key section");
	record->checkpoint_lines =
		config_section_number(root, "checkpoint-lines", lines);
	record->checkpoint_s =
		config_section_number(root, "checkpoint-minutes", minutes) * 60;
	if (record->checkpoint_lines == 0 && record->checkpoint_s == 0)
		config_section_say(root, "checkpoint-key",
			"checkpoint-lines and checkpoint-minutes are both 0: there "
			"would be no checkpoints");
	return text_copy(bytes_from_text(key), &record->checkpoint_key);
}

enum status config_record_build(
	const struct config_build *build, const struct config_section *root)
{
	const char *directory = config_section_get(root, "audit-directory", 0);
	struct record_spec *record = &build->config->record;

	if (directory == NULL)
		directory = AUDIT_DIRECTORY;
	else if (directory[0] != '/' || strlen(directory) >= CONFIG_PATH_MAX)
		config_section_refuse(root, "audit-directory", 0,
			"an absolute path of at most 511 bytes");
	record->sync = read_sync(root);
	record->rotate_mib =
		config_section_number(root, "audit-rotate-mib", rotate_range);
	record->is_daily = config_section_flag(root, "audit-rotate-daily", true);
	TRY(text_copy(bytes_from_text(directory), &record->directory));
	return build_checkpoints(build, root, record);
}

void config_record_deinit(struct record_spec *record)
{
	freep(&record->checkpoint_key);
	freep(&record->directory);
}
