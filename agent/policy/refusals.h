/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals, rationed: the first of a user's minute are worth a line each, those behind
 * are counted, and the count is one line when the minute is over. So a flood of refusals
 * fills neither the record nor the log, and no refusal is lost from the sum: what could
 * not be written (refusals_rollback) is counted, and told later. A connection on which
 * another user wrote counts as one of him that connected.
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_REFUSALS_H
#define ZEGEL_POLICY_REFUSALS_H

#include <sys/types.h>

#include "util/defs.h"
#include "util/text.h"

enum {
	REFUSALS_SINGLE_MAX = 20, /* lines of their own in a minute */
	REFUSALS_PERIOD_S = 60,
	REFUSALS_USERS_MAX = 256, /* further ones are counted together */
	REFUSALS_STATUSES_MAX = 96,
};

/* Of one user in one minute. */
struct refusals_row {
	char client[NAME_MAX_LEN + 1]; /* "" for a stranger */
	uid_t uid;                     /* (uid_t)-1: of all that found no place */
	int64_t since_s;
	uint32_t n_single;
	uint64_t n_counted;
	uint64_t n_by_status[REFUSALS_STATUSES_MAX]; /* those counted */
	/* Of this turn, which may be taken back: */
	bool is_told; /* its sum is among the lines */
	uint32_t n_new;
	uint32_t n_new_by_status[REFUSALS_STATUSES_MAX]; /* those with lines */
};

struct refusals {
	struct refusals_row *rows; /* owns n_rows */
	size_t n_rows;
	size_t room;
	bool is_changed; /* something is of this turn */
};

void refusals_deinit(struct refusals *refusals);
/* Whether this one is worth a line of its own; else it is counted. */
bool refusals_note(struct refusals *refusals, const char *client, uid_t uid,
	enum status status, int64_t now_s);
/* Counts the one that was just worth a line: it cannot get it. */
void refusals_count(
	struct refusals *refusals, const char *client, uid_t uid, enum status status);
/*
 * A user whose minute is over (any, when is_end) and of whom something was counted; NULL
 * when there is none. Borrows until the next call. Those with nothing counted are dropped
 * on the way.
 */
struct refusals_row *refusals_get_over(
	struct refusals *refusals, int64_t now_s, bool is_end);
/* Its sum is among the lines of this turn. */
void refusals_tell(struct refusals *refusals, struct refusals_row *row);
/* The lines of this turn are in the record. */
void refusals_commit(struct refusals *refusals);
/* They are not. */
void refusals_rollback(struct refusals *refusals);
bool refusals_is_empty(const struct refusals *refusals);

#endif
