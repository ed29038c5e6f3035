/* SPDX-License-Identifier: Apache-2.0 */
/*
 * util/clock.h for test programs that are linked with its calls wrapped: the real clocks,
 * and what was added to them.
 */
#ifndef ZEGEL_TESTS_CLOCK_FAKE_H
#define ZEGEL_TESTS_CLOCK_FAKE_H

#include <stdint.h>

/* Both clocks are right again. */
void clock_fake_reset(void);
/* The monotonic clock goes on. */
void clock_fake_pass_ms(uint64_t ms);
/* The real clock is set, from the right time. */
void clock_fake_set_off_s(int64_t s);

#endif
