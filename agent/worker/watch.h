/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who ends the process when a module hangs or the broker is gone. A hung C_Sign can only
 * be ended with its process, so the watching thread never calls a module itself.
 *
 * Thread: watch_run() main; begin and end each signing thread with its own index
 */
#ifndef ZEGEL_WORKER_WATCH_H
#define ZEGEL_WORKER_WATCH_H

#include <stdatomic.h>

#include "token/job.h"

struct watch_row {
	_Atomic(const char *) call; /* a constant: what runs until ends_ms */
	_Atomic(uint64_t) ends_ms;  /* 0: nothing runs */
};

struct watch {
	int fd;
	uint32_t deadline_ms;
	struct watch_row rows[JOB_SESSIONS_MAX];
};

void watch_begin(struct watch *watch, uint32_t index, const char *call);
void watch_end(struct watch *watch, uint32_t index);

/* Until the broker closes the socket, or an operation passes its deadline. */
_Noreturn void watch_run(struct watch *watch);

/* Says why, if the broker takes it without waiting, and ends the process. */
_Noreturn void watch_give_up(int fd, const struct token_failed *failed);

#endif
