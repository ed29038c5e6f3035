/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"

enum {
	FILE_MODE = 0600,
};

static enum status status_of(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return STATUS_DISK_FULL;
	case EROFS:
		return STATUS_READ_ONLY;
	case ENOENT:
		return STATUS_NOT_FOUND;
	case ELOOP:
	case EEXIST:
	case EISDIR:
	case ENXIO: /* a socket */
		return STATUS_BAD_FILE;
	default:
		return STATUS_IO;
	}
}

enum status disk_open(int directory, const char *name, bool is_new, int *out)
{
	const int how = is_new ? O_CREAT | O_EXCL : 0;
	CLEANUP(fd_closep)
	int fd = openat(directory, name,
		O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | how,
		FILE_MODE);
	struct stat facts;

	if (fd < 0)
		return status_of(errno);
	if (fstat(fd, &facts) != 0)
		return status_of(errno);
	if (!S_ISREG(facts.st_mode))
		return STATUS_BAD_FILE;
	*out = fd_take(&fd);
	return STATUS_OK;
}

enum status disk_append(int fd, struct bytes bytes)
{
	size_t done = 0;

	while (done < bytes.len) {
		const ssize_t n = write(fd, bytes.p + done, bytes.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return status_of(errno);
		/* No file system should say so, and asking on would never end. */
		if (n == 0)
			return STATUS_IO;
		done += (size_t)n;
	}
	return STATUS_OK;
}

enum status disk_sync(int fd)
{
	return fdatasync(fd) == 0 ? STATUS_OK : status_of(errno);
}

enum status disk_sync_directory(int directory)
{
	return fsync(directory) == 0 ? STATUS_OK : status_of(errno);
}

enum status disk_truncate(int fd, off_t size)
{
	return ftruncate(fd, size) == 0 ? STATUS_OK : status_of(errno);
}

enum status disk_rename(int directory, const char *from, const char *to)
{
	return renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0
		       ? STATUS_OK
		       : status_of(errno);
}

enum status disk_reserve(int fd, off_t from, off_t len)
{
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, from, len) == 0)
		return STATUS_OK;
	return errno == EOPNOTSUPP || errno == ENOSYS ? STATUS_OK : status_of(errno);
}
