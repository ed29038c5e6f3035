/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that waits for the disk, so that the main loop never does: it syncs what
 * main has written, and changes files. It takes one order at a time and answers it; it
 * decides nothing and knows no line.
 *
 * Thread: main for every call; the orders run in the record thread
 */
#ifndef ZEGEL_POLICY_RECORD_H
#define ZEGEL_POLICY_RECORD_H

#include "util/defs.h"
#include "util/loop.h"

/* The current file in its directory. */
#define RECORD_NAME "audit.jsonl"

enum {
	RECORD_NAME_MAX = 64,
};

enum record_kind {
	RECORD_SYNC,   /* sync fd; then: is it still the file of that name, so long? */
	RECORD_ROTATE, /* sync fd, give it its older name, make a new one */
	RECORD_MAKE, /* sync fd; make a file if there is none, else open the one there */
};

struct record_order {
	enum record_kind kind;
	int directory; /* borrows until it is answered */
	int fd;        /* borrows until it is answered */
	uint64_t seq;  /* given back with the answer */
	int64_t size;  /* SYNC: bytes that must be there; ROTATE: all that may be */
	char older[RECORD_NAME_MAX]; /* ROTATE */
};

struct record_answer {
	enum record_kind kind;
	uint64_t seq;
	/* Of the syncs, of file and directory, which nobody may try again. */
	enum status sync;
	/* Of the rest: CHANGED_FILE when the file is not what we wrote. */
	enum status status;
	bool is_renamed; /* ROTATE: it has its older name, also when status is not OK */
	int fd;          /* ROTATE, MAKE: the other file; takes, else FD_NONE */
	bool is_new;     /* nothing is in it */
};

typedef void record_fn(void *context, const struct record_answer *answer);

struct record;

/* on_answer is called from the loop. gives */
MUST_CHECK enum status record_open(
	struct loop *loop, record_fn *on_answer, void *context, struct record **out);
/*
 * Ends the thread. While an order is out it cannot be ended: then it is left to the end of
 * the process, together with what the order borrows. Nothing is handed up any more.
 */
void record_freep(struct record **record);

/* Whether an order is out; since when, of clock_monotonic_ms(). */
bool record_is_busy(const struct record *record);
uint64_t record_get_since_ms(const struct record *record);
/* No order is out. */
void record_give(struct record *record, const struct record_order *order);
/* Waits up to wait_ms for the answer that is out, and hands it up. False: it hangs. */
bool record_wait(struct record *record, int wait_ms);

#endif
