/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules in the words of the configuration: what a client may do, for himself and for
 * officers. policy_explain says with the same words why something was refused.
 *
 * Thread: any
 */
#ifndef ZEGEL_POLICY_POLICY_DESCRIBE_H
#define ZEGEL_POLICY_POLICY_DESCRIBE_H

#include "policy_rule.h"
#include "util/buf.h"

/* Appends a line for each rule of the client with all its words; nothing for NULL. */
MUST_CHECK enum status policy_describe(
	const struct policy_client *client, struct buf *out);

/* Each appends one thing and no separator. */
MUST_CHECK enum status policy_describe_text(struct buf *out, const char *text);
/* What the claim must be: `"x"`, `one of "x", 5`, `a text that matches "x*"`, `nothing`. */
MUST_CHECK enum status policy_describe_claim(
	struct buf *out, const struct policy_claim *claim);
/* value: NULL for none. An object or array is named only. */
MUST_CHECK enum status policy_describe_value(struct buf *out, const json_t *value);
/* `mo 08:00-18:00, tu 08:00-12:00` */
MUST_CHECK enum status policy_describe_hours(
	struct buf *out, const struct policy_rule *rule);
/* `tu 20:15` */
MUST_CHECK enum status policy_describe_minute(struct buf *out, uint32_t week_minute);
/* `; rate 20; burst 40; concurrent 2`, or less. */
MUST_CHECK enum status policy_describe_rate(
	struct buf *out, const struct policy_rate *rate);

#endif
