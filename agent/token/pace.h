/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How soon a token's next worker may start. A start is fruitless when it gave no good
 * signature. Ten of them within a minute open the latch; from then on each further one
 * doubles the pause, from 0.1 s to 30 s. One good signature closes it.
 *
 * Thread: main
 */
#ifndef ZEGEL_TOKEN_PACE_H
#define ZEGEL_TOKEN_PACE_H

#include "util/defs.h"

enum {
	PACE_FRUITLESS_MAX = 10,
	PACE_WINDOW_MS = 60000,
	PACE_PAUSE_FIRST_MS = 100,
	PACE_PAUSE_LAST_MS = 30000,
};

struct pace {
	uint64_t starts_ms
		[PACE_FRUITLESS_MAX]; /* of the last fruitless starts, in a ring */
	uint32_t n_starts;            /* in all since the last good signature */
	uint32_t pause_ms;            /* 0: the latch is closed */
};

/* A worker ended that gave no good signature; it had started at start_ms. */
void pace_on_fruitless(struct pace *pace, uint64_t start_ms, uint64_t now_ms);
void pace_on_good(struct pace *pace);
bool pace_is_open(const struct pace *pace);
/* How long to wait from now to the next start. */
uint32_t pace_get_pause_ms(const struct pace *pace);

#endif
