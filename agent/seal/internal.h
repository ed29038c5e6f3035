/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the sealer, shared by sealer.c (what there is), seal.c (an act begins
 * and ends), desk.c (who may sit down at a token next), give.c (jobs) and release.c (what
 * their signatures become).
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_INTERNAL_H
#define ZEGEL_SEAL_INTERNAL_H

#include "checkpoint.h"
#include "policy/rate.h"
#include "seal.h"
#include "util/slots.h"

enum {
	ACTS_MAX = 1 << 17, /* in all lines and at all tokens */
	GIVEN_MAX = 3,      /* times that a job is given; the last time alone */
	UNIT_MAX_LEN = 255, /* of a systemd unit's name */
};

/* A token, and the keys on it for which somebody waits. */
struct desk {
	TAILQ_ENTRY(desk) next_stirred;
	TAILQ_HEAD(desk_waiting, key_on) waiting; /* takes turns: first in, then last */
	struct sealer *sealer;                    /* borrows: its owner */
	struct token *token;                      /* owns */
	bool is_stirred;  /* something changed: look at it at the end of the turn */
	bool is_ready;    /* as it was judged last */
	bool is_reserved; /* an act is alone at this token */
	bool is_deaf;     /* it took no job: nothing is tried until it changes */
	uint32_t n_ready; /* sessions that are promised to acts which are READY */
};

enum act_state {
	ACT_WAITING,   /* in its key's line */
	ACT_READY,     /* composed; its attempt is among the lines of this turn */
	ACT_OUT,       /* its job is at a token */
	ACT_RECORDING, /* the seal is made; its outcome is on its way to the disk */
};

TAILQ_HEAD(act_list, act);

struct act {
	struct line_link link; /* in its key's line, while it waits */
	TAILQ_ENTRY(act) next; /* in the sealer's list, while READY or RECORDING */
	struct sealer *sealer; /* borrows */
	uint64_t id;
	struct seal_owner owner;
	struct seal_request *request; /* owns */
	const struct algorithm *algorithm;
	struct key *key;
	struct key_on *on; /* where the job is, while it is out */
	/* Copies: the policy that they came from may be gone before the act is. */
	char client[NAME_MAX_LEN + 1];
	char rule[NAME_MAX_LEN + 1];
	char *unit; /* owns */
	uid_t uid;
	pid_t pid;
	uint32_t weight;      /* of the client, beside others in the line */
	struct rate_use *use; /* owns; of the rule's limits, NULL without */
	enum act_state state;
	bool is_over; /* answered or forgotten; kept until its job comes back */
	uint32_t n_given;
	uint64_t begun_ms;
	uint64_t given_ms;
	struct loop_timer timer; /* its deadline */
	struct draft draft;
	uint64_t attempt; /* seq of its line in the record, while READY or OUT */
	uint64_t outcome; /* seq, while RECORDING */
	struct buf seal;  /* made, not released yet */
};

struct sealer {
	struct loop *loop; /* borrows */
	struct hashes hashes;
	struct token_gate *gate; /* owns */
	struct rate_book *rates; /* owns */
	struct desk *desks;      /* owns n_desks */
	size_t n_desks;
	struct key *keys; /* owns n_keys, sorted by name */
	size_t n_keys;
	struct slots acts;
	TAILQ_HEAD(stirred, desk) stirred;
	struct audit *audit; /* borrows: the record */
	struct checkpoint checkpoint;
	struct act_list ready;
	struct act_list recording; /* in the order of their outcomes */
	seal_done_fn *done;
	void *done_context;
	uint32_t min_left_s;
	uint32_t line_max;
	bool is_stopping;
	struct sealer_counts counts;
	struct token_job job; /* the job being given */
};

/* desk.c */

/* Look at this desk at the end of the turn. */
void desk_stir(struct desk *desk);
/* The end of a turn: gives jobs at every desk that was stirred. */
void desk_on_turn_end(void *sealer);
/* The token's state changed: judge its keys, send away those who wait in vain. */
void desk_on_change(struct desk *desk);
/* Whether the line has a place for its client. */
bool desk_can_join(const struct act *act);
/* Joins the line. BUSY: it has no place for this client. NO_MEMORY. */
MUST_CHECK enum status desk_join(struct act *act);
/* Joins the line again, in front: its job was out, and came to nothing. */
void desk_join_again(struct act *act);
/* Leaves the line because it is its turn. */
void desk_take(struct act *act);
/* Leaves the line without a turn. */
void desk_leave(struct act *act);
/* Answers all who wait for the key. */
void desk_refuse_all(struct key *key, enum status status);
/* OK: worth waiting for; else what to say: NOT_VALID_NOW, LOCKED or TOKEN_GONE. */
enum status desk_get_hope(const struct key *key);
/* The same, for who needs this kind of key. */
enum status desk_get_hope_for(const struct key *key, enum key_kind kind);

/* seal.c */

/*
 * Whether a request that a rule allows could be sealed with the key now, and with what: it
 * fits the key, the record can be written, some token gives hope. Places in line and
 * limits of the rule come behind it.
 */
MUST_CHECK enum status seal_check(const struct sealer *sealer,
	const struct seal_request *request, const struct key *key,
	const struct algorithm **out);
/* The name in the record of what refuses beside the rules; "" for what has none. */
const char *seal_name_refusal(enum status status);
/* Forgets an act that is in no line any more. */
void seal_free(struct act *act);
/*
 * The agent's own seal of a digest, in front of everybody's: the answer goes to
 * checkpoint_on_answer().
 */
MUST_CHECK enum status seal_begin_own(struct sealer *sealer, struct key *key,
	const struct algorithm *algorithm, struct bytes digest, uint32_t timeout_ms);
/* Answers an act that waits, and ends it. */
void seal_refuse(struct act *act, enum status status);
/* Answers, once. False when whoever asked is not there any more. */
bool seal_answer(struct act *act, const struct seal_answer *answer);
void seal_answer_refusal(struct act *act, enum status status);

/* give.c: from the line to a token, and back into the line */

/* Composes, and promises the job; it is given when its attempt is in the record. */
void give_start(struct act *act, struct key_on *on);
/* The attempts of all that are READY are in the record: their jobs are given. */
void give_ready(struct sealer *sealer);
/* They are not. */
void give_refuse_ready(struct sealer *sealer);
/* The job is back, one way or another. */
struct act *give_take_back(struct desk *desk, uint64_t job_id);
/* What the try came to goes into the record; then the job is given again, or answered. */
void give_again(struct act *act, enum status status, const char *outcome);
void give_on_lost(struct desk *desk, uint64_t job_id);

/* release.c: from a signature to the answer */

void release_on_result(struct desk *desk, const struct token_result *result);
/* What the record says: audit_events of the sealer. */
void release_on_written(void *sealer, enum status status, uint64_t seq);
void release_on_durable(void *sealer, uint64_t seq);
/* The agent ends before the outcome of a seal is durable: nobody gets it. */
void release_forget(struct act *act);

#endif
