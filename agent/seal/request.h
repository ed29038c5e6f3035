/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second door: what a client asks for, checked once and never changed behind it.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_REQUEST_H
#define ZEGEL_SEAL_REQUEST_H

#include "algorithm.h"
#include "claims.h"
#include "policy/policy.h"
#include "util/buf.h"
#include "util/defs.h"
#include "util/text.h"

enum {
	REQUEST_TIMEOUT_DEFAULT_MS = 10000,
	REQUEST_TIMEOUT_MAX_MS = 60000,
	REQUEST_PAYLOAD_MAX = 32768, /* so that a seal of it fits in a frame */
};

struct form;

/* Which input a request carries; each profile takes exactly one. */
enum request_input {
	INPUT_NONE,
	INPUT_DSGO_AUTH,
	INPUT_DIGEST,
	INPUT_JWS,
};

/* What was on the wire, unchecked. Borrows all until request_new() returns. */
struct request_fields {
	struct bytes key;
	struct bytes profile;
	bool has_algorithm;
	struct bytes algorithm;
	bool has_timeout;
	uint32_t timeout_ms;
	enum request_input input;
	/* INPUT_DSGO_AUTH */
	struct bytes audience;
	bool has_claims;
	struct bytes claims;
	bool has_not_before;
	/* INPUT_DIGEST */
	struct bytes digest;
	/* INPUT_JWS */
	bool has_payload;
	struct bytes payload;
	bool has_typ;
	struct bytes typ;
	bool has_cty;
	struct bytes cty;
	bool has_x5c;
};

struct seal_request {
	const struct form *form;
	const struct algorithm *algorithm; /* NULL: the key's default */
	uint32_t timeout_ms;
	char key[NAME_MAX_LEN + 1];
	char audience[AUDIENCE_MAX_LEN + 1]; /* "" when the profile has none */
	struct claims claims;
	bool has_not_before;
	uint8_t digest[HASH_LEN_MAX];
	size_t digest_len;
	struct buf payload;
	char typ[MEDIA_TYPE_MAX_LEN + 1]; /* "" when there is none */
	char cty[MEDIA_TYPE_MAX_LEN + 1];
	bool has_x5c;
	size_t size;        /* bytes of what the client sent to be sealed */
	bool is_token_like; /* a plain JWS that could pass as a token (confusion.h) */
};

/*
 * Refuses with a status of the second door (BAD_NAME, UNKNOWN_PROFILE, BAD_INPUT,
 * DSGO_ALGORITHM, …). gives
 */
MUST_CHECK enum status request_new(
	const struct request_fields *fields, struct seal_request **out);
/* What the third door is asked; borrows from the request. The time is now. */
struct policy_question request_get_question(const struct seal_request *request);
/* A request of the agent's own, for a form that takes a digest. gives */
MUST_CHECK enum status request_new_own(const struct form *form,
	const struct algorithm *algorithm, struct bytes digest,
	struct seal_request **out);
void request_freep(struct seal_request **request);

#endif
