/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One `allow` of a client, as it is kept, and whether it allows what is asked. Pure: what
 * it says depends on the rule and the question alone.
 *
 * Thread: any
 */
#ifndef ZEGEL_POLICY_POLICY_RULE_H
#define ZEGEL_POLICY_POLICY_RULE_H

#include "policy.h"
#include "policy_claim.h"
#include "policy_profile.h"

/*
 * The limits of a rule in the order in which they are asked: what the seal is for, what
 * it says, then how much and when. Of two rules that refuse, the one whose limit comes
 * later here is the nearer one.
 */
enum policy_limit {
	POLICY_LIMIT_AUDIENCE,
	POLICY_LIMIT_TARGET,
	POLICY_LIMIT_CLAIM,
	POLICY_LIMIT_CLAIMS,
	POLICY_LIMIT_TOKEN_LIKE,
	POLICY_LIMIT_SIZE,
	POLICY_LIMIT_HOURS,
	POLICY_LIMIT_NONE, /* nothing stands against it: allowed */
};

struct policy_rule {
	char *name;                         /* owns */
	char *key;                          /* owns */
	char *profile;                      /* owns */
	const struct policy_profile *facts; /* of the profile; NULL: not known */
	bool has_audiences;
	const char **audiences; /* owns n_audiences, in order; into audience_text */
	size_t n_audiences;
	char *audience_text;         /* owns */
	struct policy_claim *claims; /* owns n_claims */
	size_t n_claims;
	enum policy_claims mode;
	size_t max_size;
	char **targets; /* owns n_targets */
	size_t n_targets;
	struct policy_hours *hours; /* owns n_hours */
	size_t n_hours;
	struct policy_rate rate;
};

/* BAD_CONFIG when a limit could not limit the profile, or is not what policy.h says. */
MUST_CHECK enum status policy_rule_init(
	struct policy_rule *rule, const struct policy_rule_spec *spec);
void policy_rule_deinit(struct policy_rule *rule);

/* The first limit that the question does not keep; POLICY_LIMIT_NONE: allowed. */
enum policy_limit policy_rule_judge(
	const struct policy_rule *rule, const struct policy_question *question);
/* The first of its claim rules that does not hold; NULL when all do. Borrows. */
const struct policy_claim *policy_rule_find_claim(
	const struct policy_rule *rule, const struct policy_question *question);
/* Whether there is a payload that cannot be read, and a rule about claims in it. */
bool policy_rule_is_unread(
	const struct policy_rule *rule, const struct policy_question *question);
/* The first claim that no claim rule is about and the agent does not say; or NULL. */
const char *policy_rule_find_other_claim(
	const struct policy_rule *rule, const struct policy_question *question);
/* The name of the refusal; NULL for POLICY_LIMIT_NONE. */
const char *policy_rule_get_refusal(enum policy_limit limit);

#endif
