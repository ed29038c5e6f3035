/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule about one claim: where it is, and what it must be. Equality is that of JSON, kind
 * for kind: the text "5" is not the number 5, nor is 5 the same as 5.0, and an object or
 * array equals nothing.
 *
 * Thread: any
 */
#ifndef ZEGEL_POLICY_POLICY_CLAIM_H
#define ZEGEL_POLICY_POLICY_CLAIM_H

#include "policy.h"

enum {
	POLICY_POINTER_MAX = 256,      /* bytes of a JSON pointer */
	POLICY_POINTER_DEPTH = 16,     /* names in it: claims are not deeper */
	POLICY_CLAIM_VALUE_MAX = 1024, /* bytes of a value */
};

struct policy_claim {
	char *pointer; /* owns; as it was written */
	char **names;  /* owns n_names: the steps of the pointer, at least one */
	size_t n_names;
	enum policy_claim_kind kind;
	json_t **values; /* owns n_values, scalars; none for MATCHES */
	size_t n_values;
	char *pattern; /* owns; NULL but for MATCHES */
};

/* RFC 6901, with at least one step. */
bool policy_claim_is_pointer(const char *text);
/* Any text, or "json:" and a JSON scalar. */
bool policy_claim_is_value(const char *text);

/* BAD_CONFIG when the spec is not what policy.h says. claim is to be ended either way. */
MUST_CHECK enum status policy_claim_init(
	struct policy_claim *claim, const struct policy_claim_spec *spec);
void policy_claim_deinit(struct policy_claim *claim);

/* What the pointer leads to, or NULL. claims: an object, or NULL. Borrows from it. */
const json_t *policy_claim_find(const struct policy_claim *claim, const json_t *claims);
bool policy_claim_holds(const struct policy_claim *claim, const json_t *claims);

#endif
