/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often, and how many at a time: the limits of a rule (struct policy_rate), and what
 * of them is used. A rule has a bucket of `burst` acts that is filled with `per_second`
 * each second; an act takes one out. Beside that, at most `concurrent` acts of the rule
 * are under way.
 *
 * What is used is kept by the names of client and rule, so it survives a reload of the
 * policy. A bucket keeps its level then, but for what a smaller burst cannot hold.
 *
 * Whole numbers only, exact to the millisecond: an act is a thousand parts, and each
 * millisecond brings per_second of them.
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_RATE_H
#define ZEGEL_POLICY_RATE_H

#include "policy.h"

struct rate_book;
struct rate_use; /* an act under way */

/* Whose limits. Borrows all for the call. */
struct rate_rule {
	const char *client; /* both are names: text_is_name() */
	const char *rule;
	const struct policy_rate *limits;
};

/* gives */
MUST_CHECK enum status rate_new(struct rate_book **out);
/* Every act is finished. */
void rate_freep(struct rate_book **book);

/*
 * One act begins; *out is to be given back with rate_finishp(). *out is NULL when the rule
 * has no limits. now_ms: of clock_monotonic_ms(). CONCURRENT; RATE: *retry_after_ms is the
 * time until there is one act in the bucket, in all other cases 0. What is refused costs
 * nothing. NO_MEMORY.
 */
MUST_CHECK enum status rate_begin(struct rate_book *book, const struct rate_rule *rule,
	uint64_t now_ms, uint32_t *retry_after_ms, struct rate_use **out);
/* The act is over, however it ended; NULL for one without limits. */
void rate_finishp(struct rate_use **use);

/* Rules that are remembered: those whose bucket was not full, or that have acts. */
size_t rate_get_n_rules(const struct rate_book *book);

#endif
