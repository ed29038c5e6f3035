/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel-enrol keygen: a key pair that can sign and nothing else.
 *
 * Thread: main
 */
#ifndef ZEGEL_ENROL_KEYGEN_H
#define ZEGEL_ENROL_KEYGEN_H

#include "deadline.h"
#include "options.h"
#include "util/buf.h"

/* Appends the public key as PEM. BAD_FILE when the label or id is taken. */
MUST_CHECK enum status keygen_run(
	const struct options *options, struct deadline *deadline, struct buf *out);

#endif
