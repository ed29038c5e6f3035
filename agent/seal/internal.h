/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the sealer, shared by sealer.c (what there is), seal.c (the act) and
 * desk.c (who may sit down at a token next).
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_INTERNAL_H
#define ZEGEL_SEAL_INTERNAL_H

#include "seal.h"
#include "util/slots.h"

enum {
	ACTS_MAX = 1 << 17, /* in all lines and at all tokens */
	GIVEN_MAX = 3,      /* times that a job is given; the last time alone */
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
};

enum act_state {
	ACT_WAITING,
	ACT_OUT,
};

struct act {
	struct line_link link; /* in its key's line, while it waits */
	struct sealer *sealer; /* borrows */
	uint64_t id;
	struct seal_owner owner;
	struct seal_request *request; /* owns */
	const struct algorithm *algorithm;
	struct key *key;
	struct key_on *on;  /* where the job is, while it is out */
	const char *client; /* borrows from the policy */
	uint32_t weight;    /* of the client, beside others in the line */
	const char *rule;
	enum act_state state;
	bool is_over; /* answered or forgotten; kept until its job comes back */
	uint32_t n_given;
	uint64_t begun_ms;
	uint64_t given_ms;
	struct loop_timer timer; /* its deadline */
	struct draft draft;
};

struct sealer {
	struct loop *loop;           /* borrows */
	const struct policy *policy; /* borrows */
	struct hashes hashes;
	struct token_gate *gate; /* owns */
	struct desk *desks;      /* owns n_desks */
	size_t n_desks;
	struct key *keys; /* owns n_keys, sorted by name */
	size_t n_keys;
	struct slots acts;
	TAILQ_HEAD(stirred, desk) stirred;
	seal_done_fn *done;
	void *done_context;
	uint32_t min_left_s;
	uint32_t line_max;
	bool is_stopping;
	struct sealer_counts counts;
	struct buf seal;      /* the seal being answered */
	struct token_job job; /* the job being given */
};

/* desk.c */

/* Look at this desk at the end of the turn. */
void desk_stir(struct desk *desk);
/* The end of a turn: gives jobs at every desk that was stirred. */
void desk_on_turn_end(void *sealer);
/* The token's state changed: judge its keys, send away those who wait in vain. */
void desk_on_change(struct desk *desk);
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

/* Composes and gives the job; false when the token does not take it. */
bool seal_start(struct act *act, struct key_on *on);
/* Forgets an act that is in no line any more. */
void seal_free(struct act *act);
/* Answers an act that waits, and ends it. */
void seal_refuse(struct act *act, enum status status);
void seal_on_result(struct desk *desk, const struct token_result *result);
void seal_on_lost(struct desk *desk, uint64_t job_id);

#endif
