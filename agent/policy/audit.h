/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record without which nothing is released (design 4.6): the main thread's half. It
 * makes the lines, chains them, and writes all lines of a loop turn in one write(); that
 * they are durable is the record thread's work (record.h).
 *
 * Invariants, by their names in the tests:
 *   I1  an attempt is in the file before on_written tells that its job may be given
 *   I2  an outcome and all before it is durable before on_durable tells so
 *   I3  an attempt whose outcome could not be written gets an orphan line, at the latest
 *       when the next zegeld starts
 *   I4  the chain has no gap: lines that could not be written are taken back whole
 * When the record cannot be written, audit_get_status() says so and nothing can be added
 * but the acts of officers, for which a reserve is kept. It is tried again by itself. A
 * sync that failed is never tried again: nobody can know what it left on the disk, so the
 * process ends, and its successor judges from the disk.
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_AUDIT_H
#define ZEGEL_POLICY_AUDIT_H

#include <sys/types.h>

#include "entry.h"
#include "spec.h"
#include "util/defs.h"
#include "util/loop.h"

struct audit;

struct audit_events {
	void *context; /* borrows until the record is closed */
	/*
	 * The lines added since the last call are in the file up to seq, or, when status is
	 * NO_RECORD, none of those behind seq is, nor will be.
	 */
	void (*on_written)(void *context, enum status status, uint64_t seq);
	/* All lines up to seq would survive a power cut. */
	void (*on_durable)(void *context, uint64_t seq);
};

struct audit_setup {
	struct loop *loop;              /* borrows until closed */
	const struct record_spec *spec; /* borrows until closed */
	const char *version;            /* of zegeld */
	struct bytes config_hash;
};

/* Who asked; borrows all for the call. */
struct audit_who {
	const char *client; /* "" for a stranger */
	uid_t uid;
	pid_t pid;
	const char *unit;
};

struct audit_attempt {
	struct audit_who who;
	uint64_t connection; /* with request: as the log names it */
	uint64_t request;
	uint32_t number; /* of this try: 1, 2 or 3 */
	const char *rule;
	const char *key;
	const char *profile;
	const char *algorithm;
	struct bytes digest; /* of the signing input */
	const char *jti;     /* "" where there is none */
	const char *audience;
	struct bytes certificate; /* SHA-256 of its DER */
	const char *token;
};

struct audit_outcome {
	uint64_t attempt;   /* seq of its line */
	const char *status; /* "OK": released as soon as this is durable */
	struct bytes seal;  /* SHA-256 of the seal; empty unless OK */
};

struct audit_refusal {
	struct audit_who who;
	uint64_t connection;
	uint64_t request;
	const char *rule;    /* name of the refusal, "" when no rule was asked */
	const char *nearest; /* the allow rule that came furthest, "" */
	const char *key;
	const char *profile;
	const char *audience;
	enum status status;
};

/* Something about a peer that is no refusal of a seal. */
struct audit_peer_event {
	const char *event; /* "peer-changed" */
	struct audit_who who;
	bool has_other;
	uid_t other;        /* peer-changed: whose frame it was */
	enum status status; /* under which it is counted when it gets no line */
};

/* What an officer did. */
struct audit_act {
	const char *act; /* "reload", "read-record" */
	uid_t uid;
	pid_t pid;
	enum status status;
	struct bytes config_hash; /* reload: of the file; empty else */
};

/*
 * Opens the record and judges what is there: cuts a torn tail, gives an orphan line to
 * each attempt without an outcome, writes the start line and syncs. It waits for the disk,
 * so it is for the start only. IN_USE when another zegeld writes here, BAD_FILE when the end
 * of the record was changed by somebody, NO_RECORD when it cannot be written now; all
 * logged. A full disk with some of the reserve left is no failure: then nothing can be
 * sealed until there is space. gives
 */
MUST_CHECK enum status audit_open(const struct audit_setup *setup, struct audit **out);
/* Before anything is added. */
void audit_set_events(struct audit *audit, const struct audit_events *events);
/*
 * Writes what was added and the stop line, and waits for the disk, 2 s at most. Attempts
 * without an outcome get their orphan lines.
 */
void audit_close(struct audit **audit);

/* OK, or NO_RECORD: nothing may be sealed now. */
enum status audit_get_status(const struct audit *audit);
/* Why not, for people: "no space is left on the device"; "" when all is well. */
const char *audit_get_why(const struct audit *audit);
/* Lines in the file, of all time. */
uint64_t audit_get_n_lines(const struct audit *audit);
/* The last line in the file, and its hash: what a checkpoint is about. */
void audit_get_head(
	const struct audit *audit, uint64_t *seq, uint8_t hash[static ENTRY_HASH_LEN]);
/* Whether seals wait for a sync (audit-sync = "seal"). */
bool audit_waits_for_sync(const struct audit *audit);

/*
 * Each adds one line to those of this turn, and gives its seq. NO_RECORD when it cannot
 * be; an outcome's attempt is then remembered, and gets its orphan line as soon as there
 * is a record again.
 */
MUST_CHECK enum status audit_add_attempt(
	struct audit *audit, const struct audit_attempt *attempt, uint64_t *out_seq);
MUST_CHECK enum status audit_add_outcome(
	struct audit *audit, const struct audit_outcome *outcome, uint64_t *out_seq);
/*
 * The seal of an OK outcome did not reach its client after all. Without a record now the
 * line is kept until there is one.
 */
void audit_add_undelivered(struct audit *audit, uint64_t attempt, const char *why);
/*
 * Refusals are counted for each user: the first of a minute get a line each, the others
 * one together. Whether this one got its own, and so is worth a line in the log.
 */
bool audit_add_refusal(struct audit *audit, const struct audit_refusal *refusal);
/* Counted with the refusals of the user that connected. */
void audit_add_peer_event(struct audit *audit, const struct audit_peer_event *event);
/* A signed note over the head of the chain; NO_RECORD. */
MUST_CHECK enum status audit_add_checkpoint(
	struct audit *audit, uint64_t attempt, struct bytes note);
/*
 * Written at once, with the lines of this turn so far (on_written may be called), and into
 * the reserve when the disk is full; later only while a file is on its way. NO_RECORD when
 * not even that is left, or for another reason nothing can be written.
 */
MUST_CHECK enum status audit_add_act(struct audit *audit, const struct audit_act *act);

/* Whether lines wait for audit_flush(). */
bool audit_has_lines(const struct audit *audit);
/*
 * Writes the lines of this turn; on_written tells how it went, perhaps later. To be called
 * at the end of each turn of the loop in which something may have been added.
 */
void audit_flush(struct audit *audit);

/*
 * An officer says that what was done to the files was meant: they are looked at again, as
 * soon as the disk answers.
 */
void audit_reopen(struct audit *audit);
/* A descriptor for reading: index 0 the current file, 1, 2 … older ones. NOT_FOUND. gives */
MUST_CHECK enum status audit_open_file(
	const struct audit *audit, uint64_t index, char name[static 64], int *out);

#endif
