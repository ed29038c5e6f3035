/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel-enrol init: a token out of an empty slot.
 *
 * Thread: main
 */
#ifndef ZEGEL_ENROL_INIT_H
#define ZEGEL_ENROL_INIT_H

#include "deadline.h"
#include "options.h"
#include "util/buf.h"

/*
 * Appends the RFC 7512 URI of the new token and a newline. BAD_FILE when a token of this
 * label exists or a PIN is of a length that the token does not take, NOT_FOUND when no
 * slot holds an uninitialised token.
 */
MUST_CHECK enum status init_run(
	const struct options *options, struct deadline *deadline, struct buf *out);

#endif
