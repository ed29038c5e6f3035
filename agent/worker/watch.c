/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No tick: an operation that begins while poll() waits ends its time after poll() does,
 * because both wait for deadline_ms.
 *
 * The end is always _exit: modules crash or hang in C_Finalize and in atexit handlers.
 */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "channel.h"
#include "util/clock.h"
#include "util/log.h"

void watch_begin(struct watch *watch, uint32_t index, const char *call)
{
	struct watch_row *row = &watch->rows[index];

	atomic_store_explicit(&row->call, call, memory_order_relaxed);
	atomic_store_explicit(&row->ends_ms, clock_monotonic_ms() + watch->deadline_ms,
		memory_order_release);
}

void watch_end(struct watch *watch, uint32_t index)
{
	atomic_store_explicit(&watch->rows[index].ends_ms, 0, memory_order_release);
}

_Noreturn void watch_give_up(int fd, const struct token_failed *failed)
{
	const union job_message message = {.failed = *failed};

	channel_send_now(fd, &message);
	_exit(status_exit(STATUS_TOKEN_FAILED));
}

static _Noreturn void end_late(const struct watch *watch, const char *call)
{
	struct token_failed failed = {
		.head = {JOB_FAILED, JOB_LAYOUT},
		.outcome = JOB_BROKEN,
		.call = "deadline",
	};

	(void)snprintf(failed.text, sizeof(failed.text), "%s took longer than %u ms",
		call, watch->deadline_ms);
	watch_give_up(watch->fd, &failed);
}

/* How long poll() may wait; ends the process when something is late already. */
static int judge_rows(struct watch *watch)
{
	const uint64_t now = clock_monotonic_ms();
	uint64_t wait_ms = watch->deadline_ms;

	for (size_t i = 0; i < ARRAY_LEN(watch->rows); i++) {
		struct watch_row *row = &watch->rows[i];
		const uint64_t ends_ms =
			atomic_load_explicit(&row->ends_ms, memory_order_acquire);

		if (ends_ms == 0)
			continue;
		if (ends_ms <= now)
			end_late(watch,
				atomic_load_explicit(&row->call, memory_order_relaxed));
		if (ends_ms - now < wait_ms)
			wait_ms = ends_ms - now;
	}
	return (int)wait_ms;
}

_Noreturn void watch_run(struct watch *watch)
{
	for (;;) {
		struct pollfd socket = {.fd = watch->fd, .events = POLLRDHUP};
		const int n = poll(&socket, 1, judge_rows(watch));

		if (n > 0)
			_exit(0);
		if (n < 0 && errno != EINTR && errno != ENOMEM) {
			log_event(
				LOG_ERR, "cannot watch the socket", "errno=%d", errno);
			_exit(status_exit(STATUS_IO));
		}
	}
}
