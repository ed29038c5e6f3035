/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may seal what. policy_decide() is pure: it looks at the rules and the question and
 * at nothing else, and names the rule that it followed. What no rule allows is refused.
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_POLICY_H
#define ZEGEL_POLICY_POLICY_H

#include <sys/types.h>

#include "util/defs.h"

struct policy;

/* One `allow "name" { … }` of a client; borrows all until policy_add_rule() returns. */
struct policy_rule_spec {
	const char *name;
	const char *key;
	const char *profile;
	const char *const *audiences; /* n_audiences exact identifiers */
	size_t n_audiences;           /* 0: any audience */
};

/* Who asks, as the kernel said it. */
struct policy_peer {
	uid_t uid;
};

/* What is asked, after the second door: names are valid, the profile exists. */
struct policy_question {
	struct policy_peer peer;
	const char *key;
	const char *profile;
	const char *audience; /* NULL when the profile has none */
};

struct policy_verdict {
	enum status status; /* OK or DENIED */
	const char *
		client; /* name of the section, "" for a stranger; borrows from policy */
	const char
		*rule; /* name of the allow rule, or the constant name of the refusal */
};

MUST_CHECK enum status policy_new(struct policy **out);
void policy_freep(struct policy **policy);

/* BAD_CONFIG when a client of this name, or another for the same user, is there. */
MUST_CHECK enum status policy_add_client(
	struct policy *policy, const char *name, uid_t uid);
/*
 * Whether a rule may not have this name, because a refusal has it: "stranger" (the user
 * has no client section), "no-rule" (nothing for this key and profile), "audience" (there
 * is something, but not for this audience).
 */
bool policy_is_reserved(const char *rule);
/*
 * Adds to the client of that name. BAD_CONFIG when there is no such client, when it has a
 * rule of this name, when the name is reserved, or when profile digest has an audience.
 * Of rules for the same key and profile the first added that allows is the one named.
 */
MUST_CHECK enum status policy_add_rule(
	struct policy *policy, const char *client, const struct policy_rule_spec *spec);

/* Cost: one look-up of the user, one of the key and profile; independent of the rest. */
struct policy_verdict policy_decide(
	const struct policy *policy, const struct policy_question *question);

/* Whether the peer has a client section at all. */
bool policy_is_known(const struct policy *policy, struct policy_peer peer);
/* Whether some rule lets the peer use the key: what list_keys and describe_key show. */
bool policy_can_see(
	const struct policy *policy, struct policy_peer peer, const char *key);
/*
 * Whether the peer may use key with profile for some audience: which profiles list_keys
 * names beside a key.
 */
bool policy_can_use(const struct policy *policy, struct policy_peer peer,
	const char *key, const char *profile);

#endif
