/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may seal what. Two pure questions: policy_find_client() says which `client` section
 * a peer is, policy_decide() what that client may have sealed. Both look at the rules and
 * the question and at nothing else; a decision names the rule that it followed. What no
 * rule allows is refused.
 *
 * A policy does not change once it is in use: a reload makes another. It is counted, so
 * that what still speaks of an old one may finish.
 *
 * Thread: main
 */
#ifndef ZEGEL_POLICY_POLICY_H
#define ZEGEL_POLICY_POLICY_H

#include <jansson.h>
#include <sys/types.h>

#include "util/defs.h"

enum {
	POLICY_WEEK_MINUTES = 7 * 24 * 60,
};

/*
 * Names of refusals, as the record has them; docs/config.md says what each means. No rule
 * may have one of them. The last five are given by others: the rate room, the seal and
 * the clients' side.
 */
#define POLICY_REFUSED_STRANGER   "stranger"
#define POLICY_REFUSED_NO_RULE    "no-rule"
#define POLICY_REFUSED_AUDIENCE   "audience"
#define POLICY_REFUSED_TARGET     "target"
#define POLICY_REFUSED_CLAIM      "claim"
#define POLICY_REFUSED_CLAIMS     "claims"
#define POLICY_REFUSED_TOKEN_LIKE "token-like"
#define POLICY_REFUSED_SIZE       "size"
#define POLICY_REFUSED_HOURS      "hours"
#define POLICY_REFUSED_RATE       "rate"
#define POLICY_REFUSED_CONCURRENT "concurrent"
#define POLICY_REFUSED_BUSY       "busy"
#define POLICY_REFUSED_IDENTITY   "identity"
#define POLICY_REFUSED_UNCLEAR    "peer-unclear"

struct policy;
struct policy_client; /* a `client` section; borrows from its policy */

/*
 * Who asks, as the kernel said it when the peer connected. Borrows all; NULL is as good
 * as "". What is not known matches no section that asks for it.
 */
struct policy_peer {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* n_groups supplementary ones */
	size_t n_groups;
	const char *unit;   /* systemd unit of its cgroup; "": none, or not known */
	const char *exe;    /* path of its program; "": not known */
	const char *label;  /* SELinux or AppArmor; "": the kernel gives none */
	const char *listen; /* name of the listen section it came in by */
};

/*
 * The criteria of a `client` section: all that are given must match, and at least one is
 * given. Borrows all.
 */
struct policy_client_spec {
	const char *name;
	bool has_user;
	uid_t user;
	bool has_group; /* the primary or a supplementary one */
	gid_t group;
	const char *unit; /* NULL here and below: not asked */
	const char *exe;
	const char *label;
	const char *listen;
	uint32_t weight; /* its share of a key's line beside others; at least 1 */
};

/* What one claim must be; value and values: see policy_claim_spec. */
enum policy_claim_kind {
	POLICY_CLAIM_MUST_BE, /* is there, and equals the one value */
	POLICY_CLAIM_MAY_BE,  /* is not there, or equals one of the values */
	POLICY_CLAIM_ABSENT,  /* is not there */
	POLICY_CLAIM_MATCHES, /* is there, a string, and matches the pattern values[0] */
};

/*
 * A rule about a claim. A value is the text of a JSON string, or "json:" and a JSON
 * scalar (json:true, json:5, json:null). A pattern is a whole string where * stands for
 * any characters and ? for one.
 */
struct policy_claim_spec {
	const char *pointer; /* RFC 6901, into the claims that the client sent */
	enum policy_claim_kind kind;
	const char *const *values; /* n_values; none for ABSENT */
	size_t n_values;
};

/* Which claims beside those of a rule's claim sections. */
enum policy_claims {
	POLICY_CLAIMS_FREE, /* any others too (the default) */
	POLICY_CLAIMS_LISTED, /* only those that a claim section of the rule begins with */
	POLICY_CLAIMS_NONE, /* no claims at all; then no claim sections either */
	POLICY_CLAIMS_ANY,  /* jws: also a payload that could pass as a DSGO token */
};

/* Minutes of the week since Monday 00:00, local time: from <= minute < to. */
struct policy_hours {
	uint32_t from;
	uint32_t to;
};

/* What a rule allows how often; 0: no limit. Held by the rate room, not by the policy. */
struct policy_rate {
	uint32_t per_second;
	uint32_t burst;      /* at least 1 when per_second is set */
	uint32_t concurrent; /* acts at a time */
};

