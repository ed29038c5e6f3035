/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One `client` section as it is kept: by what a peer is recognised, and its rules. They
 * lie in the order of (key, profile), those of one pair in the order of the file, so that
 * a decision is two binary searches and a look at those that may allow it.
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_POLICY_CLIENT_H
#define ZEGEL_POLICY_POLICY_CLIENT_H

#include "policy.h"
#include "policy_rule.h"

struct policy_client {
	char *name; /* owns */
	bool has_user;
	uid_t user;
	bool has_group;
	gid_t group;
	char *unit;   /* owns; NULL here and below: not asked */
	char *exe;    /* owns */
	char *label;  /* owns */
	char *listen; /* owns */
	uint32_t weight;
	struct policy_rule *rules; /* owns n_rules */
	size_t n_rules;
	/* Of those with the same user, or of those that ask for none: the next one. */
	bool has_next;
	size_t next;
};

/* A stretch of the rules of a client. */
struct policy_range {
	size_t begin;
	size_t end;
};

/* BAD_CONFIG when nothing is asked. client is to be ended either way. */
MUST_CHECK enum status policy_client_init(
	struct policy_client *client, const struct policy_client_spec *spec);
void policy_client_deinit(struct policy_client *client);

/* Whether the peer is this client. */
bool policy_client_is(
	const struct policy_client *client, const struct policy_peer *peer);
/* Whether no peer could be both. */
bool policy_client_is_apart(
	const struct policy_client *client, const struct policy_client_spec *spec);

/* BAD_CONFIG when there is a rule of this name already. */
MUST_CHECK enum status policy_client_add_rule(
	struct policy_client *client, const struct policy_rule_spec *spec);
/* Those for key and profile. */
struct policy_range policy_client_find(
	const struct policy_client *client, const char *key, const char *profile);
/* Whether there is one for the key. */
bool policy_client_has_key(const struct policy_client *client, const char *key);

/* Makes room for one more behind n things of size bytes: the array doubles. */
MUST_CHECK enum status policy_client_reserve(void **array, size_t n, size_t size);

#endif
