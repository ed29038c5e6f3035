/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does what it is asked to do, and notes it: enough to tell what a power cut may leave.
 * Bytes are durable up to the size that the file had when its last completed sync began,
 * names as they were at the last completed sync of their directory. What changes names or
 * takes bytes away is noted before it begins, too: the process may die in between.
 */
#include "disk_seam.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seam.h"

enum {
	TEXT_MAX = 320,
};

/* release-first: the write that was not done yet. */
struct held {
	pthread_mutex_t mutex;
	bool is_begun; /* the first write was done */
	int fd;        /* of its own: one that does not append; 0: nothing is held */
	off_t at;
	void *bytes;
	size_t len;
};

static struct held *get_held(void)
{
	static struct held held = {.mutex = PTHREAD_MUTEX_INITIALIZER};

	return &held;
}

static unsigned long long inode_of(int fd)
{
	struct stat facts = {.st_ino = 0};

	(void)fstat(fd, &facts);
	return (unsigned long long)facts.st_ino;
}

static long long size_of(int fd)
{
	struct stat facts = {.st_size = 0};

	(void)fstat(fd, &facts);
	return (long long)facts.st_size;
}

/* Notes how it went, and ends the process when that was the order. */
static int finish(const struct seam_order *order, const char *text, int result)
{
	const int error = result < 0 ? errno : 0;

	seam_note(text, error);
	if (order->is_last)
		seam_die();
	errno = error;
	return result;
}

/* The operation is ordered to fail: -1 with its errno. */
static int fail(const struct seam_order *order, const char *text)
{
	errno = order->error;
	return finish(order, text, -1);
}

int seam_openat(int directory, const char *name, int flags, ...)
{
	const bool is_new = (flags & O_CREAT) != 0;
	const struct seam_order order = seam_begin(is_new ? SEAM_CREATE : SEAM_OPEN);
	char text[TEXT_MAX];
	mode_t mode;
	va_list rest;
	int fd;

	va_start(rest, flags);
	mode = va_arg(rest, mode_t);
	va_end(rest);
	if (is_new) {
		(void)snprintf(text, sizeof(text), "create-begin name=%s", name);
		seam_note(text, 0);
	}
	(void)snprintf(
		text, sizeof(text), "%s name=%s", is_new ? "create" : "open", name);
	if (order.error != 0)
		return fail(&order, text);
	fd = openat(directory, name, flags, mode);
	if (fd >= 0)
		(void)snprintf(text, sizeof(text), "%s name=%s inode=%llu size=%lld",
			is_new ? "create" : "open", name, inode_of(fd), size_of(fd));
	return finish(&order, text, fd);
}

static void let_go(struct held *held)
{
	if (held->fd == 0)
		return;
	if (pwrite(held->fd, held->bytes, held->len, held->at) != (ssize_t)held->len)
		abort();
	(void)close(held->fd);
	free(held->bytes);
	held->fd = 0;
}

/* The file is as long as if it were written. */
static ssize_t hold(int fd, const void *bytes, size_t len)
{
	struct held *held = get_held();
	char path[TEXT_MAX];

	(void)pthread_mutex_lock(&held->mutex);
	let_go(held);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	held->at = (off_t)size_of(fd);
	held->bytes = malloc(len);
	held->len = len;
	held->fd = open(path, O_WRONLY | O_CLOEXEC);
	if (held->bytes == NULL || held->fd < 0 ||
		ftruncate(fd, held->at + (off_t)len) != 0)
		abort();
	memcpy(held->bytes, bytes, len);
	(void)pthread_mutex_unlock(&held->mutex);
	return (ssize_t)len;
}

static ssize_t write_some(
	const struct seam_order *order, int fd, const void *bytes, size_t len)
{
	if (order->is_half)
		len /= 2;
	if (order->is_short && order->len < len)
		len = order->len;
	if (order->error != 0 && (!order->is_short || len == 0)) {
		errno = order->error;
		return -1;
	}
	if (get_held()->is_begun && seam_has_defect("release-first"))
		return hold(fd, bytes, len);
	get_held()->is_begun = true;
	return write(fd, bytes, len);
}

ssize_t seam_write(int fd, const void *bytes, size_t len)
{
	/* The second half of a short write that fails. Only the main thread writes. */
	static int next_error;
	struct seam_order order = {.error = next_error};
	const long long from = size_of(fd);
	char text[TEXT_MAX];
	ssize_t done;

	if (next_error == 0)
		order = seam_begin(SEAM_WRITE);
	done = write_some(&order, fd, bytes, len);
	next_error = order.is_short && done > 0 ? order.error : 0;
	(void)snprintf(text, sizeof(text), "write inode=%llu from=%lld asked=%zu",
		inode_of(fd), from, len);
	(void)finish(&order, text, done < 0 ? -1 : 0);
	return done;
}

int seam_fdatasync(int fd)
{
	const struct seam_order order = seam_begin(SEAM_SYNC);
	char text[TEXT_MAX];

	if (seam_has_defect("no-sync"))
		return 0;
	(void)snprintf(text, sizeof(text), "sync inode=%llu size=%lld", inode_of(fd),
		size_of(fd));
	return order.error != 0 ? fail(&order, text)
				: finish(&order, text, fdatasync(fd));
}

int seam_fsync(int directory)
{
	const struct seam_order order = seam_begin(SEAM_SYNC_DIRECTORY);
	static const char text[] = "sync-directory";

	if (seam_has_defect("no-directory-sync"))
		return 0;
	return order.error != 0 ? fail(&order, text)
				: finish(&order, text, fsync(directory));
}

int seam_ftruncate(int fd, off_t size)
{
	const struct seam_order order = seam_begin(SEAM_TRUNCATE);
	struct held *held = get_held();
	const long long from = size_of(fd);
	char text[TEXT_MAX];

	(void)pthread_mutex_lock(&held->mutex);
	let_go(held);
	(void)pthread_mutex_unlock(&held->mutex);
	(void)snprintf(text, sizeof(text),
		"truncate-begin inode=%llu from=%lld to=%lld", inode_of(fd), from,
		(long long)size);
	seam_note(text, 0);
	(void)snprintf(text, sizeof(text), "truncate inode=%llu from=%lld to=%lld",
		inode_of(fd), from, (long long)size);
	return order.error != 0 ? fail(&order, text)
				: finish(&order, text, ftruncate(fd, size));
}

int seam_renameat2(int from_directory, const char *from, int to_directory,
	const char *to, unsigned int flags)
{
	const struct seam_order order = seam_begin(SEAM_RENAME);
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "rename-begin from=%s to=%s", from, to);
	seam_note(text, 0);
	(void)snprintf(text, sizeof(text), "rename from=%s to=%s", from, to);
	if (order.error != 0)
		return fail(&order, text);
	return finish(
		&order, text, renameat2(from_directory, from, to_directory, to, flags));
}

int seam_fallocate(int fd, int mode, off_t from, off_t len)
{
	const struct seam_order order = seam_begin(SEAM_RESERVE);
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "reserve inode=%llu from=%lld len=%lld",
		inode_of(fd), (long long)from, (long long)len);
	return order.error != 0 ? fail(&order, text)
				: finish(&order, text, fallocate(fd, mode, from, len));
}
