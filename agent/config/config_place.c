/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the machine: users, groups, and whether a file is what it must be.
 *
 * A file is safe when nobody but root and we can change it, nor put another in its place
 * at any step of the way: each folder and each symbolic link of the path counts, not only
 * those of the path that they lead to. A sticky folder that all may write to (/tmp) is
 * good enough on the way, since only the owner can replace what is in it; the file itself
 * must not lie there.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"

enum {
	LINKS_MAX = 16,
};

/* A path while it is walked: resolved/pending. */
struct walk {
	char resolved[CONFIG_PATH_MAX]; /* absolute, no links; "" is the root */
	char pending[CONFIG_PATH_MAX];
	size_t n_links;
	struct stat folder; /* facts of resolved */
};

static bool refuse(struct config_why *why, const char *path, const char *what)
{
	(void)snprintf(why->text, sizeof(why->text), "\"%s\" %s",
		log_text(bytes_from_text(path)).text, what);
	return false;
}

static bool is_ours(const struct stat *facts, const char *path, struct config_why *why)
{
	if (facts->st_uid == 0 || facts->st_uid == geteuid())
		return true;
	return refuse(why, path, "must be owned by root or by the agent's user");
}

static bool is_writable_by_others(const struct stat *facts)
{
	return (facts->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/* Is the folder at resolved fit to be passed through? */
static bool enter_folder(struct walk *walk, struct config_why *why)
{
	const char *path = walk->resolved[0] == '\0' ? "/" : walk->resolved;

	if (lstat(path, &walk->folder) != 0)
		return refuse(why, path, strerror(errno));
	if (!S_ISDIR(walk->folder.st_mode))
		return refuse(why, path, "is not a folder");
	if (!is_ours(&walk->folder, path, why))
		return false;
	if (is_writable_by_others(&walk->folder) &&
		(walk->folder.st_mode & S_ISVTX) == 0)
		return refuse(why, path,
			"is a folder on the way that its group or others can write to");
	return true;
}

/* Moves the first component of pending into name; false when there is none. */
static bool take_component(struct walk *walk, char name[NAME_MAX + 1])
{
	const char *begin = walk->pending + strspn(walk->pending, "/");
	const size_t len = strcspn(begin, "/");

	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, begin, len);
	name[len] = '\0';
	memmove(walk->pending, begin + len, strlen(begin + len) + 1);
	return true;
}

static bool follow_link(struct walk *walk, const char *link, struct config_why *why)
{
	char target[CONFIG_PATH_MAX];
	char rest[CONFIG_PATH_MAX];
	const ssize_t n = readlink(link, target, sizeof(target) - 1);
	int len;

	if (n <= 0)
		return refuse(why, link, "is a link that cannot be read");
	target[n] = '\0';
	memcpy(rest, walk->pending, sizeof(rest));
	len = snprintf(walk->pending, sizeof(walk->pending), "%s%s", target, rest);
	if (len < 0 || (size_t)len >= sizeof(walk->pending) ||
		++walk->n_links > LINKS_MAX)
		return refuse(why, link, "is a link that leads too far");
	if (target[0] == '/')
		walk->resolved[0] = '\0';
	return true;
}

/* One component further; facts are those of what was found there. */
static bool step(
	struct walk *walk, const char *name, struct stat *facts, struct config_why *why)
{
	char path[CONFIG_PATH_MAX + NAME_MAX + 2];

	if (strcmp(name, ".") == 0)
		return true;
	if (strcmp(name, "..") == 0) {
		char *slash = strrchr(walk->resolved, '/');

		if (slash != NULL)
			*slash = '\0';
		return true;
	}
	(void)snprintf(path, sizeof(path), "%s/%s", walk->resolved, name);
	if (lstat(path, facts) != 0)
		return refuse(why, path, strerror(errno));
	if (!is_ours(facts, path, why))
		return false;
	if (S_ISLNK(facts->st_mode))
		return follow_link(walk, path, why);
	if (strlen(path) >= sizeof(walk->resolved))
		return refuse(why, path, "is too long a path");
	memcpy(walk->resolved, path, strlen(path) + 1);
	return true;
}

static bool is_safe_end(
	const struct walk *walk, const struct stat *facts, struct config_why *why)
{
	if (!S_ISREG(facts->st_mode))
		return refuse(why, walk->resolved, "is not a regular file");
	if (is_writable_by_others(facts))
		return refuse(
			why, walk->resolved, "can be written by its group or others");
	if (is_writable_by_others(&walk->folder))
		return refuse(why, walk->resolved,
			"lies in a folder that its group or others can write to");
	return true;
}

bool config_place_is_safe(const char *path, char *resolved, struct config_why *why)
{
	struct walk walk = {.resolved = ""};
	struct stat facts = {.st_mode = S_IFDIR};
	char name[NAME_MAX + 1];

	must(path[0] == '/');
	if (strlen(path) >= sizeof(walk.pending))
		return refuse(why, path, "is too long a path");
	memcpy(walk.pending, path, strlen(path) + 1);
	while (take_component(&walk, name)) {
		if (!enter_folder(&walk, why) || !step(&walk, name, &facts, why))
			return false;
	}
	/* What is left is a slash behind a file, or a name longer than any can be. */
	if (walk.pending[0] != '\0')
		return refuse(why, path, "is not the path of a regular file");
	if (!is_safe_end(&walk, &facts, why))
		return false;
	if (resolved != NULL)
		memcpy(resolved, walk.resolved, sizeof(walk.resolved));
	return true;
}

static bool is_module(const char *path, struct config_why *why)
{
	return config_place_is_safe(path, NULL, why);
}

static bool is_pin_file(const char *path, struct config_why *why)
{
	struct stat facts;

	if (!config_place_is_safe(path, NULL, why))
		return false;
	if (lstat(path, &facts) != 0 || !S_ISREG(facts.st_mode))
		return refuse(why, path, "is not a regular file");
	if (facts.st_uid != geteuid())
		return refuse(why, path, "must be owned by the agent's user");
	if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return refuse(
			why, path, "must be of mode 0600: the PIN is for us alone");
	return true;
}

/* Opened as the seal floor will open it, so that what is good here is good there. */
static bool is_certificate(const char *path, struct config_why *why)
{
	CLEANUP(fd_closep)
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat facts;

	if (fd < 0 && errno == ELOOP)
		return refuse(why, path, "is a symbolic link, not a regular file");
	if (fd < 0)
		return refuse(why, path, strerror(errno));
	if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))
		return refuse(why, path, "is not a regular file");
	return true;
}

static bool read_list(const char *path, struct buf *out, struct config_why *why)
{
	char resolved[CONFIG_PATH_MAX];
	enum status status;

	if (!config_place_is_safe(path, resolved, why))
		return false;
	status = fd_read_file(resolved, out);
	if (status == STATUS_BAD_FILE)
		return refuse(why, path, "is longer than 33554432 bytes");
	if (status == STATUS_CHANGED_FILE)
		return refuse(why, path, "changed while it was read: try again");
	return status == STATUS_OK || refuse(why, path, "cannot be read");
}

static bool has_user(const char *name, uid_t *out)
{
	const struct passwd *entry = getpwnam(name);

	if (entry == NULL)
		return false;
	*out = entry->pw_uid;
	return true;
}

static bool has_group(const char *name, gid_t *out)
{
	const struct group *entry = getgrnam(name);

	if (entry == NULL)
		return false;
	*out = entry->gr_gid;
	return true;
}

static const struct config_world machine = {
	has_user, has_group, is_module, is_pin_file, is_certificate, read_list};

const struct config_world *config_place_world(void)
{
	return &machine;
}
