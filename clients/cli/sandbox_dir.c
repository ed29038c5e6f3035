/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"
#include "util/fd.h"

#define TEMPLATE "zegel-sandbox-XXXXXX"

enum {
	DEPTH_MAX = 8, /* SoftHSM needs two below ours */
	SHOWN_MAX = 4096,
};

static enum status fail(const char *what, const char *path)
{
	say_error(
		"sandbox", "INTERNAL", "cannot %s %s: %s", what, path, strerror(errno));
	return STATUS_IO;
}

/* The configuration takes neither quotes nor backslashes, RFC 7512 no blanks. */
static bool is_plain(const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789/._+-";

	return path[0] == '/' && path[strspn(path, plain)] == '\0';
}

enum status sandbox_dir_open(char out[static SANDBOX_DIR_MAX])
{
	const char *wanted = getenv("TMPDIR");
	const char *parent =
		wanted != NULL && is_plain(wanted) &&
				strlen(wanted) + sizeof("/" TEMPLATE) <= SANDBOX_DIR_MAX
			? wanted
			: "/tmp";
	char path[SANDBOX_DIR_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", parent, TEMPLATE);
	if (mkdtemp(path) == NULL)
		return fail("make a folder in", parent);
	memcpy(out, path, sizeof(path));
	return STATUS_OK;
}

static bool remove_inside(int parent, const char *name, int depth);

/* "." and ".." are not ours to remove. */
static bool remove_entry(int folder, const struct dirent *entry, int depth)
{
	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return true;
	if (unlinkat(folder, entry->d_name, 0) == 0 || errno == ENOENT)
		return true;
	/* Not what d_type says, which a file system may leave out: what unlink said. */
	if (errno != EISDIR && errno != EPERM)
		return false;
	return depth < DEPTH_MAX && remove_inside(folder, entry->d_name, depth + 1);
}

static bool remove_inside(int parent, const char *name, int depth)
{
	CLEANUP(fd_closep)
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct dirent *entry;
	bool is_empty = true;
	DIR *folder;

	folder = fd < 0 ? NULL : fdopendir(fd);
	if (folder == NULL)
		return false;
	(void)fd_take(&fd);
	while ((entry = readdir(folder)) != NULL)
		is_empty = remove_entry(dirfd(folder), entry, depth) && is_empty;
	(void)closedir(folder);
	return unlinkat(parent, name, AT_REMOVEDIR) == 0 && is_empty;
}

void sandbox_dir_remove(const char *dir)
{
	if (!remove_inside(AT_FDCWD, dir, 0))
		(void)fail("remove", dir);
}

struct sandbox_path sandbox_dir_path(const char *dir, const char *name)
{
	struct sandbox_path path;
	const int n = snprintf(path.text, sizeof(path.text), "%s/%s", dir, name);

	must(n > 0 && (size_t)n < sizeof(path.text));
	return path;
}

enum status sandbox_dir_write(const char *dir, const char *name, struct bytes bytes)
{
	const struct sandbox_path path = sandbox_dir_path(dir, name);
	CLEANUP(fd_closep)
	int fd = open(path.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || fd_write_all(fd, bytes) != STATUS_OK)
		return fail("write", path.text);
	return STATUS_OK;
}

void sandbox_dir_show(const char *dir, const char *name)
{
	const struct sandbox_path path = sandbox_dir_path(dir, name);
	CLEANUP(fd_closep) int fd = open(path.text, O_RDONLY | O_CLOEXEC);
	char text[SHOWN_MAX];
	struct stat facts;
	ssize_t n;

	if (fd < 0 || fstat(fd, &facts) != 0 || facts.st_size == 0)
		return;
	n = pread(fd, text, sizeof(text),
		facts.st_size > SHOWN_MAX ? facts.st_size - SHOWN_MAX : 0);
	if (n <= 0)
		return;
	say_hint("sandbox", "the last lines of %s:", name);
	(void)fwrite(text, 1, (size_t)n, stderr);
}
