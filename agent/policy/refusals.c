/* SPDX-License-Identifier: Apache-2.0 */
#include "refusals.h"

#include <stdlib.h>
#include <string.h>

void refusals_deinit(struct refusals *refusals)
{
	freep(&refusals->rows);
	*refusals = (struct refusals){.rows = NULL};
}

static struct refusals_row *find(
	const struct refusals *refusals, const char *client, uid_t uid)
{
	for (size_t i = 0; i < refusals->n_rows; i++) {
		struct refusals_row *row = &refusals->rows[i];

		if (row->uid == uid && strcmp(row->client, client) == 0)
			return row;
	}
	return NULL;
}

/* NULL when there is no memory. */
static struct refusals_row *add(
	struct refusals *refusals, const char *client, uid_t uid, int64_t now_s)
{
	struct refusals_row *row;

	if (refusals->n_rows == refusals->room) {
		const size_t room = refusals->room == 0 ? 4 : refusals->room * 2;
		void *grown =
			reallocarray(refusals->rows, room, sizeof(refusals->rows[0]));

		if (grown == NULL)
			return NULL;
		refusals->rows = grown;
		refusals->room = room;
	}
	row = &refusals->rows[refusals->n_rows++];
	*row = (struct refusals_row){.uid = uid, .since_s = now_s};
	must(strlen(client) <= NAME_MAX_LEN);
	memcpy(row->client, client, strlen(client) + 1);
	return row;
}

static struct refusals_row *find_or_add(
	struct refusals *refusals, const char *client, uid_t uid, int64_t now_s)
{
	struct refusals_row *row = find(refusals, client, uid);

	if (row != NULL)
		return row;
	if (refusals->n_rows < REFUSALS_USERS_MAX - 1)
		return add(refusals, client, uid, now_s);
	row = find(refusals, "", (uid_t)-1);
	return row != NULL ? row : add(refusals, "", (uid_t)-1, now_s);
}

static void count(struct refusals_row *row, enum status status)
{
	must((size_t)status < REFUSALS_STATUSES_MAX);
	row->n_counted++;
	row->n_by_status[status]++;
}

bool refusals_note(struct refusals *refusals, const char *client, uid_t uid,
	enum status status, int64_t now_s)
{
	struct refusals_row *row = find_or_add(refusals, client, uid, now_s);

	/* Without memory for a count: a line. */
	if (row == NULL)
		return true;
	if (row->n_single < REFUSALS_SINGLE_MAX) {
		row->n_single++;
		return true;
	}
	count(row, status);
	return false;
}

void refusals_count(struct refusals *refusals, const char *client, uid_t uid,
	enum status status, int64_t now_s)
{
	struct refusals_row *row = find_or_add(refusals, client, uid, now_s);

	if (row != NULL)
		count(row, status);
}

bool refusals_take(
	struct refusals *refusals, int64_t now_s, bool is_end, struct refusals_row *out)
{
	size_t i = 0;

	while (i < refusals->n_rows) {
		const struct refusals_row *row = &refusals->rows[i];
		/* A clock that was set back must not keep a minute open for years. */
		const bool is_over = is_end || now_s < row->since_s ||
				     now_s - row->since_s >= REFUSALS_PERIOD_S;
		const bool is_telling = is_over && row->n_counted > 0;

		if (is_telling)
			*out = *row;
		if (is_over)
			refusals->rows[i] = refusals->rows[--refusals->n_rows];
		else
			i++;
		if (is_telling)
			return true;
	}
	return false;
}

bool refusals_is_empty(const struct refusals *refusals)
{
	return refusals->n_rows == 0;
}
