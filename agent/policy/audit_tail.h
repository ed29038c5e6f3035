/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a record as it lies on the disk: where its chain ends, which attempts have no
 * outcome, and how much behind it is torn. It reads only, and no more than it must: the
 * last line says how far back an open attempt can be.
 *
 * Thread: main, before the loop runs
 */
#ifndef ZEGEL_POLICY_AUDIT_TAIL_H
#define ZEGEL_POLICY_AUDIT_TAIL_H

#include "entry.h"
#include "opens.h"
#include "record.h"
#include "util/defs.h"

enum {
	AUDIT_TAIL_OLDER_MAX = 1 << 22, /* older files in the directory */
};

struct audit_tail {
	struct entry_head head; /* seq 0: there is no line yet */
	bool has_file;          /* there is a file of RECORD_NAME */
	/* Of the first line of the file in which the chain ends; 0: there is no line. */
	uint64_t first_seq;
	int64_t first_s; /* when that was written, seconds since the epoch */
	int64_t size;    /* of that file up to its last good line */
	uint64_t cut;    /* bytes behind, of lines that are not whole */
	/*
	 * A rotation that found no space for its new file leaves the older one as the last,
	 * and an officer's act may then be written behind its end.
	 */
	uint64_t torn_seq;  /* the older file to be cut, by its first seq; 0: none */
	int64_t torn_size;  /* up to its last good line */
	bool was_stopped;   /* the last line is the stop line of a zegeld */
	struct opens opens; /* owns; all abandoned */
};

void audit_tail_deinit(struct audit_tail *tail);
/*
 * BAD_FILE, logged, when lines at the end are not ours: then somebody changed the record,
 * and nobody should write behind that. What a crash or a power cut leaves (half a line, a
 * stretch of zeros, and what stands behind that) is counted in cut instead. tail was
 * zeroed.
 */
MUST_CHECK enum status audit_tail_read(
	int directory, struct entry_hasher *hasher, struct audit_tail *tail);

/* The name of an older file, from the seq of its first line. */
void audit_tail_name_older(uint64_t first_seq, char out[static RECORD_NAME_MAX]);
/*
 * First seqs of the older files in the directory, rising. BAD_FILE, logged, when there are
 * more than AUDIT_TAIL_OLDER_MAX. gives out
 */
MUST_CHECK enum status audit_tail_list_older(
	int directory, uint64_t **out, size_t *out_n);

#endif
