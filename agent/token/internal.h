/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a token, shared by token.c (its face and its life) and talk.c (what its
 * worker says).
 *
 * Thread: main
 */
#ifndef ZEGEL_TOKEN_INTERNAL_H
#define ZEGEL_TOKEN_INTERNAL_H

#include "gate.h"
#include "pace.h"
#include "pin.h"
#include "token.h"

struct outstanding {
	uint64_t job_id;
	uint64_t given_ms;
};

struct token {
	struct token_gate *gate;       /* borrows until freed */
	const struct token_spec *spec; /* borrows until freed */
	struct token_listener listener;
	char **key_uris;              /* owns n_keys */
	struct token_key_fact *facts; /* owns n_keys */
	uint32_t n_keys;
	enum token_state state;
	struct gate_ticket ticket;
	struct pin_guard guard;
	struct pace pace;

	struct link link;
	struct loop_source source;
	struct loop_timer
		timer; /* without a worker: the next start; with one: its deadline */
	uint64_t started_ms;
	uint64_t heard_ms; /* the last message while it starts */
	uint32_t next_key; /* of the keys still to be sent */
	bool has_pin;      /* a descriptor went with JOB_OPEN */
	bool is_good;      /* gave a good signature */
	bool is_ending;    /* closed by us, for a reason that was logged */
	bool is_condemned; /* three bad signatures: down for good */
	uint32_t n_bad;
	uint32_t n_up;    /* sessions that sign */
	uint32_t n_tried; /* sessions that were reported, up or not */
	struct outstanding out[JOB_SESSIONS_MAX];
	uint32_t n_out;
	union job_message message; /* what is being sent or was received */
};

/* talk.c: says JOB_OPEN and starts to say the keys. */
MUST_CHECK enum status talk_begin(struct token *token);
/* talk.c: says the keys that are left, as far as the worker reads. */
MUST_CHECK enum status talk_send_keys(struct token *token);
/* talk.c: one message was received into token->message. */
MUST_CHECK enum status talk_on_message(struct token *token);

/* token.c: ends the worker; state is what the token is until the next start. */
void token_lock(struct token *token, const char *why);

#endif
