/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `listen "name" { … }`: where clients connect, and who may open the socket at all. That
 * is only the outer door; the policy decides.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "util/text.h"

#define LISTEN_NAME  "client"
#define LISTEN_PATH  "/run/zegel/zegel.sock"
#define LISTEN_GROUP "zegel-clients"

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
	const struct config_section *section, struct listen_spec *listen)
{
	const char *group = config_section_get(section, "group", 0);

	if (group == NULL)
		return;
	listen->has_group = build->world->has_group(group, &listen->group);
	if (!listen->has_group)
		config_section_refuse(section, "group", 0, "a group of this machine");
}

static bool is_path_taken(const struct config *config, const char *path)
{
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
	const char *path = config_section_get(section, "path", 0);
	const char *mode = config_section_get(section, "mode", 0);

	TRY(text_copy(bytes_from_text(section->title), &listen->name));
	if (path == NULL)
		path = LISTEN_PATH;
	else if (path[0] != '/' ||
		 strlen(path) >= sizeof((struct sockaddr_un){0}.sun_path))
		config_section_refuse(
			section, "path", 0, "an absolute path of at most 107 bytes");
	if (is_path_taken(build->config, path))
		config_section_refuse(
			section, "path", 0, "a path that no other listen section has");
	TRY(text_copy(bytes_from_text(path), &listen->path));
	listen->mode = LISTEN_MODE;
	if (mode != NULL && !mode_from_text(mode, &listen->mode))
		config_section_refuse(section, "mode", 0,
			"an octal mode from 0600 to 0666, without execute bits");
	build_group(build, section, listen);
	return STATUS_OK;
}

/* No listen section at all: the place where every client looks. */
static enum status build_default(
	const struct config_build *build, struct listen_spec *listen)
{
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

	if (!config_section_is_few(root, "listen", CONFIG_LISTENS_MAX))
		return STATUS_OK;
	config->listens = calloc(n + 1, sizeof(config->listens[0]));
	if (config->listens == NULL)
		return STATUS_NO_MEMORY;
	if (n == 0) {
		config->n_listens = 1;
		return build_default(build, &config->listens[0]);
	}
	for (size_t i = 0; i < n; i++) {
		const struct config_section section =
			config_section_inner(root, "listen", i);

		config->n_listens = i + 1;
		TRY(build_one(build, &section, &config->listens[i]));
	}
	return STATUS_OK;
}
