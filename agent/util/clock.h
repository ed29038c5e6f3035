/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two clocks: the monotonic one for deadlines, the real one for what a seal says.
 *
 * Thread: any
 */
#ifndef ZEGEL_UTIL_CLOCK_H
#define ZEGEL_UTIL_CLOCK_H

#include <stdint.h>

/* Milliseconds that never go back; they say nothing about the date. */
uint64_t clock_monotonic_ms(void);
/* Whole seconds since the epoch, rounded down: a seal's iat is never in the future. */
int64_t clock_real_s(void);
/* Minutes since Monday 00:00 in local time: 0 to 7 * 24 * 60 - 1. */
uint32_t clock_week_minute(void);
/* Microseconds since the epoch: for the record. */
int64_t clock_real_us(void);

#endif
