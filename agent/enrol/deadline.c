/* SPDX-License-Identifier: Apache-2.0 */
#include "deadline.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/log.h"

enum {
	MS_PER_S = 1000,
	NS_PER_MS = 1000000,
};

static void *watch(void *context)
{
	struct deadline *deadline = context;
	const struct timespec at = {
		.tv_sec = (time_t)(deadline->at_ms / MS_PER_S),
		.tv_nsec = (long)(deadline->at_ms % MS_PER_S) * NS_PER_MS,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
		;
	log_event(LOG_ERR, "expected to be ready before the deadline",
		"hangs_in=\"%s\"", atomic_load(&deadline->step));
	/* Not exit(): what hangs may hold locks that atexit handlers want. */
	_exit(status_exit(STATUS_TIMEOUT));
}

enum status deadline_start(struct deadline *deadline, unsigned seconds)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	atomic_store(&deadline->step, "start");
	deadline->at_ms = clock_monotonic_ms() + (uint64_t)seconds * MS_PER_S;
	/* Signals are the main thread's: they end the process, wherever it hangs. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, watch, deadline);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		log_event(
			LOG_ERR, "cannot start the watching thread", "errno=%d", error);
		return STATUS_NO_MEMORY;
	}
	(void)pthread_detach(thread);
	return STATUS_OK;
}

void deadline_mark(struct deadline *deadline, const char *step)
{
	atomic_store(&deadline->step, step);
}
