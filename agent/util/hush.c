/* SPDX-License-Identifier: Apache-2.0 */
#include "hush.h"

#include <inttypes.h>

#include "clock.h"
#include "log.h"

static void say_all(struct hush *hush)
{
	for (size_t i = 0; i < hush->n_rows; i++) {
		const struct hush_row *row = &hush->rows[i];

		if (row->n_more == 0)
			continue;
		if (i == HUSH_ROWS - 1)
			log_event(LOG_INFO, hush->setup.message,
				"more=%" PRIu64 " users=others", row->n_more);
		else
			log_event(LOG_INFO, hush->setup.message,
				"more=%" PRIu64 " uid=%" PRIu32, row->n_more,
				row->user);
	}
	hush->n_rows = 0;
	hush->n_said = 0;
}

static void on_timer(void *context)
{
	say_all(context);
}

void hush_init(struct hush *hush, const struct hush_setup *setup)
{
	*hush = (struct hush){
		.setup = *setup,
		.timer = {.call = on_timer, .context = hush},
	};
}

void hush_deinit(struct hush *hush)
{
	if (hush->setup.loop == NULL)
		return;
	loop_timer_remove(hush->setup.loop, &hush->timer);
	say_all(hush);
}

static struct hush_row *find(struct hush *hush, uint32_t user)
{
	for (size_t i = 0; i < hush->n_rows; i++) {
		if (hush->rows[i].user == user || i == HUSH_ROWS - 1)
			return &hush->rows[i];
	}
	hush->rows[hush->n_rows] = (struct hush_row){.user = user};
	return &hush->rows[hush->n_rows++];
}

/* The first of a period begins it. */
static void begin(struct hush *hush)
{
	if (hush->timer.is_added)
		return;
	if (loop_timer_set(hush->setup.loop, &hush->timer,
		    clock_monotonic_ms() + hush->setup.period_ms) != STATUS_OK)
		return; /* the next one tries again; at the latest the end says it */
}

bool hush_count(struct hush *hush, uint32_t user)
{
	struct hush_row *row = find(hush, user);

	begin(hush);
	if (row->n_said == hush->setup.n_lines_each ||
		hush->n_said == hush->setup.n_lines) {
		row->n_more++;
		return false;
	}
	row->n_said++;
	hush->n_said++;
	return true;
}
