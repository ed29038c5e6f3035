/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The claims that a client adds to a seal, made safe to sign: one JSON object, no name
 * twice, not deep, no number that another parser would read otherwise, nothing that is
 * the agent's to say. What is signed is written from what was checked, never copied from
 * what was sent.
 *
 * Thread: any
 */
#ifndef ZEGEL_SEAL_CLAIMS_H
#define ZEGEL_SEAL_CLAIMS_H

#include <jansson.h>

#include "util/buf.h"
#include "util/defs.h"
#include "util/text.h"

enum {
	CLAIMS_MAX = 16384, /* bytes, as sent and as written */
	CLAIMS_DEPTH_MAX = 16,
};

/* iss, sub and aud if the client set them: allowed only when they say what the seal says. */
struct claims_identity {
	bool has_value;
	char value[AUDIENCE_MAX_LEN + 1];
};

struct claims {
	struct claims_identity issuer;
	struct claims_identity subject;
	struct claims_identity audience;
	json_t *tree; /* owns; the other claims, for the policy; NULL: there are none */
	struct buf others; /* ,"name":value for each of the other claims, in order */
};

/* An empty set of claims. */
void claims_init(struct claims *claims);
void claims_deinit(struct claims *claims);

/*
 * Reads text into claims, which was just initialised. Refuses with BAD_CLAIMS,
 * CLAIMS_TOO_LARGE, CLAIMS_TOO_DEEP, CLAIMS_DUPLICATE, CLAIMS_NUMBER, CLAIMS_RESERVED or
 * CLAIMS_IDENTITY (iss, sub or aud is not one identifier).
 */
MUST_CHECK enum status claims_parse(struct claims *claims, struct bytes text);

/* CLAIMS_IDENTITY when iss, sub or aud are set to something else. */
MUST_CHECK enum status claims_check_identity(
	const struct claims *claims, const char *identifier, const char *audience);

#endif
