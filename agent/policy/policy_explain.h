/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same verdict in words: for each rule of a key and profile whether it allows, or
 * which of its words stands against it, what that expected and what it found. Nothing
 * foreign is shown but through log_text().
 *
 * It is written for the client himself and for officers: it shows the rules.
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_POLICY_EXPLAIN_H
#define ZEGEL_POLICY_POLICY_EXPLAIN_H

#include "policy.h"
#include "util/buf.h"

enum {
	POLICY_EXPLAIN_MAX = 56 * 1024,
};

/* What one rule says to a question. Borrows; until the callback returns. */
struct policy_finding {
	const char *rule;
	const char *refusal; /* the name of the refusal; NULL: it allows */
	const char *words;   /* "expected …, found …"; "" when it allows */
};

typedef enum status policy_explain_fn(
	void *context, const struct policy_finding *finding);

/*
 * Calls on_finding for each rule of the key and profile, in order, also for those behind
 * the first that allows. Passes on what it returns, when that is not OK; or NO_MEMORY.
 */
MUST_CHECK enum status policy_explain_each(const struct policy_client *client,
	const struct policy_question *question, policy_explain_fn *on_finding,
	void *context);

/*
 * Appends a line for each rule, the verdict, and which rules with this key contain all
 * others. Of many rules it shows the first, counts the rest, and always shows the one that
 * the verdict names: never more than POLICY_EXPLAIN_MAX bytes.
 */
MUST_CHECK enum status policy_explain(const struct policy_client *client,
	const struct policy_question *question, struct buf *out);

#endif
