/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints of the record: now and then the head of its chain is sealed with a key of
 * ours, as a signed note (c2sp.org/signed-note; its form: docs/audit.md). Who keeps such a
 * note elsewhere can show later that nothing before it was rewritten or cut off, not even
 * by root. It is a line of the record, and goes to the log.
 *
 * The signature goes the way of every other: an attempt before it, an outcome behind.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_CHECKPOINT_H
#define ZEGEL_SEAL_CHECKPOINT_H

#include "policy/spec.h"
#include "seal.h"
#include "util/buf.h"
#include "util/loop.h"

enum {
	CHECKPOINT_TEXT_MAX = 256,
	CHECKPOINT_NOTE_MAX = 4096,
};

struct checkpoint {
	struct sealer *sealer;          /* borrows: its owner */
	const struct record_spec *spec; /* borrows */
	struct key *key;                /* NULL: there are no checkpoints */
	struct buf text;                /* of the one that is being sealed */
	bool is_under_way;
	bool has_failed; /* said once */
	uint64_t seq;    /* lines there were when the last one was made or tried */
	uint64_t due_ms; /* by time; 0: not timed */
};

/* Nothing happens when spec names no key. The keys have their places. */
void checkpoint_init(struct checkpoint *checkpoint, struct sealer *sealer,
	const struct record_spec *spec);
void checkpoint_deinit(struct checkpoint *checkpoint);

/* At the end of a turn: begins one when it is due. */
void checkpoint_look(struct checkpoint *checkpoint);
/* The answer to the act that checkpoint_look() began. */
void checkpoint_on_answer(struct checkpoint *checkpoint, uint64_t attempt,
	const struct chain *chain, const struct seal_answer *answer);

#endif
