/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard that keeps a daemon from locking a token (design 4.7). A try counts from the
 * moment it is allowed: a worker that dies inside C_Login leaves a try of unknown end.
 * A PIN that was refused once is never tried again.
 *
 * The guard does not hold the PIN; it says whether a try may be made. It lives as long as
 * the broker.
 *
 * Thread: main
 */
#ifndef ZEGEL_TOKEN_PIN_H
#define ZEGEL_TOKEN_PIN_H

#include "spec.h"
#include "util/defs.h"

struct pin_guard {
	bool is_pending;    /* a try was allowed and its end is not known */
	bool is_refused;    /* the token said no, or showed that it would */
	uint32_t n_unknown; /* tries in a row that ended with the worker */
};

/* Whether a try may be made at all. */
bool pin_can_try(const struct pin_guard *guard);
/* A try begins: from now on it counts. */
void pin_begin(struct pin_guard *guard);
/* The token took the PIN, or refused it. */
void pin_finish(struct pin_guard *guard, bool is_accepted);
/* The worker is gone; if it was inside a try, that try's end is unknown. */
void pin_on_gone(struct pin_guard *guard);

/*
 * Opens the PIN's descriptor for a new worker; FD_NONE when the spec has none. BAD_FILE
 * when the file is not regular, not ours or open to others; logged. gives
 */
MUST_CHECK enum status pin_open(const struct token_spec *spec, int *out_fd);

#endif
