/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as an agent could have written it: starts, attempts with their outcomes,
 * crashes with their orphans, refusals, officers, and kinds of lines that no agent knows
 * yet. The same seed gives the same record.
 */
#ifndef ZEGEL_TESTS_RECORD_MAKER_H
#define ZEGEL_TESTS_RECORD_MAKER_H

#include "policy/entry.h"
#include "util/buf.h"
#include "util/defs.h"

struct record_maker_spec {
	uint32_t seed; /* not 0 */
	uint64_t n_lines;
	uint64_t a_file; /* lines of a file, at least 2; the last has what is left */
};

/* One line, with its newline; first_seq is that of the first line of its file. */
typedef enum status record_maker_fn(
	void *context, uint64_t first_seq, struct bytes line);

MUST_CHECK enum status record_maker_run(
	const struct record_maker_spec *spec, record_maker_fn *on_line, void *context);

enum {
	RECORD_MAKER_NAME_MAX = 64,
};
/* audit-<20 digits>.jsonl */
void record_maker_name(uint64_t first_seq, char out[static RECORD_MAKER_NAME_MAX]);

#endif
