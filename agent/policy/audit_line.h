/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lines of the record say: for each kind its members, `,"name":value` in a fixed
 * order (docs/audit.md). Everything foreign is escaped here, so that a line is printable
 * ASCII whatever a peer, a file or a module said.
 *
 * Thread: any
 */
#ifndef ZEGEL_POLICY_AUDIT_LINE_H
#define ZEGEL_POLICY_AUDIT_LINE_H

#include "audit.h"
#include "util/buf.h"

#define AUDIT_KIND_START       "start"
#define AUDIT_KIND_STOP        "stop"
#define AUDIT_KIND_ROTATE      "rotate"
#define AUDIT_KIND_ATTEMPT     "attempt"
#define AUDIT_KIND_OUTCOME     "outcome"
#define AUDIT_KIND_ORPHAN      "orphan"
#define AUDIT_KIND_UNDELIVERED "undelivered"
#define AUDIT_KIND_REFUSAL     "refusal"
#define AUDIT_KIND_REFUSALS    "refusals"
#define AUDIT_KIND_PEER        "peer"
#define AUDIT_KIND_OFFICER     "officer"
#define AUDIT_KIND_FULL        "full"
#define AUDIT_KIND_RESUMED     "resumed"
#define AUDIT_KIND_CHECKPOINT  "checkpoint"

/* A start of zegeld. */
struct audit_start {
	const char *version;
	struct bytes config_hash;
	const char *after; /* "new", "stop" or "crash" */
	uint64_t cut;      /* bytes of a torn tail */
};

/* Refusals of one user that got no line each. */
struct audit_flood {
	const char *client;
	uid_t uid;
	uint64_t since_s;            /* since the epoch */
	const uint64_t *n_by_status; /* of enum status, REFUSALS_STATUSES_MAX of them */
};

/* "text" with everything but printable ASCII, quote and backslash as \u00XX a byte. */
MUST_CHECK enum status audit_line_append_text(struct buf *out, struct bytes text);

MUST_CHECK enum status audit_line_start(
	struct buf *out, const struct audit_start *start);
MUST_CHECK enum status audit_line_rotate(struct buf *out, const char *older);
MUST_CHECK enum status audit_line_attempt(
	struct buf *out, const struct audit_attempt *attempt);
MUST_CHECK enum status audit_line_outcome(
	struct buf *out, const struct audit_outcome *outcome);
MUST_CHECK enum status audit_line_orphan(struct buf *out, uint64_t attempt);
MUST_CHECK enum status audit_line_undelivered(
	struct buf *out, uint64_t attempt, const char *why);
MUST_CHECK enum status audit_line_refusal(
	struct buf *out, const struct audit_refusal *refusal);
MUST_CHECK enum status audit_line_flood(
	struct buf *out, const struct audit_flood *flood);
MUST_CHECK enum status audit_line_peer(
	struct buf *out, const struct audit_peer_event *event);
MUST_CHECK enum status audit_line_act(struct buf *out, const struct audit_act *act);
/* note: UTF-8. */
MUST_CHECK enum status audit_line_checkpoint(
	struct buf *out, uint64_t attempt, struct bytes note);
MUST_CHECK enum status audit_line_why(struct buf *out, const char *why);

/* The attempt that an outcome, orphan or undelivered line is about, from its line. */
bool audit_line_get_attempt(
	const struct entry *entry, struct bytes line, uint64_t *out);

#endif
