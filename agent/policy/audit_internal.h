/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the record, shared by audit.c (what is added), audit_file.c (what is in the
 * file), audit_pump.c (what the record thread does) and audit_open.c (begin and end).
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_AUDIT_INTERNAL_H
#define ZEGEL_POLICY_AUDIT_INTERNAL_H

#include "audit.h"
#include "audit_tail.h"
#include "opens.h"
#include "record.h"
#include "refusals.h"
#include "util/buf.h"

enum {
	AUDIT_TURN_MAX = 16 * 1024 * 1024, /* bytes of the lines of one turn */
	AUDIT_MEMBERS_MAX = ENTRY_MAX,
	AUDIT_KEPT_MAX = 1024 * 1024, /* bytes of lines that wait for a record */
	AUDIT_LAZY_MS = 100, /* for what nobody waits for: at most so long unsynced */
	AUDIT_RETRY_MS = 250,
	AUDIT_STALL_MS = 2000,     /* a sync that takes longer stops the sealing */
	AUDIT_FLOODS_MS = 10000,   /* between two looks for minutes that are over */
	AUDIT_ROTATE_MS = 600000,  /* until a rotation that failed is tried again */
	AUDIT_DAY_MS = 3600000,    /* between two rotations because a day has ended */
	AUDIT_IDLE_MS = 3600000,   /* the timer when it waits for nothing */
	AUDIT_AHEAD = 1024 * 1024, /* bytes set aside in advance */
	AUDIT_RESERVE_MAX = 1024 * 1024, /* bytes kept for officers when all is full */
	AUDIT_RESERVE_PART = 16,         /* and at most this part of the file system */
};

struct audit {
	struct loop *loop;              /* borrows */
	const struct record_spec *spec; /* borrows */
	struct audit_events events;
	struct record *record; /* owns; NULL before the start and after the end */
	struct entry_hasher hasher;
	int directory; /* owns; locked for us alone */

	/* The file, as we left it. */
	int fd; /* owns; FD_NONE while there is none */
	int64_t size;
	int64_t reserved;    /* bytes set aside, from the file's begin */
	int64_t reserve_len; /* of them never for seals */
	uint64_t first_seq;  /* of its first line; 0: it has none */
	int64_t day;         /* when it began, days since the epoch */
	bool is_torn;        /* a failed write may have left a part behind size */
	bool has_lost_file;  /* it has its older name, and no successor could be made */

	/* The chain, with the lines of this turn and without. */
	struct entry_head head;
	struct entry_head written;
	uint64_t durable;   /* seq */
	struct buf lines;   /* of this turn */
	struct buf members; /* of the line being made */
	struct buf kept;    /* lines that must be written some day, and are not yet */
	size_t kept_len;    /* of them in lines of this turn */
	struct opens opens;
	struct refusals refusals;

	enum status trouble; /* why nothing can be written; OK: it can */
	bool is_stalled;     /* the disk has not answered for too long */
	bool is_awaited;     /* somebody waits for a line of this turn */
	bool wants_sync;     /* somebody waits for what was written */
	bool wants_rotation;
	bool wants_reopen; /* an officer does */
	bool is_changing;  /* another file is on its way: lines wait for it */
	uint64_t
		lazy_ms; /* when what nobody waits for is synced; 0: nothing is there */
	uint64_t retry_ms;  /* when writing is tried again; 0: not */
	uint64_t rotate_ms; /* not before this; 0: any time */
	uint64_t day_ms;    /* when a day's end last made a new file; 0: never */
	uint64_t floods_ms; /* when sums are looked for; 0: there are none */
	struct loop_timer timer;
};

/* audit.c: for the timer: sums of refusals whose minute is over, or all at the end. */
void audit_put_floods(struct audit *audit, bool is_end);
/* audit.c: one line of this kind of what is in members; NO_MEMORY. */
MUST_CHECK enum status audit_put(struct audit *audit, const char *kind);
/* audit.c: orphan lines for what is abandoned; NO_MEMORY. */
MUST_CHECK enum status audit_put_orphans(struct audit *audit);
/* audit.c: the lines that are kept and not of this turn yet; NO_MEMORY. */
MUST_CHECK enum status audit_put_kept(struct audit *audit);
/* audit.c: that a new file begins; NO_MEMORY. */
MUST_CHECK enum status audit_put_rotate(struct audit *audit);

/* audit_file.c: what is in the file, and what is not */

/* Opens or makes the file that the tail describes, cut to its last good line. */
MUST_CHECK enum status audit_file_open(
	struct audit *audit, const struct audit_tail *tail);
/* Writes the lines of this turn; with trouble when they had to be taken back. */
void audit_file_write(struct audit *audit);
/* Puts the lines of this turn into the file; when that fails they are still there. */
MUST_CHECK enum status audit_file_append(struct audit *audit);
/* The same, into the reserve when need be. */
MUST_CHECK enum status audit_file_append_reserved(struct audit *audit);
/* Puts what is kept into the reserve; NO_RECORD when nothing of it is in the file. */
MUST_CHECK enum status audit_file_write_kept(struct audit *audit);
/* Nothing can be written; what was added and not written is taken back. */
void audit_file_fail(struct audit *audit, enum status trouble);
/* The lines of this turn are taken back, and who waits for them is told. */
void audit_file_give_up_turn(struct audit *audit);
/* Before the first line when there was trouble: it is OK to write again. */
MUST_CHECK enum status audit_file_can_resume(struct audit *audit);
/* Goes on in this new, empty file. takes */
void audit_file_begin(struct audit *audit, int fd);
/* Days since the epoch. */
int64_t audit_file_today(void);

/* audit_pump.c: orders and answers */

/* Gives the record thread what there is to do, and sets the timer. */
void audit_pump(struct audit *audit);
void audit_pump_on_answer(void *audit, const struct record_answer *answer);
void audit_pump_on_timer(void *audit);

#endif
