/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real path is judged from the root down, and the real path is what is loaded: once
 * every folder of it is ours or root's, no link in it can be turned to another place
 * between this look and dlopen().
 */
#include "place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status refuse(struct place *place, const char *path, const char *why)
{
	(void)snprintf(place->why, sizeof(place->why), "%.180s: %s", path, why);
	return STATUS_BAD_FILE;
}

static bool is_trusted_owner(uid_t owner)
{
	return owner == 0 || owner == geteuid();
}

static enum status judge_folder(struct place *place, const char *path)
{
	struct stat facts;

	if (stat(path, &facts) != 0)
		return refuse(place, path, strerror(errno));
	if (!is_trusted_owner(facts.st_uid))
		return refuse(place, path, "the folder belongs to another user");
	if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
		(facts.st_mode & S_ISVTX) == 0)
		return refuse(place, path, "the folder can be written by others");
	return STATUS_OK;
}

static enum status judge_file(struct place *place)
{
	struct stat facts;

	if (stat(place->path, &facts) != 0)
		return refuse(place, place->path, strerror(errno));
	if (!S_ISREG(facts.st_mode))
		return refuse(place, place->path, "not a regular file");
	if (!is_trusted_owner(facts.st_uid))
		return refuse(place, place->path, "the file belongs to another user");
	if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse(place, place->path, "the file can be written by others");
	return STATUS_OK;
}

enum status place_judge(const char *path, struct place *place)
{
	char folder[PATH_MAX];

	place->why[0] = '\0';
	if (path[0] != '/')
		return refuse(place, path, "expected an absolute path");
	if (realpath(path, place->path) == NULL) {
		(void)refuse(place, path, strerror(errno));
		return STATUS_NOT_FOUND;
	}
	TRY(judge_folder(place, "/"));
	for (const char *end = strchr(place->path + 1, '/'); end != NULL;
		end = strchr(end + 1, '/')) {
		const size_t len = (size_t)(end - place->path);

		memcpy(folder, place->path, len);
		folder[len] = '\0';
		TRY(judge_folder(place, folder));
	}
	return judge_file(place);
}
