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

/*
 * Appends a line for each rule, the verdict, and which rules with this key contain all
 * others. Of many rules it shows the first, counts the rest, and always shows the one that
 * the verdict names: never more than POLICY_EXPLAIN_MAX bytes.
 */
MUST_CHECK enum status policy_explain(const struct policy_client *client,
	const struct policy_question *question, struct buf *out);

#endif
