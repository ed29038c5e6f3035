/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system of our own that is small, for tests of what a full or read-only disk does.
 * It is mounted where nobody but this process sees it, and gone with it.
 */
#ifndef ZEGEL_TESTS_SMALL_DISK_H
#define ZEGEL_TESTS_SMALL_DISK_H

#include <stdbool.h>

#define SMALL_DISK "/tmp/zegel-small-disk"

enum {
	SKIPPED = 77, /* exit code of a test program that cannot test here */
};

/*
 * Whether this process may mount, as root or in a user namespace of its own; why not is
 * printed. To be called once, before there is a thread.
 */
bool small_disk_begin(void);
/* Empty, at SMALL_DISK. */
void small_disk_mount(int kib);
void small_disk_set_read_only(bool is_read_only);
/* Leaves so many KiB free, of what others wrote. 0: none at all. */
void small_disk_fill(int kib_left);
/* Removes what others wrote. */
void small_disk_drain(void);
void small_disk_unmount(void);

#endif
