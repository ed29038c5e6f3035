/* SPDX-License-Identifier: Apache-2.0 */
#include "opens.h"

#include <stdlib.h>

enum {
	ROOM_MIN = 64,
};

void opens_deinit(struct opens *opens)
{
	freep(&opens->rows);
	*opens = (struct opens){.rows = NULL};
}

enum status opens_put(struct opens *opens, uint64_t seq)
{
	must(opens->n_rows == 0 || opens->rows[opens->n_rows - 1].seq < seq);
	if (opens->n_rows == opens->room) {
		const size_t room = opens->room == 0 ? ROOM_MIN : opens->room * 2;
		void *grown = room > OPENS_MAX ? NULL
					       : reallocarray(opens->rows, room,
							 sizeof(opens->rows[0]));

		if (grown == NULL)
			return STATUS_NO_MEMORY;
		opens->rows = grown;
		opens->room = room;
	}
	opens->rows[opens->n_rows++] =
		(struct opens_row){.seq = seq, .state = OPENS_OUT, .is_new = true};
	return STATUS_OK;
}

static struct opens_row *find(const struct opens *opens, uint64_t seq)
{
	size_t begin = 0;
	size_t end = opens->n_rows;

	while (begin < end) {
		const size_t middle = begin + (end - begin) / 2;

		if (opens->rows[middle].seq < seq)
			begin = middle + 1;
		else
			end = middle;
	}
	if (begin == opens->n_rows || opens->rows[begin].seq != seq)
		return NULL;
	return &opens->rows[begin];
}

void opens_take_back(struct opens *opens, uint64_t seq)
{
	must(opens->n_rows > 0 && opens->rows[opens->n_rows - 1].seq == seq);
	opens->n_rows--;
}

bool opens_close(struct opens *opens, uint64_t seq)
{
	struct opens_row *row = find(opens, seq);

	if (row == NULL || row->state == OPENS_CLOSING)
		return false;
	row->state = OPENS_CLOSING;
	return true;
}

void opens_abandon(struct opens *opens, uint64_t seq)
{
	struct opens_row *row = find(opens, seq);

	if (row != NULL)
		row->state = OPENS_ABANDONED;
}

void opens_abandon_all(struct opens *opens)
{
	for (size_t i = 0; i < opens->n_rows; i++) {
		/* An outcome that is on its way must not get an orphan line beside it. */
		if (opens->rows[i].state == OPENS_OUT)
			opens->rows[i].state = OPENS_ABANDONED;
	}
}

void opens_commit(struct opens *opens)
{
	size_t n = 0;

	for (size_t i = 0; i < opens->n_rows; i++) {
		if (opens->rows[i].state == OPENS_CLOSING)
			continue;
		opens->rows[n] = opens->rows[i];
		opens->rows[n++].is_new = false;
	}
	opens->n_rows = n;
}

void opens_rollback(struct opens *opens)
{
	size_t n = 0;

	for (size_t i = 0; i < opens->n_rows; i++) {
		if (opens->rows[i].is_new)
			continue;
		opens->rows[n] = opens->rows[i];
		if (opens->rows[n].state == OPENS_CLOSING)
			opens->rows[n].state = OPENS_ABANDONED;
		n++;
	}
	opens->n_rows = n;
}

uint64_t opens_get_oldest(const struct opens *opens)
{
	for (size_t i = 0; i < opens->n_rows; i++) {
		if (opens->rows[i].state != OPENS_CLOSING)
			return opens->rows[i].seq;
	}
	return 0;
}

uint64_t opens_get_abandoned(const struct opens *opens)
{
	for (size_t i = 0; i < opens->n_rows; i++) {
		if (opens->rows[i].state == OPENS_ABANDONED)
			return opens->rows[i].seq;
	}
	return 0;
}
