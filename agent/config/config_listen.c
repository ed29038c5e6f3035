/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `listen "name" { … }`: where clients connect, and who may open the socket at all. That
 * is only the outer door; the policy decides. Also the officer's socket, of which there is
 * exactly one.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "util/text.h"

#define LISTEN_NAME  "client"
#define LISTEN_PATH  "/run/zegel/zegel.sock"
#define LISTEN_GROUP "zegel-clients"

#define OFFICER_NAME  "officer"
#define OFFICER_PATH  "/run/zegel/officer.sock"
#define OFFICER_GROUP "zegel-officers"

enum {
	LISTEN_MODE = 0660,
	MODE_DIGITS_MAX = 4,
};

void config_listen_deinit(struct listen_spec *listen)
{
	freep(&listen->path);
	freep(&listen->name);
}

/* Octal, as chmod takes it: 0600 to 0666, read and write of the owner always. */
static bool mode_from_text(const char *text, mode_t *out)
{
	mode_t mode = 0;

	if (text[0] == '\0' || strlen(text) > MODE_DIGITS_MAX)
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if (*c < '0' || *c > '7')
			return false;
		mode = mode * 8 + (mode_t)(*c - '0');
	}
	if ((mode & ~(mode_t)0666) != 0 || (mode & 0600) != 0600)
		return false;
	*out = mode;
	return true;
}

static void build_group(const struct config_build *build,
	const struct config_section *section, const char *word,
	struct listen_spec *listen)
{
	const char *group = config_section_get(section, word, 0);

	if (group == NULL)
		return;
	listen->has_group = build->world->has_group(group, &listen->group);
	if (!listen->has_group)
		config_section_refuse(section, word, 0, "a group of this machine");
}

/* The path that the word says, or otherwise. */
static const char *read_path(
	const struct config_section *section, const char *word, const char *otherwise)
{
	const char *path = config_section_get(section, word, 0);

	if (path == NULL)
		return otherwise;
	if (path[0] != '/' || strlen(path) >= sizeof((struct sockaddr_un){0}.sun_path))
		config_section_refuse(
			section, word, 0, "an absolute path of at most 107 bytes");
	return path;
}

static bool is_path_taken(const struct config *config, const char *path)
{
	if (strcmp(config->officer.path, path) == 0)
		return true;
	for (size_t i = 0; i + 1 < config->n_listens; i++) {
		const char *other = config->listens[i].path;

		if (other != NULL && strcmp(other, path) == 0)
			return true;
	}
	return false;
}

static enum status build_one(const struct config_build *build,
	const struct config_section *section, struct listen_spec *listen)
{
	const char *path = read_path(section, "path", LISTEN_PATH);
	const char *mode = config_section_get(section, "mode", 0);

	TRY(text_copy(bytes_from_text(section->title), &listen->name));
	if (strcmp(section->title, OFFICER_NAME) == 0)
		config_section_say(section, NULL,
			"expected another name: the officer's socket has this one");
	if (is_path_taken(build->config, path))
		config_section_refuse(
			section, "path", 0, "a path that no other socket has");
	TRY(text_copy(bytes_from_text(path), &listen->path));
	listen->mode = LISTEN_MODE;
	if (mode != NULL && !mode_from_text(mode, &listen->mode))
		config_section_refuse(section, "mode", 0,
			"an octal mode from 0600 to 0666, without execute bits");
	build_group(build, section, "group", listen);
	return STATUS_OK;
}

/* Before the others: their paths are compared with its. */
static enum status build_officer(const struct config_build *build,
	const struct config_section *root, struct listen_spec *officer)
{
	const char *path = read_path(root, "officer-socket", OFFICER_PATH);

	officer->mode = LISTEN_MODE;
	officer->has_group = build->world->has_group(OFFICER_GROUP, &officer->group);
	build_group(build, root, "officer-group", officer);
	TRY(text_copy(bytes_from_text(OFFICER_NAME), &officer->name));
	return text_copy(bytes_from_text(path), &officer->path);
}

/* No listen section at all: the place where every client looks. */
static enum status build_default(const struct config_build *build,
	const struct config_section *root, struct listen_spec *listen)
{
	if (is_path_taken(build->config, LISTEN_PATH))
		config_section_refuse(root, "officer-socket", 0,
			"another path than that of the clients' socket");
	TRY(text_copy(bytes_from_text(LISTEN_NAME), &listen->name));
	TRY(text_copy(bytes_from_text(LISTEN_PATH), &listen->path));
	listen->mode = LISTEN_MODE;
	listen->has_group = build->world->has_group(LISTEN_GROUP, &listen->group);
	return STATUS_OK;
}

enum status config_listen_build(
	const struct config_build *build, const struct config_section *root)
{
	const size_t n = config_section_count(root, "listen");
	struct config *config = build->config;

	TRY(build_officer(build, root, &config->officer));
	if (!config_section_is_few(root, "listen", CONFIG_LISTENS_MAX))
		return STATUS_OK;
	config->listens = calloc(n + 1, sizeof(config->listens[0]));
	if (config->listens == NULL)
		return STATUS_NO_MEMORY;
	if (n == 0) {
		config->n_listens = 1;
		return build_default(build, root, &config->listens[0]);
	}
	for (size_t i = 0; i < n; i++) {
		const struct config_section section =
			config_section_inner(root, "listen", i);

		config->n_listens = i + 1;
		TRY(build_one(build, &section, &config->listens[i]));
	}
	return STATUS_OK;
}