/* One `allow "name" { … }` of a client; borrows all until policy_add_rule() returns. */
struct policy_rule_spec {
	const char *name;
	const char *key;
	const char *profile;
	const char *const *audiences; /* n_audiences exact identifiers */
	size_t n_audiences;
	bool has_audiences; /* false: any audience; true with none: no audience at all */
	const struct policy_claim_spec *claim_specs; /* n_claim_specs, all must hold */
	size_t n_claim_specs;
	enum policy_claims claims;
	size_t max_size; /* bytes of what the client sends to be sealed; 0: no limit */
	const char *const *targets; /* n_targets of "METHOD URL-PATTERN"; none: any */
	size_t n_targets;
	const struct policy_hours *hours; /* n_hours; none: always */
	size_t n_hours;
	struct policy_rate rate;
};

/* What is asked, after the second door: names are valid, the profile exists. */
struct policy_question {
	const char *key;
	const char *profile;
	const char *audience; /* NULL when the profile has none */
	/*
	 * An object, borrowed; NULL when there are none. jws: the payload, read strictly;
	 * NULL when it is no JSON object, so that no rule about claims could be kept.
	 */
	const json_t *claims;
	size_t size;        /* bytes of what the client sent to be sealed */
	const char *method; /* of the HTTP message; NULL when the profile has none */
	const char *target;
	bool is_token_like;   /* jws: it could pass as a DSGO or iSHARE token */
	uint32_t week_minute; /* now, in local time: 0 to POLICY_WEEK_MINUTES - 1 */
};

struct policy_verdict {
	enum status status; /* OK or DENIED */
	/* All borrow from the policy: */
	const char *client; /* name of the section, "" for a stranger */
	const char
		*rule; /* name of the allow rule, or the constant name of the refusal */
	const struct policy_rate *rate; /* of the rule; NULL when refused */
	/* When refused: the allow rule that came furthest; "" when there is none. */
	const char *nearest;
};

/* A rule as its owner may see it. Borrows from the policy. */
struct policy_rule_view {
	const char *name;
	const char *key;
	const char *profile;
	bool is_master; /* it contains every other kind of seal with this key */
};

MUST_CHECK enum status policy_new(struct policy **out);
/* One more holder; policy_freep() by each. */
struct policy *policy_hold(struct policy *policy);
void policy_freep(struct policy **policy);

/*
 * BAD_CONFIG when a client of this name is there, when nothing is asked of the peer, or
 * when some peer could be this client and another one that is there: then *rival is that
 * one's name (borrows from the policy), else NULL. Two are apart only by a user, unit,
 * exe, label or listen that both give and that differs: one process has many groups.
 */
MUST_CHECK enum status policy_add_client(struct policy *policy,
	const struct policy_client_spec *spec, const char **rival);
/*
 * Whether a rule may not have this name, because a refusal has it (docs/config.md lists
 * them with their meaning).
 */
bool policy_is_reserved(const char *rule);
/*
 * Adds to the client of that name. BAD_CONFIG when there is no such client, when it has a
 * rule of this name, when the name is reserved, or when a limit of the rule could not
 * limit its profile (policy_profile.h) or is not as this header says. Of rules for the
 * same key and profile the first added that allows is the one named.
 */
MUST_CHECK enum status policy_add_rule(
	struct policy *policy, const char *client, const struct policy_rule_spec *spec);

/* The section that the peer is; NULL for a stranger. */
const struct policy_client *policy_find_client(
	const struct policy *policy, const struct policy_peer *peer);
/* In the order they were added; i < policy_get_n_clients(). */
const struct policy_client *policy_get_client_at(const struct policy *policy, size_t i);
/* NULL when there is none of this name. */
const struct policy_client *policy_get_client(
	const struct policy *policy, const char *name);
/* "" for NULL. */
const char *policy_client_get_name(const struct policy_client *client);
/* Its share of a key's line; 1 for NULL. */
uint32_t policy_client_get_weight(const struct policy_client *client);
size_t policy_get_n_clients(const struct policy *policy);

/*
 * client: NULL for a stranger. Cost: one search for the key and profile, then their rules
 * in order. When several refuse, the verdict tells of the one that came furthest, of equal
 * ones the first. How far: audience, target, claim, claims, token-like, size, hours.
 */
struct policy_verdict policy_decide(
	const struct policy_client *client, const struct policy_question *question);

/* Whether some rule lets the client use the key: what list_keys and describe_key show. */
bool policy_can_see(const struct policy_client *client, const char *key);
/*
 * Whether the client may use key with profile for something: which profiles list_keys
 * names beside a key.
 */
bool policy_can_use(
	const struct policy_client *client, const char *key, const char *profile);
/* How many rules the client has; 0 for NULL. */
size_t policy_count_rules(const struct policy_client *client);
/* i < policy_count_rules(): in the order of key and profile, then of the file. */
void policy_get_rule(
	const struct policy_client *client, size_t i, struct policy_rule_view *out);
/* How many clients have some rule for the key: who shares its line. */
size_t policy_count_users(const struct policy *policy, const char *key);

#endif
