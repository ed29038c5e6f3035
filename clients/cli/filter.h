/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which lines of a record somebody wants to see. A line is first looked at as bytes; only
 * one that can be wanted is parsed.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_FILTER_H
#define ZEGEL_CLI_FILTER_H

#include "moment.h"
#include "policy/entry.h"

enum filter_member {
	FILTER_CLIENT,
	FILTER_KEY,
	FILTER_AUD,
	FILTER_JTI,
	FILTER_N_MEMBERS, /* how many there are; not a member */
};

struct filter {
	bool has_since;
	bool has_until;
	char since[MOMENT_LEN + 1];            /* from then on */
	char until[MOMENT_LEN + 1];            /* before then */
	const char *members[FILTER_N_MEMBERS]; /* borrows; NULL: any */
	const char *status;                    /* borrows; NULL: any */
	const char *kind;                      /* borrows; NULL: any */
};

/* Whether anything of the line's own members matters, beside its status. */
bool filter_has_members(const struct filter *filter);
/* By its time and kind. */
bool filter_takes_entry(const struct filter *filter, const struct entry *entry);
/* By client, key, aud and jti. */
bool filter_takes_members(const struct filter *filter, const struct entry *entry);
/* By its status, or those that it counts ("by"). */
bool filter_takes_status(const struct filter *filter, const struct entry *entry);
/* By a status that the line does not have itself. */
bool filter_takes_status_name(const struct filter *filter, const char *status);

#endif
