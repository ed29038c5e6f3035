/* SPDX-License-Identifier: Apache-2.0 */
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

void fd_closep(int *fd)
{
	if (*fd != FD_NONE)
		(void)close(*fd);
	*fd = FD_NONE;
}

int fd_take(int *fd)
{
	const int taken = *fd;

	*fd = FD_NONE;
	return taken;
}

enum status fd_write_all(int fd, struct bytes bytes)
{
	size_t done = 0;

	while (done < bytes.len) {
		const ssize_t n = write(fd, bytes.p + done, bytes.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return STATUS_IO;
		done += (size_t)n;
	}
	return STATUS_OK;
}

static enum status refuse_file(enum status status, const char *path, const char *why)
{
	log_event(LOG_ERR, "cannot read file", "path=\"%s\" why=\"%s\"",
		log_text(bytes_from_text(path)).text, why);
	return status;
}

/* Written to since before: then what was read may be neither the old nor the new. */
static bool is_changed(int fd, const struct stat *before, size_t n_read)
{
	struct stat now;

	return fstat(fd, &now) != 0 || (uint64_t)now.st_size != n_read ||
	       now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

enum status fd_read_file(const char *path, struct buf *out)
{
	CLEANUP(fd_closep)
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat facts;

	buf_clear(out);
	if (fd < 0)
		return refuse_file(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, path,
			strerror(errno));
	if (fstat(fd, &facts) != 0)
		return refuse_file(STATUS_IO, path, strerror(errno));
	if (!S_ISREG(facts.st_mode))
		return refuse_file(STATUS_BAD_FILE, path, "not a regular file");
	for (;;) {
		uint8_t piece[4096];
		const ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse_file(STATUS_IO, path, strerror(errno));
		if (n == 0)
			break;
		if (buf_append(out, (struct bytes){piece, (size_t)n}) != STATUS_OK)
			return refuse_file(
				STATUS_BAD_FILE, path, "larger than expected");
	}
	if (is_changed(fd, &facts, out->len))
		return refuse_file(
			STATUS_CHANGED_FILE, path, "changed while it was read");
	return STATUS_OK;
}

static enum status refuse_write(const char *path)
{
	log_event(LOG_ERR, "cannot write file", "path=\"%s\" why=\"%s\"",
		log_text(bytes_from_text(path)).text, strerror(errno));
	return STATUS_IO;
}

/* The rename is only durable once its directory is. */
static enum status sync_directory_of(const char *path)
{
	char copy[PATH_MAX];
	CLEANUP(fd_closep) int fd = FD_NONE;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return refuse_write(path);
	return STATUS_OK;
}

enum status fd_write_file(const char *path, mode_t mode, struct bytes bytes)
{
	char beside[PATH_MAX];
	CLEANUP(fd_closep) int fd = FD_NONE;
	bool is_written;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", path) >= sizeof(beside))
		return STATUS_NO_MEMORY;
	(void)unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return refuse_write(path);
	is_written = fd_write_all(fd, bytes) == STATUS_OK && fsync(fd) == 0 &&
		     rename(beside, path) == 0;
	if (!is_written) {
		const enum status status = refuse_write(path);

		(void)unlink(beside);
		return status;
	}
	return sync_directory_of(path);
}
