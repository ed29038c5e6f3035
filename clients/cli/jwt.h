/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compact JWS taken apart (RFC 7515 3.1): three parts, strictly read, and the JSON in
 * the first two. What the JSON means is judged by others.
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_JWT_H
#define ZEGEL_CLI_JWT_H

#include <jansson.h>

#include "report.h"
#include "util/buf.h"
#include "util/defs.h"

enum {
	JWT_TOKEN_MAX = 65536, /* bytes */
	JWT_DEPTH_MAX = 16,    /* of JSON: an object in an object is 2 */
};

struct jwt {
	struct bytes signing_input; /* H.P; borrows from the token */
	struct buf header_text;
	struct buf payload_text;
	struct buf signature;
	json_t *header;  /* owns; NULL unless header-json passed */
	json_t *payload; /* owns; NULL unless payload-json passed */
};

void jwt_init(struct jwt *jwt);
void jwt_deinit(struct jwt *jwt);

/*
 * Settles parts, header-json and payload-json; token must outlive jwt. NO_MEMORY; a bad
 * token is not a failure but a line in the report.
 */
MUST_CHECK enum status jwt_judge(
	struct jwt *jwt, struct bytes token, struct report *report);

#endif
