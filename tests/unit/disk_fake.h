/* SPDX-License-Identifier: Apache-2.0 */
/*
 * util/disk.h with faults at will, for test programs that are linked with its calls
 * wrapped: each goes to the real one, until its turn to fail has come.
 */
#ifndef ZEGEL_TESTS_DISK_FAKE_H
#define ZEGEL_TESTS_DISK_FAKE_H

#include "util/defs.h"

enum disk_call {
	DISK_OPEN,
	DISK_APPEND,
	DISK_SYNC,
	DISK_SYNC_DIRECTORY,
	DISK_TRUNCATE,
	DISK_RENAME,
	DISK_RESERVE,
	DISK_CALLS,
};

enum disk_end {
	DISK_GOES_ON,
	DISK_DIES_BEFORE, /* instead of failing, the process ends: before the call, */
	DISK_DIES_AFTER,  /* or behind it */
};

enum {
	DISK_DIED = 9, /* exit code of a process that ended so */
};

struct disk_plan {
	enum disk_call call;
	uint32_t nth; /* of its calls, from 1, that fails; 0: none does */
	bool is_for_good;
	enum status status;
	bool is_half;  /* APPEND: half of the bytes are written before it fails */
	bool is_stuck; /* and cannot be cut off again: TRUNCATE fails for good */
	enum disk_end end;
};

/* From now on, for our children too; counts from nothing. No order is out. */
void disk_fake_plan(const struct disk_plan *plan);
/* All goes well from now on. */
void disk_fake_mend(void);
bool disk_fake_has_failed(void);
/* Calls since the plan. */
uint32_t disk_fake_count(enum disk_call call);
/* Syncs of files hang from now on, until they are let go. */
void disk_fake_hold(void);
void disk_fake_let_go(void);

#endif
