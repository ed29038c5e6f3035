/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would happen to a request, and why, without sealing: the second and the third door
 * as they are for everybody, then what seal_begin() looks at behind them, and words for
 * people. Only how full the line is, and how much of its limits a rule has used, is left
 * out: that is another thing a moment later.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_EXPLAIN_H
#define ZEGEL_SEAL_EXPLAIN_H

#include "policy/policy.h"
#include "policy/policy_explain.h"
#include "request.h"
#include "seal.h"
#include "util/buf.h"

enum {
	EXPLAIN_MAX = POLICY_EXPLAIN_MAX + 2048, /* bytes that an explanation has */
};

/* Borrows all for the call. */
struct explain_question {
	const struct policy_client *client; /* NULL: a stranger */
	struct request_fields fields;
	bool is_any_digest; /* instead of fields.digest one as long as it should be */
};

/*
 * Appends the explanation to text. *out says what the client would hear, and what the
 * record would say: rule and nearest as in its lines. Its names borrow from the policy or
 * are constants. A status other than OK only when the question cannot be answered:
 * NO_MEMORY.
 */
MUST_CHECK enum status explain_request(const struct sealer *sealer,
	const struct explain_question *question, struct buf *text,
	struct policy_verdict *out);

#endif
