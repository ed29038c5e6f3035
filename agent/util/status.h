/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call came to. status.def is the one list; nothing else in the agent is an
 * error code. Each status has a fixed text that a client may see, so a text says what
 * was expected and never repeats what was sent.
 *
 * Thread: any
 */
#ifndef ZEGEL_UTIL_STATUS_H
#define ZEGEL_UTIL_STATUS_H

/* The nine words of the wire; numbers as in proto/zegel.proto. */
enum wire_status {
	WIRE_OK = 0,
	WIRE_INVALID = 1,
	WIRE_DENIED = 2,
	WIRE_LOCKED = 3,
	WIRE_BUSY = 4,
	WIRE_TIMEOUT = 5,
	WIRE_UNAVAILABLE = 6,
	WIRE_UNSUPPORTED = 7,
	WIRE_INTERNAL = 8,
};

enum status {
#define STATUS(name, wire, exit, text) STATUS_##name,
#include "status.def"
#undef STATUS
};

/* "BAD_CLAIMS"; borrowed for ever. */
const char *status_name(enum status status);
/* One sentence without a full stop; borrowed for ever. */
const char *status_text(enum status status);
/* The word that the client reads. */
enum wire_status status_wire(enum status status);
/* What a program of ours exits with (sysexits.h). */
int status_exit(enum status status);

#endif
