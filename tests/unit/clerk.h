/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody who writes to a record, as the sealer does, and remembers what he was promised.
 * What he remembers survives his process when he was made in shared memory.
 */
#ifndef ZEGEL_TESTS_CLERK_H
#define ZEGEL_TESTS_CLERK_H

#include "ledger.h"
#include "policy/audit.h"

enum {
	CLERK_PROMISES = 8192,
	CLERK_SEAL_LEN = ENTRY_HASH_LEN,
};

/* An outcome with a seal, and how far it came. */
struct clerk_seal {
	uint64_t attempt;
	uint64_t seq;
	bool is_released; /* the client has it */
	bool is_dropped;  /* the client was told that there is no record */
};

struct clerk {
	char folder[32];
	struct record_spec spec;
	struct loop *loop;
	struct audit *audit;
	/* What the record told. */
	uint64_t written;
	uint64_t durable;
	uint32_t n_failures; /* on_written with NO_RECORD */
	/* What came of it. */
	uint64_t given
		[CLERK_PROMISES]; /* attempts that are in the file: their jobs run */
	size_t n_given;
	uint64_t ready[CLERK_PROMISES]; /* attempts that were added */
	size_t n_ready;
	struct clerk_seal seals[CLERK_PROMISES];
	size_t n_seals;
	uint64_t n_refusals;
	uint64_t n_turns; /* of the loop */
};

/* A new folder and a loop; no record yet. */
void clerk_init(struct clerk *clerk);
/* Closes what is open; the folder goes too. */
void clerk_deinit(struct clerk *clerk);

enum status clerk_try_open(struct clerk *clerk);
void clerk_open(struct clerk *clerk);
/* Closes the record in good order. */
void clerk_close(struct clerk *clerk);

/* Seq of its line; 0 when there is no record. */
uint64_t clerk_attempt(struct clerk *clerk);
/* Of an attempt: with a seal, or without. False when there is no record. */
bool clerk_seal(struct clerk *clerk, uint64_t attempt);
bool clerk_fail(struct clerk *clerk, uint64_t attempt);
/* Of this user, with this status. Whether it got a line. */
bool clerk_refuse(struct clerk *clerk, uid_t uid, enum status status);
enum status clerk_act(struct clerk *clerk);

/* Turns of the loop until this holds; the test fails when that takes very long. */
typedef bool clerk_fn(const struct clerk *clerk);
void clerk_run(struct clerk *clerk, clerk_fn *until);
/* Turns of the loop for a while of real time. */
void clerk_run_ms(struct clerk *clerk, int ms);
bool clerk_is_sealing(const struct clerk *clerk);
bool clerk_is_refusing(const struct clerk *clerk);
/* Nothing that was added is not durable. */
bool clerk_is_durable(const struct clerk *clerk);

/* Runs the life in a process of its own, which ends like one that is killed. */
typedef void clerk_life_fn(struct clerk *clerk);
/* The status of waitpid(). clerk was made by clerk_new_shared(). */
int clerk_live(struct clerk *clerk, clerk_life_fn *live);
struct clerk *clerk_new_shared(void);
void clerk_free_shared(struct clerk *clerk);

/* Reads the record as it lies there, and holds it against what was promised: I1, I2, I4. */
void clerk_check(const struct clerk *clerk);
/*
 * Reads the record and holds it against what was promised: I1 every attempt whose job was
 * given is there; I2 each released seal has its outcome; I4 all of the ledger. Then the
 * record is closed, opened and closed again: I3 no attempt is left open.
 */
void clerk_judge(struct clerk *clerk);

/* Lines of this kind in the record. */
size_t clerk_count(const struct clerk *clerk, const char *kind);
/* Of a file in its folder; good until the call after the next. */
const char *clerk_path(const struct clerk *clerk, const char *name);
/* "start attempt outcome": the kinds of the last n lines. */
void clerk_assert_last(const struct clerk *clerk, size_t n, const char *kinds);

#endif
