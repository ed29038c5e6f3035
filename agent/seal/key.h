/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configured key at run time: the tokens it lives on, each with the certificate that
 * follows it, and the lines of those who wait for it.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_KEY_H
#define ZEGEL_SEAL_KEY_H

#include <sys/queue.h>

#include "chain.h"
#include "form.h"
#include "jws.h"
#include "line.h"
#include "spec.h"
#include "token/token.h"
#include "util/defs.h"

struct desk;

enum {
	KEY_LINES = KEY_OTHER, /* what no algorithm takes has no line */
};

/* A key on one token. */
struct key_on {
	TAILQ_ENTRY(key_on)
	next_waiting;        /* in its desk's list while somebody waits in its line */
	struct key *key;     /* borrows: its owner */
	struct desk *desk;   /* borrows until the sealer is freed */
	uint32_t key_id;     /* of the key on the desk's token */
	struct chain *chain; /* owns */
	struct jws_head *heads[FORM_COUNT]; /* owns; NULL where the form has none */
	bool is_usable; /* found, sealing only, and the certificate's key */
	bool is_listed;
	bool has_warned_long;
	bool has_warned_too_long;
};

struct key {
	char *name;        /* owns */
	char *identifier;  /* owns; iss and sub, NULL when there is none */
	struct key_on *on; /* owns n_on */
	size_t n_on;
	/*
	 * Who waits, by the kind of key that his algorithm takes: tokens may hold
	 * different ones under one name, and each serves one line. So whose turn it is
	 * can be served by whoever looks.
	 */
	struct line lines[KEY_LINES];
	uint32_t n_waiting; /* in all of them */
	uint32_t sign_ms;   /* a moving average of the time from job to signature */
};

/* What a client may be told about a key. */
enum key_state {
	KEY_STATE_READY,
	KEY_STATE_LOCKED,
	KEY_STATE_UNAVAILABLE,
	KEY_STATE_NOT_VALID,
};

/*
 * Loads the chains of spec and what is computed once: headers with their midstates.
 * desks: for each of spec's on sections the desk of its token, and the key's id there.
 * BAD_CONFIG when its certificates speak for different organisations; logged. On failure
 * key_deinit() is still to be called.
 */
struct key_place {
	struct desk *desk;
	uint32_t key_id;
};
MUST_CHECK enum status key_init(struct key *key, const struct key_spec *spec,
	const struct key_place *places, const struct hashes *hashes);
/* Once the key stays where it is: each line has so many places, for so many clients. */
void key_open_lines(struct key *key, uint32_t line_max, size_t n_users);
/* Each line has so many places now, for so many clients. */
void key_set_places(struct key *key, uint32_t line_max, size_t n_users);
/* The lines must be empty. */
void key_deinit(struct key *key);

/* The line that this token serves; its certificate's kind has one. */
struct line *key_on_get_line(const struct key_on *on);

/* Compares what the token found with the certificate; logs why a key is not usable. */
void key_on_judge(
	struct key_on *on, const struct token_key_fact *fact, const char *token);

/* Whether some token could do this algorithm with this key. */
bool key_can(const struct key *key, const struct algorithm *algorithm);

#endif
