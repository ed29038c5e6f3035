/* SPDX-License-Identifier: Apache-2.0 */
#include "small_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#define FILLER SMALL_DISK "/filler"

enum {
	KIB = 1024,
};

static bool write_text(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const bool is_written =
		fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		(void)close(fd);
	return is_written;
}

/* As root of a user namespace in which we are alone. */
static bool become_root(void)
{
	char map[64];

	(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned int)getuid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_text("/proc/self/uid_map", map);
}

bool small_disk_begin(void)
{
	const bool may_mount =
		geteuid() == 0 ? unshare(CLONE_NEWNS) == 0 : become_root();

	if (may_mount && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return true;
	(void)printf(
		"SKIP: cannot mount a file system of our own: %s\n", strerror(errno));
	return false;
}

void small_disk_mount(int kib)
{
	char options[64];

	(void)snprintf(options, sizeof(options), "size=%dk,mode=0700", kib);
	assert_true(mkdir(SMALL_DISK, 0700) == 0 || errno == EEXIST);
	assert_int_equal(mount("none", SMALL_DISK, "tmpfs", 0, options), 0);
}

void small_disk_set_read_only(bool is_read_only)
{
	const unsigned long flags = MS_REMOUNT | (is_read_only ? MS_RDONLY : 0);

	assert_int_equal(mount("none", SMALL_DISK, "tmpfs", flags, NULL), 0);
}

void small_disk_fill(int kib_left)
{
	const int fd = open(FILLER, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	const char block[4 * KIB] = "";
	struct statvfs facts;

	assert_true(fd >= 0);
	for (;;) {
		assert_int_equal(statvfs(SMALL_DISK, &facts), 0);
		if (facts.f_bavail * facts.f_frsize <= (unsigned long)kib_left * KIB)
			break;
		if (write(fd, block, sizeof(block)) <= 0)
			break;
	}
	(void)close(fd);
}

void small_disk_drain(void)
{
	assert_int_equal(unlink(FILLER), 0);
}

void small_disk_unmount(void)
{
	assert_int_equal(umount2(SMALL_DISK, MNT_DETACH), 0);
}
