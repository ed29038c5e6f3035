/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would happen to a request, and why, without sealing: the second and the third door
 * as they are for everybody, and words for people.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_EXPLAIN_H
#define ZEGEL_SEAL_EXPLAIN_H

#include "policy/policy.h"
#include "request.h"
#include "util/buf.h"

/*
 * client: NULL for a stranger. Appends the explanation to text. *out says what the client
 * would hear from the doors; its names borrow from the policy or are constants. A status
 * other than OK only when the question cannot be answered: NO_MEMORY.
 */
MUST_CHECK enum status explain_request(const struct policy_client *client,
	const struct request_fields *fields, struct buf *text,
	struct policy_verdict *out);

#endif
