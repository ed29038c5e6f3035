/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

enum {
	/* Before the latch opens, a breath that grows with each fruitless start. */
	BREATH_MS = 10,
};

void pace_on_fruitless(struct pace *pace, uint64_t start_ms, uint64_t now_ms)
{
	/* The ring's next place holds the oldest of the last ten. */
	uint64_t *place = &pace->starts_ms[pace->n_starts % PACE_FRUITLESS_MAX];

	*place = start_ms;
	pace->n_starts++;
	if (pace->pause_ms != 0) {
		pace->pause_ms *= 2;
		if (pace->pause_ms > PACE_PAUSE_LAST_MS)
			pace->pause_ms = PACE_PAUSE_LAST_MS;
		return;
	}
	if (pace->n_starts < PACE_FRUITLESS_MAX)
		return;
	place = &pace->starts_ms[pace->n_starts % PACE_FRUITLESS_MAX];
	if (now_ms - *place <= PACE_WINDOW_MS)
		pace->pause_ms = PACE_PAUSE_FIRST_MS;
}

void pace_on_good(struct pace *pace)
{
	*pace = (struct pace){.n_starts = 0};
}

bool pace_is_open(const struct pace *pace)
{
	return pace->pause_ms != 0;
}

uint32_t pace_get_pause_ms(const struct pace *pace)
{
	const uint32_t recent = pace->n_starts < PACE_FRUITLESS_MAX
					? pace->n_starts
					: PACE_FRUITLESS_MAX;

	/* The first one may be chance: its successor starts at once. */
	if (pace->pause_ms != 0)
		return pace->pause_ms;
	return recent <= 1 ? 0 : (recent - 1) * BREATH_MS;
}
