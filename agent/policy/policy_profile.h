/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be limited in each kind of seal, as a table: a word that would look like a
 * limit and could not be one is refused, in the configuration and by policy_add_rule().
 *
 * Thread: any
 */
#ifndef ZEGEL_POLICY_POLICY_PROFILE_H
#define ZEGEL_POLICY_POLICY_PROFILE_H

#include "policy.h"

/* Bits: a profile takes several. */
enum policy_word {
	POLICY_WORD_AUDIENCE = 1 << 0,
	POLICY_WORD_CLAIM = 1 << 1,
	POLICY_WORD_LISTED = 1 << 2, /* claims = listed */
	POLICY_WORD_NONE = 1 << 3,   /* claims = none */
	POLICY_WORD_ANY = 1 << 4,    /* claims = any */
	POLICY_WORD_SIZE = 1 << 5,
	POLICY_WORD_TARGET = 1 << 6,
};

struct policy_profile {
	const char *name;
	unsigned int words;
	/* The agent says iss, sub and aud itself; a client may only repeat them. */
	bool has_identity;
	/* What the client sends is one thing, claims or not; else claims stand apart. */
	bool is_payload;
	bool is_supported; /* by this version */
};

/* NULL when there is no such profile. Borrowed for ever. */
const struct policy_profile *policy_profile_find(const char *name);
/* profile: NULL is one that we know nothing of; it takes every word. */
bool policy_profile_takes(const struct policy_profile *profile, enum policy_word word);
/* Whether a rule of the profile with these claims contains every other kind of seal. */
bool policy_profile_is_master(const char *name, enum policy_claims claims);
/* Whether the claim of this name is the agent's to say in a profile with identity. */
bool policy_profile_is_own_claim(const char *name);

#endif
