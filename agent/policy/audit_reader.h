/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file of the record while it is read at a start: where its good lines end, and the
 * lines from some seq on. It reads no more than it must, whatever the file's size.
 *
 * Thread: main, before the loop runs
 */
#ifndef ZEGEL_POLICY_AUDIT_READER_H
#define ZEGEL_POLICY_AUDIT_READER_H

#include "entry.h"
#include "record.h"
#include "util/buf.h"
#include "util/defs.h"
#include "util/fd.h"

struct audit_reader {
	char name[RECORD_NAME_MAX];
	int fd; /* owns */
	int64_t size;
	struct entry_hasher *hasher; /* borrows */
	struct buf piece;            /* of the file, as it is read */
};

#define AUDIT_READER_INIT ((struct audit_reader){.fd = FD_NONE})

/* NOT_FOUND, not logged. BAD_FILE when it is no regular file; IO; both logged. */
MUST_CHECK enum status audit_reader_open(struct audit_reader *reader, int directory,
	const char *name, struct entry_hasher *hasher);
void audit_reader_deinit(struct audit_reader *reader);

/* BAD_FILE, and in the log why, and what to do now. */
MUST_CHECK enum status audit_reader_refuse(const char *name, const char *why);
/* IO, and in the log why: errno. */
MUST_CHECK enum status audit_reader_fail(const char *name, const char *step);

/* Anything but OK ends the walk; BAD_FILE is not for it to say. */
typedef enum status audit_reader_fn(
	void *context, const struct entry *entry, struct bytes line);

/* Goes from line to line, and checks the chain. */
struct audit_walk {
	struct entry_head head; /* where the chain is; seq 0: any line is its first */
	audit_reader_fn *call;  /* for each good line */
	void *context;
	/* When it has ended: */
	int64_t at;      /* behind the last good line */
	bool is_torn;    /* what is there is what a power cut or a full disk leaves */
	const char *why; /* it is no good line: a constant */
};

/* From the begin of a line to the first that is not good (BAD_FILE, not logged), or the end. */
MUST_CHECK enum status audit_reader_walk(
	struct audit_reader *reader, int64_t from, struct audit_walk *walk);

/* What of the last good line is needed. */
struct audit_last {
	struct entry_head head; /* seq 0: there is none */
	uint64_t open;
	bool is_stop;
	int64_t end; /* of it in the file, newline included; 0: there is none */
};

/*
 * Behind the end stands only what is torn, and the last 2 MiB before it are a chain: what
 * was synced is, and a power cut can leave holes only in what was not. BAD_FILE, logged,
 * when somebody changed a line there.
 */
MUST_CHECK enum status audit_reader_find_end(
	struct audit_reader *reader, struct audit_last *out);
/* The first line: its seq, and when it was written (seconds since the epoch). */
MUST_CHECK enum status audit_reader_read_first(
	struct audit_reader *reader, uint64_t *out_seq, int64_t *out_s);
/* The begin of some line from which on every line with a seq of at least open stands. */
MUST_CHECK enum status audit_reader_find_begin(
	struct audit_reader *reader, uint64_t open, int64_t *out);

#endif
