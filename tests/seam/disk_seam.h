/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of agent/util/disk.c under other names: CMakeLists.txt builds that file
 * once more with them, for zegeld-seam. So all of the agent runs as it is, and a test has
 * the disk in its hands.
 *
 * Thread: any
 */
#ifndef ZEGEL_SEAM_DISK_SEAM_H
#define ZEGEL_SEAM_DISK_SEAM_H

#include <sys/types.h>

int seam_openat(int directory, const char *name, int flags, ...);
ssize_t seam_write(int fd, const void *bytes, size_t len);
int seam_fdatasync(int fd);
int seam_fsync(int directory);
int seam_ftruncate(int fd, off_t size);
int seam_renameat2(int from_directory, const char *from, int to_directory,
	const char *to, unsigned int flags);
int seam_fallocate(int fd, int mode, off_t from, off_t len);

#endif
