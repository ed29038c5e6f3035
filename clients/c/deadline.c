/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time left. A call has one deadline from its begin to its end, and every step waits
 * against that one, so that a slow peer cannot stretch it byte by byte.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

static uint64_t now_ms(void)
{
	struct timespec now;

	/* It cannot fail: the clock is one that Linux always has. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t deadline_in(uint32_t ms)
{
	return now_ms() + ms;
}

uint32_t deadline_left_ms(uint64_t deadline_ms)
{
	const uint64_t now = now_ms();

	return now < deadline_ms ? (uint32_t)(deadline_ms - now) : 0;
}

enum zegel_status deadline_wait(const struct call *call, int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};
	uint32_t left;

	while ((left = deadline_left_ms(call->deadline_ms)) > 0) {
		const int n = poll(&one, 1, (int)left);

		if (n > 0)
			return ZEGEL_OK;
		if (n < 0 && errno != EINTR)
			return error_set_errno(call->error, ZEGEL_INTERNAL,
				"cannot wait for the agent");
	}
	return error_set(call->error, ZEGEL_TIMEOUT,
		"the agent did not answer within %u ms",
		(unsigned)call->zegel->timeout_ms);
}
