/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `zegel audit verify` says of a record, for people and for programs. The names in
 * the JSON are part of the command line's contract.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_VERDICT_H
#define ZEGEL_CLI_VERDICT_H

#include <jansson.h>

#include "checkpoint.h"
#include "inspect.h"

struct verdict {
	const struct sources *sources;         /* borrows */
	const struct inspection *inspection;   /* borrows */
	const struct checkpoints *checkpoints; /* borrows */
};

/* The record is whole, and every checkpoint fits. */
bool verdict_is_valid(const struct verdict *verdict);
MUST_CHECK enum status verdict_to_text(const struct verdict *verdict, struct buf *out);
/* NULL without memory. gives */
json_t *verdict_to_json(const struct verdict *verdict);

#endif
