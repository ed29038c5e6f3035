/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's half of one token: its worker's life, the jobs that are out, and what the
 * token can do now. News goes up by id through the callbacks; nothing here knows what a
 * job is for.
 *
 * A worker that ends is replaced at once. Starts that gave no good signature are counted:
 * ten in a minute open the latch, and the token is tried again after 0.1 s, 0.2 s … 30 s.
 *
 * Thread: main
 */
#ifndef ZEGEL_TOKEN_TOKEN_H
#define ZEGEL_TOKEN_TOKEN_H

#include "job.h"
#include "link.h"
#include "spec.h"
#include "util/defs.h"
#include "util/loop.h"

enum token_state {
	TOKEN_STARTING, /* a worker is on its way: worth waiting for */
	TOKEN_READY,    /* at least one session signs */
	TOKEN_LOCKED,   /* an officer must come; no worker runs */
	TOKEN_DOWN,     /* the latch is open: not worth waiting for */
};

/* What the worker found of one key. */
struct token_key_fact {
	enum job_key_state state;
	enum job_key_type type;
	struct bytes public_key; /* owns p; empty when the token does not show it */
};

/* Handed down at token_new(); every call comes from the loop, never from inside a call. */
struct token_listener {
	void *context; /* borrows until the token is freed */
	/* One answer to a submitted job; the result borrows until it returns. */
	void (*on_result)(void *context, const struct token_result *result);
	/* The worker ended without an answer to this job. */
	void (*on_lost)(void *context, uint64_t job_id);
	/* state changed, a session came up, or a key's facts are known */
	void (*on_change)(void *context);
};

struct token;
struct token_gate;

/* What all tokens share: who may start now (workers of one module start in turn). */
MUST_CHECK enum status token_gate_new(
	struct loop *loop, enum link_mode mode, struct token_gate **out);
void token_gate_freep(struct token_gate **gate);

/*
 * key_uris: the URI of key id 0, 1, …; copied. spec borrows until the token is freed.
 * Nothing starts before token_start(). gives
 */
MUST_CHECK enum status token_new(struct token_gate *gate, const struct token_spec *spec,
	const char *const *key_uris, uint32_t n_keys, struct token **out);
/* Before token_start(), and before the listener dies. */
void token_set_listener(struct token *token, const struct token_listener *listener);
/* Ends the worker without news to the listener. */
void token_freep(struct token **token);

/* Starts the worker, or says LOCKED when there is no PIN to start with. */
void token_start(struct token *token);

const char *token_get_name(const struct token *token);
enum token_state token_get_state(const struct token *token);
/* How long the latch stays open; 0 when it is not. */
uint32_t token_get_retry_ms(const struct token *token);
/* Sessions that are up and have no job. */
uint32_t token_get_n_idle(const struct token *token);
/* Jobs that are out. */
uint32_t token_get_n_out(const struct token *token);
/* Borrows until the next on_change. */
const struct token_key_fact *token_get_key(const struct token *token, uint32_t key_id);

/*
 * Gives a job to an idle session (there must be one). TOKEN_GONE when the worker cannot
 * be reached; then the job was not given, and the listener hears on_change soon.
 */
MUST_CHECK enum status token_submit(struct token *token, const struct token_job *job);

/* A signature of this worker was good: its start was not fruitless. */
void token_note_good(struct token *token);
/* A signature did not verify; the third in a row takes the token down for good. */
void token_note_bad(struct token *token);

#endif
