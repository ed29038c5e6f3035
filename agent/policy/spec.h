/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration says of the record: the audit-… and checkpoint-… words at the top.
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_SPEC_H
#define ZEGEL_POLICY_SPEC_H

#include "util/defs.h"

/* When an outcome is durable (design 4.6). */
enum record_sync {
	RECORD_SYNC_SEAL,     /* synced before the seal is released */
	RECORD_SYNC_INTERVAL, /* written before, synced each 100 ms */
};

struct record_spec {
	char *directory; /* owns; absolute: audit.jsonl and its older files are in it */
	enum record_sync sync;
	uint32_t rotate_mib;  /* a file that is longer is closed; 0: never */
	bool is_daily;        /* a file is closed when a day (UTC) ends */
	char *checkpoint_key; /* owns; NULL: no checkpoints */
	uint32_t
		checkpoint_lines; /* at most so many lines without one; 0: not counted */
	uint32_t checkpoint_s;    /* at most so long without one; 0: not timed */
};

#endif
