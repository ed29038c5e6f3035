/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a program that hangs: in a module, in a pipe that nobody writes to. A hung
 * call can only be ended with its process, so a thread of its own watches.
 *
 * Thread: main; the thread that watches is the room's own
 */
#ifndef ZEGEL_ENROL_DEADLINE_H
#define ZEGEL_ENROL_DEADLINE_H

#include <stdatomic.h>

#include "util/defs.h"

struct deadline {
	_Atomic(const char *) step; /* a constant: what runs now */
	uint64_t at_ms;
};

/* Starts the thread, which ends the process after seconds. deadline lives as long. */
MUST_CHECK enum status deadline_start(struct deadline *deadline, unsigned seconds);
/* step: a constant, the name of what is called next. */
void deadline_mark(struct deadline *deadline, const char *step);

#endif
