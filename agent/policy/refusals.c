/* SPDX-License-Identifier: Apache-2.0 */
#include "refusals.h"

#include <stdlib.h>
#include <string.h>

void refusals_deinit(struct refusals *refusals)
{
	freep(&refusals->rows);
	*refusals = (struct refusals){.rows = NULL};
}

/* What comes behind a sum that is being told belongs to a new one. */
static struct refusals_row *find(
	const struct refusals *refusals, const char *client, uid_t uid)
{
	for (size_t i = 0; i < refusals->n_rows; i++) {
		struct refusals_row *row = &refusals->rows[i];

		if (!row->is_told && row->uid == uid &&
			strcmp(row->client, client) == 0)
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

/* The row of this user, else of all that found no place; NULL when there is neither. */
static struct refusals_row *find_any(
	const struct refusals *refusals, const char *client, uid_t uid)
{
	struct refusals_row *row = find(refusals, client, uid);

	return row != NULL ? row : find(refusals, "", (uid_t)-1);
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

static void count(struct refusals_row *row, enum status status, uint64_t n)
{
	row->n_counted += n;
	row->n_by_status[status] += n;
}

bool refusals_note(struct refusals *refusals, const char *client, uid_t uid,
	enum status status, int64_t now_s)
{
	struct refusals_row *row = find_or_add(refusals, client, uid, now_s);

	must((size_t)status < REFUSALS_STATUSES_MAX);
	/* Without memory for a count: a line. */
	if (row == NULL)
		return true;
	if (row->n_single == REFUSALS_SINGLE_MAX) {
		count(row, status, 1);
		return false;
	}
	row->n_single++;
	row->n_new++;
	row->n_new_by_status[status]++;
	refusals->is_changed = true;
	return true;
}

void refusals_count(
	struct refusals *refusals, const char *client, uid_t uid, enum status status)
{
	struct refusals_row *row = find_any(refusals, client, uid);

	if (row == NULL || row->n_new_by_status[status] == 0)
		return;
	row->n_new--;
	row->n_new_by_status[status]--;
	count(row, status, 1);
}

/* A clock that was set back must not keep a minute open for years. */
static bool is_over(const struct refusals_row *row, int64_t now_s)
{
	return now_s < row->since_s || now_s - row->since_s >= REFUSALS_PERIOD_S;
}

struct refusals_row *refusals_get_over(
	struct refusals *refusals, int64_t now_s, bool is_end)
{
	size_t i = 0;

	while (i < refusals->n_rows) {
		struct refusals_row *row = &refusals->rows[i];

		if (!row->is_told && (is_end || is_over(row, now_s))) {
			if (row->n_counted > 0)
				return row;
			if (row->n_new == 0) {
				*row = refusals->rows[--refusals->n_rows];
				continue;
			}
		}
		i++;
	}
	return NULL;
}

void refusals_tell(struct refusals *refusals, struct refusals_row *row)
{
	row->is_told = true;
	refusals->is_changed = true;
}

static void forget_new(struct refusals_row *row)
{
	row->n_new = 0;
	memset(row->n_new_by_status, 0, sizeof(row->n_new_by_status));
}

void refusals_commit(struct refusals *refusals)
{
	size_t i = 0;

	if (!refusals->is_changed)
		return;
	while (i < refusals->n_rows) {
		struct refusals_row *row = &refusals->rows[i];

		if (row->is_told) {
			*row = refusals->rows[--refusals->n_rows];
			continue;
		}
		if (row->n_new > 0)
			forget_new(row);
		i++;
	}
	refusals->is_changed = false;
}

static void take_back(struct refusals_row *row)
{
	row->is_told = false;
	if (row->n_new == 0)
		return;
	for (size_t i = 0; i < REFUSALS_STATUSES_MAX; i++)
		count(row, (enum status)i, row->n_new_by_status[i]);
	forget_new(row);
}

void refusals_rollback(struct refusals *refusals)
{
	if (!refusals->is_changed)
		return;
	for (size_t i = 0; i < refusals->n_rows; i++)
		take_back(&refusals->rows[i]);
	refusals->is_changed = false;
}

bool refusals_is_empty(const struct refusals *refusals)
{
	return refusals->n_rows == 0;
}
