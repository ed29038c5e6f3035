/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The act of sealing: begin, wait in line, compose, sign, check, answer. It knows what a
 * seal is and who may have it, and neither sockets nor how a token is reached.
 *
 *   seal_begin   the third door (right), then the line
 *   (give)       when a session is idle: times are stamped, the attempt is written down,
 *                then the job is given
 *   (release)    the signature is checked against the certificate, the seal assembled, the
 *                outcome written down; when that is durable, the seal is answered
 *   seal_forget  nobody waits for the answer any more
 *
 * A job whose worker dies is given again, at most twice, composed anew, the last time
 * alone on its token; the third death makes it poison.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_SEAL_H
#define ZEGEL_SEAL_SEAL_H

#include "chain.h"
#include "key.h"
#include "policy/audit.h"
#include "policy/policy.h"
#include "request.h"
#include "spec.h"
#include "token/spec.h"
#include "util/defs.h"
#include "util/loop.h"

struct sealer;

/* Who waits for an answer: ids of the floor above, never pointers. */
struct seal_owner {
	uint64_t connection;
	uint64_t request;
};

/* Who asks, for the verdict and for the record; borrows all until seal_begin() returns. */
struct seal_asker {
	const struct policy_client *client; /* NULL: a stranger */
	uid_t uid;
	pid_t pid;
	const char *unit; /* "": none, or not known */
};

/* Borrows until the callback returns. */
struct seal_answer {
	enum status status;
	uint32_t retry_after_ms; /* 0: no hint */
	/* With STATUS_OK: */
	struct bytes seal;
	const char *jti; /* "" when the seal has none */
	bool has_times;
	int64_t issued_at;
	int64_t expires_at;
	const char *algorithm;
	const uint8_t *certificate_sha256; /* CERTIFICATE_HASH_LEN bytes */
};

/*
 * Called from the loop, never from inside seal_begin(). False when the owner is gone: then
 * the record says that the seal was not delivered.
 */
typedef bool seal_done_fn(void *context, const struct seal_owner *owner,
	uint64_t act_id, const struct seal_answer *answer);

struct sealer_setup {
	struct loop *loop;
	enum link_mode mode;
	const struct policy *policy; /* borrows for the call: who shares the lines */
	struct audit *audit;         /* borrows until freed */
	const struct record_spec
		*record;                 /* borrows until freed; NULL: no checkpoints */
	const struct token_spec *tokens; /* borrows n_tokens until freed */
	size_t n_tokens;
	const struct key_spec *keys; /* n_keys */
	size_t n_keys;
	uint32_t min_left_s;
	uint32_t line_max;
};

/* BAD_FILE, BAD_CONFIG: a certificate cannot be used; logged. gives */
MUST_CHECK enum status sealer_new(
	const struct sealer_setup *setup, struct sealer **out);
void sealer_freep(struct sealer **sealer);
/* Before sealer_start(). */
void sealer_set_done(struct sealer *sealer, seal_done_fn *done, void *context);
struct sealer_limits {
	uint32_t min_left_s;
	uint32_t line_max;
};
/* The rules have changed: other clients share the lines, which have other places. */
void sealer_set_policy(struct sealer *sealer, const struct policy *policy,
	const struct sealer_limits *limits);
/* Starts the tokens' workers. */
void sealer_start(struct sealer *sealer);
/* No new acts; those waiting are answered STOPPING, those at a token may finish. */
void sealer_stop(struct sealer *sealer);

/* What a beginning came to, beside its status. */
struct seal_begun {
	uint64_t act_id;         /* with OK: names the act until it is answered */
	uint32_t retry_after_ms; /* else: when to try again; 0: no hint */
};

/*
 * Takes the request, also on failure. On OK the answer comes through done, never from
 * inside this call. Else the refusal is the answer: DENIED, KEY_ALGORITHM,
 * CLAIMS_IDENTITY, LOCKED, BUSY, RATE, CONCURRENT, TOKEN_GONE, ... No refusal counts
 * towards the limits of a rule. *out is always set.
 */
MUST_CHECK enum status seal_begin(struct sealer *sealer, const struct seal_asker *asker,
	struct seal_request **request, const struct seal_owner *owner,
	struct seal_begun *out);
/* The owner is gone; nothing is answered. Nothing happens when the act is over. */
void seal_forget(struct sealer *sealer, uint64_t act_id);

/* Keys in the order of their names. */
size_t sealer_get_n_keys(const struct sealer *sealer);
const struct key *sealer_get_key(const struct sealer *sealer, size_t index);
/* NULL when there is none of that name. */
const struct key *sealer_find_key(const struct sealer *sealer, const char *name);
enum key_state sealer_get_key_state(const struct sealer *sealer, const struct key *key);
/* The chain a client is shown: of a token that can seal now, else the first. */
const struct chain *sealer_get_chain(
	const struct sealer *sealer, const struct key *key);

struct sealer_counts {
	uint32_t n_waiting;
	uint32_t n_out;
	uint32_t n_recording; /* seals that are made and wait for their record */
	uint64_t n_sealed;
};
/* Why nothing can be sealed: what is wrong with the record; "" when all is well. */
const char *sealer_get_trouble(const struct sealer *sealer);
struct sealer_counts sealer_get_counts(const struct sealer *sealer);

#endif
