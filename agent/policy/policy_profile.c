/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_profile.h"

#include <string.h>

#define PROFILE_DIGEST "digest"

enum {
	DSGO = POLICY_WORD_AUDIENCE | POLICY_WORD_CLAIM | POLICY_WORD_LISTED |
	       POLICY_WORD_NONE | POLICY_WORD_SIZE,
	/* Not `none`: the payload is all there is, so nothing would be left to seal. */
	JWS = POLICY_WORD_CLAIM | POLICY_WORD_LISTED | POLICY_WORD_ANY |
	      POLICY_WORD_SIZE,
};

static const struct policy_profile profiles[] = {
	{"dsgo-auth", DSGO, true, false, true},
	{"dsgo-nr", DSGO | POLICY_WORD_TARGET, true, false, false},
	{"jws", JWS, false, true, true},
	{"jades", POLICY_WORD_SIZE, false, true, false},
	{"jades-http", POLICY_WORD_SIZE | POLICY_WORD_TARGET, false, true, false},
	{"cades", POLICY_WORD_SIZE, false, true, false},
	{PROFILE_DIGEST, 0, false, true, true},
};

static const char *const own_claims[] = {
	"iss", "sub", "aud", "iat", "exp", "nbf", "jti"};

const struct policy_profile *policy_profile_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	}
	return NULL;
}

bool policy_profile_takes(const struct policy_profile *profile, enum policy_word word)
{
	return profile == NULL || (profile->words & (unsigned int)word) != 0;
}

bool policy_profile_is_master(const char *name, enum policy_claims claims)
{
	return claims == POLICY_CLAIMS_ANY || strcmp(name, PROFILE_DIGEST) == 0;
}

bool policy_profile_is_own_claim(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(own_claims); i++) {
		if (strcmp(own_claims[i], name) == 0)
			return true;
	}
	return false;
}
