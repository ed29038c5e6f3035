/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a configuration: found, judged by who could have written them, and each
 * read once. What they say is the business of the other rooms.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "util/fd.h"
#include "util/text.h"

#define FOLDER_NAME "conf.d"
#define FILE_SUFFIX ".conf"

struct file {
	char *name; /* owns: as it is said in errors */
	struct buf text;
};

/* All files of one load: the main one first. */
struct files {
	struct file *files; /* owns n_files */
	size_t n_files;
};

static void files_deinit(struct files *files)
{
	for (size_t i = 0; i < files->n_files; i++) {
		buf_deinit(&files->files[i].text);
		freep(&files->files[i].name);
	}
	freep(&files->files);
	files->n_files = 0;
}

/* From the working folder of whoever started us by hand. */
static enum status make_absolute(const char *path, char out[CONFIG_PATH_MAX])
{
	CLEANUP(freep) char *folder = NULL;
	int n;

	if (path[0] != '/') {
		folder = getcwd(NULL, 0);
		if (folder == NULL)
			return STATUS_IO;
	}
	n = snprintf(out, CONFIG_PATH_MAX, "%s%s%s", folder == NULL ? "" : folder,
		folder == NULL ? "" : "/", path);
	return n < 0 || n >= CONFIG_PATH_MAX ? STATUS_BAD_CONFIG : STATUS_OK;
}

static enum status refuse_file(struct config_report *report, const char *name,
	const char *why, enum status status)
{
	config_report_add(report, (struct config_point){name, 0}, "%s", why);
	return status;
}

static enum status read_text(
	const char *name, struct config_report *report, struct buf *text)
{
	char path[CONFIG_PATH_MAX];
	char resolved[CONFIG_PATH_MAX];
	struct config_why why;
	enum status status = make_absolute(name, path);

	if (status != STATUS_OK)
		return refuse_file(report, name, "expected a shorter path", status);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return refuse_file(report, name, "not found", STATUS_NOT_FOUND);
	if (!config_place_is_safe(path, resolved, &why))
		return refuse_file(report, name, why.text, STATUS_BAD_CONFIG);
	status = fd_read_file(resolved, text);
	if (status == STATUS_BAD_FILE)
		return refuse_file(report, name,
			"expected a regular file of at most 1048576 bytes",
			STATUS_BAD_CONFIG);
	if (status == STATUS_CHANGED_FILE)
		return refuse_file(report, name, "changed while it was read: try again",
			STATUS_BAD_CONFIG);
	if (status != STATUS_OK)
		return refuse_file(report, name, "cannot be read", status);
	return STATUS_OK;
}

/* takes name */
static enum status add_file(
	struct files *files, char *name, struct config_report *report)
{
	CLEANUP(freep) char *guarded = name;
	struct file *file;
	void *grown =
		reallocarray(files->files, files->n_files + 1, sizeof(files->files[0]));

	if (grown == NULL)
		return STATUS_NO_MEMORY;
	files->files = grown;
	file = &files->files[files->n_files++];
	*file = (struct file){.name = TAKE(guarded), .text = BUF_INIT(CONFIG_FILE_MAX)};
	return read_text(file->name, report, &file->text);
}

struct names {
	struct dirent **entries; /* owns n_entries; scandir's */
	int n_entries;
};

static void names_deinit(struct names *names)
{
	for (int i = 0; i < names->n_entries; i++)
		free(names->entries[i]);
	freep(&names->entries);
	names->n_entries = 0;
}

/* Hidden files are editors' business. */
static int is_configuration(const struct dirent *entry)
{
	const size_t len = strlen(entry->d_name);
	const size_t suffix_len = strlen(FILE_SUFFIX);

	return entry->d_name[0] != '.' && len > suffix_len &&
	       strcmp(entry->d_name + len - suffix_len, FILE_SUFFIX) == 0;
}

/* By bytes: alphasort() would make the order depend on the locale. */
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static enum status name_folder(const char *path, char **out)
{
	CLEANUP(freep) char *copy = NULL;

	TRY(text_copy(bytes_from_text(path), &copy));
	if (asprintf(out, "%s/%s", dirname(copy), FOLDER_NAME) < 0)
		return STATUS_NO_MEMORY;
	return STATUS_OK;
}

static enum status add_folder(
	struct files *files, const char *path, struct config_report *report)
{
	CLEANUP(names_deinit) struct names names = {0};
	CLEANUP(freep) char *folder = NULL;

	TRY(name_folder(path, &folder));
	names.n_entries =
		scandir(folder, &names.entries, is_configuration, compare_entries);
	if (names.n_entries < 0) {
		const int error = errno;

		names = (struct names){0};
		if (error == ENOENT)
			return STATUS_OK;
		return refuse_file(report, folder, strerror(error), STATUS_IO);
	}
	if (names.n_entries > CONFIG_FILES_MAX)
		return refuse_file(report, folder, "expected at most 64 .conf files",
			STATUS_BAD_CONFIG);
	for (int i = 0; i < names.n_entries; i++) {
		char *name = NULL;

		if (asprintf(&name, "%s/%s", folder, names.entries[i]->d_name) < 0)
			return STATUS_NO_MEMORY;
		TRY(add_file(files, name, report));
	}
	return STATUS_OK;
}

static enum status read_files(
	const char *path, struct config_report *report, struct files *files)
{
	char *name = NULL;

	TRY(text_copy(bytes_from_text(path), &name));
	TRY(add_file(files, name, report));
	return add_folder(files, path, report);
}

static enum status build_files(
	const struct files *files, struct buf *errors, struct config **out)
{
	CLEANUP(freep)
	struct config_source *sources = calloc(files->n_files, sizeof(sources[0]));

	if (sources == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < files->n_files; i++)
		sources[i] = (struct config_source){
			files->files[i].name, buf_get(&files->files[i].text)};
	return config_build_texts(
		sources, files->n_files, config_place_world(), errors, out);
}

/* Who has such a rule can make every other kind of seal, whatever their rules say. */
static void warn_of_masters(const struct policy *policy)
{
	struct policy_rule_view rule;

	for (size_t i = 0; i < policy_get_n_clients(policy); i++) {
		const struct policy_client *client = policy_get_client_at(policy, i);

		for (size_t j = 0; j < policy_count_rules(client); j++) {
			policy_get_rule(client, j, &rule);
			if (rule.is_master)
				log_event(LOG_WARN,
					"this grant contains every other kind of seal",
					"client=%s rule=%s key=%s profile=%s",
					policy_client_get_name(client), rule.name,
					rule.key, rule.profile);
		}
	}
}

enum status config_load(const char *path, struct buf *errors, struct config **out)
{
	CLEANUP(files_deinit) struct files files = {0};
	struct config_report report = {.errors = errors};

	TRY(read_files(path, &report, &files));
	TRY(build_files(&files, errors, out));
	warn_of_masters((*out)->policy);
	return STATUS_OK;
}
