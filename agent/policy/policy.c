/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conscience of the agent. It holds who may use which key for which kind of seal and
 * for which audience, and answers from that alone: it knows no clock, no file, no user
 * database, no token and no socket.
 *
 * Invariants: a user has at most one client; the rules of a client lie in the order of
 * (key, profile), those of one pair in the order of the file; the audiences of a rule lie
 * in order. So a decision is one hash look-up and one or two binary searches.
 */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "policy_index.h"
#include "util/text.h"

/* Names of refusals; no rule may have one of them, so the record cannot be misread. */
#define REFUSED_STRANGER "stranger"
#define REFUSED_NO_RULE  "no-rule"
#define REFUSED_AUDIENCE "audience"

/* The one profile that has no audience (design 4.3). */
#define PROFILE_DIGEST "digest"

struct rule {
	char *name;       /* owns */
	char *key;        /* owns */
	char *profile;    /* owns */
	char **audiences; /* owns n_audiences, in order; none: any */
	size_t n_audiences;
	struct policy_rate rate;
};

struct policy_client {
	char *name; /* owns */
	uid_t uid;
	uint32_t weight;
	struct rule *rules; /* owns n_rules, in order of (key, profile) */
	size_t n_rules;
	size_t rules_room;
};

struct policy {
	uint32_t n_holders;
	struct policy_client
		*clients; /* owns n_clients, in the order they were added */
	size_t n_clients;
	size_t clients_room;
	struct policy_index by_uid;
	struct policy_index by_name;
};

/* A stretch of the rules of a client. */
struct range {
	size_t begin;
	size_t end;
};

static void rule_deinit(struct rule *rule)
{
	for (size_t i = 0; i < rule->n_audiences; i++)
		freep(&rule->audiences[i]);
	freep(&rule->audiences);
	freep(&rule->profile);
	freep(&rule->key);
	freep(&rule->name);
	rule->n_audiences = 0;
}

enum status policy_new(struct policy **out)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (policy == NULL)
		return STATUS_NO_MEMORY;
	policy->n_holders = 1;
	*out = policy;
	return STATUS_OK;
}

struct policy *policy_hold(struct policy *policy)
{
	policy->n_holders++;
	return policy;
}

void policy_freep(struct policy **policy)
{
	struct policy *old = *policy;

	*policy = NULL;
	if (old == NULL || --old->n_holders > 0)
		return;
	for (size_t i = 0; i < old->n_clients; i++) {
		for (size_t j = 0; j < old->clients[i].n_rules; j++)
			rule_deinit(&old->clients[i].rules[j]);
		free(old->clients[i].rules);
		free(old->clients[i].name);
	}
	policy_index_deinit(&old->by_name);
	policy_index_deinit(&old->by_uid);
	free(old->clients);
	free(old);
}

static bool is_client_named(const void *context, size_t place, const void *wanted)
{
	const struct policy *policy = context;

	return strcmp(policy->clients[place].name, wanted) == 0;
}

static bool is_client_of_uid(const void *context, size_t place, const void *wanted)
{
	const struct policy *policy = context;

	return policy->clients[place].uid == *(const uid_t *)wanted;
}

static struct policy_client *get_client_named(
	const struct policy *policy, const char *name)
{
	size_t place;
	const struct policy_index_query query = {
		policy_index_hash(bytes_from_text(name)), is_client_named, policy,
		name};

	if (!policy_index_get(&policy->by_name, &query, &place))
		return NULL;
	return &policy->clients[place];
}

static uint64_t hash_uid(uid_t uid)
{
	return policy_index_hash((struct bytes){(const uint8_t *)&uid, sizeof(uid)});
}

static const struct policy_client *get_client_of(const struct policy *policy, uid_t uid)
{
	size_t place;
	const struct policy_index_query query = {
		hash_uid(uid), is_client_of_uid, policy, &uid};

	if (!policy_index_get(&policy->by_uid, &query, &place))
		return NULL;
	return &policy->clients[place];
}

/* Room for one more in an array that doubles. */
static enum status reserve_one(void **array, size_t *room, size_t n, size_t size)
{
	const size_t more = *room == 0 ? 4 : *room * 2;
	void *grown;

	if (n < *room)
		return STATUS_OK;
	grown = reallocarray(*array, more, size);
	if (grown == NULL)
		return STATUS_NO_MEMORY;
	*array = grown;
	*room = more;
	return STATUS_OK;
}

enum status policy_add_client(struct policy *policy,
	const struct policy_client_spec *spec, const char **rival)
{
	const struct policy_client *other;
	CLEANUP(freep) char *copy = NULL;
	void *clients = policy->clients;
	const uid_t uid = spec->user;
	const char *name = spec->name;

	*rival = NULL;
	other = get_client_of(policy, uid);
	if (other != NULL)
		*rival = other->name;
	if (other != NULL || !spec->has_user || get_client_named(policy, name) != NULL)
		return STATUS_BAD_CONFIG;
	TRY(text_copy(bytes_from_text(name), &copy));
	TRY(reserve_one(&clients, &policy->clients_room, policy->n_clients,
		sizeof(policy->clients[0])));
	policy->clients = clients;
	/* Complete before it is indexed: an index never points behind n_clients. */
	policy->clients[policy->n_clients] = (struct policy_client){
		.name = TAKE(copy), .uid = uid, .weight = spec->weight};
	policy->n_clients++;
	TRY(policy_index_put(&policy->by_uid, hash_uid(uid), policy->n_clients - 1));
	return policy_index_put(&policy->by_name,
		policy_index_hash(bytes_from_text(name)), policy->n_clients - 1);
}

static int compare_pair(const struct rule *rule, const char *key, const char *profile)
{
	const int by_key = strcmp(rule->key, key);

	return by_key != 0 ? by_key : strcmp(rule->profile, profile);
}

/* The first rule that does not come before (key, profile). */
static size_t lower_bound(
	const struct policy_client *client, const char *key, const char *profile)
{
	size_t begin = 0;
	size_t end = client->n_rules;

	while (begin < end) {
		const size_t middle = begin + (end - begin) / 2;

		if (compare_pair(&client->rules[middle], key, profile) < 0)
			begin = middle + 1;
		else
			end = middle;
	}
	return begin;
}

static struct range find_rules(
	const struct policy_client *client, const char *key, const char *profile)
{
	const size_t begin = lower_bound(client, key, profile);
	size_t end = begin;

	while (end < client->n_rules &&
		compare_pair(&client->rules[end], key, profile) == 0)
		end++;
	return (struct range){begin, end};
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum status copy_audiences(
	const struct policy_rule_spec *spec, struct rule *rule)
{
	if (spec->n_audiences == 0)
		return STATUS_OK;
	rule->audiences = calloc(spec->n_audiences, sizeof(rule->audiences[0]));
	if (rule->audiences == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < spec->n_audiences; i++) {
		TRY(text_copy(
			bytes_from_text(spec->audiences[i]), &rule->audiences[i]));
		rule->n_audiences++;
	}
	qsort(rule->audiences, rule->n_audiences, sizeof(rule->audiences[0]),
		compare_text);
	return STATUS_OK;
}

static enum status copy_rule(const struct policy_rule_spec *spec, struct rule *rule)
{
	TRY(text_copy(bytes_from_text(spec->name), &rule->name));
	TRY(text_copy(bytes_from_text(spec->key), &rule->key));
	TRY(text_copy(bytes_from_text(spec->profile), &rule->profile));
	rule->rate = spec->rate;
	return copy_audiences(spec, rule);
}

static bool has_rule_named(const struct policy_client *client, const char *name)
{
	for (size_t i = 0; i < client->n_rules; i++) {
		if (strcmp(client->rules[i].name, name) == 0)
			return true;
	}
	return false;
}

bool policy_is_reserved(const char *rule)
{
	return strcmp(rule, REFUSED_STRANGER) == 0 ||
	       strcmp(rule, REFUSED_NO_RULE) == 0 ||
	       strcmp(rule, REFUSED_AUDIENCE) == 0;
}

enum status policy_add_rule(struct policy *policy, const char *client_name,
	const struct policy_rule_spec *spec)
{
	CLEANUP(rule_deinit) struct rule rule = {0};
	struct policy_client *client = get_client_named(policy, client_name);
	void *rules;
	size_t at;

	if (client == NULL || has_rule_named(client, spec->name))
		return STATUS_BAD_CONFIG;
	if (policy_is_reserved(spec->name))
		return STATUS_BAD_CONFIG;
	/* Would look like a limit and could not be one. */
	if (strcmp(spec->profile, PROFILE_DIGEST) == 0 && spec->n_audiences > 0)
		return STATUS_BAD_CONFIG;
	TRY(copy_rule(spec, &rule));
	rules = client->rules;
	TRY(reserve_one(&rules, &client->rules_room, client->n_rules,
		sizeof(client->rules[0])));
	client->rules = rules;
	/* Behind its equals: of one (key, profile) the first in the file stays first. */
	at = find_rules(client, spec->key, spec->profile).end;
	memmove(&client->rules[at + 1], &client->rules[at],
		(client->n_rules - at) * sizeof(client->rules[0]));
	client->rules[at] = rule;
	client->n_rules++;
	rule = (struct rule){0};
	return STATUS_OK;
}

static bool is_audience_allowed(const struct rule *rule, const char *audience)
{
	if (rule->n_audiences == 0)
		return true;
	if (audience == NULL)
		return false;
	return bsearch(&audience, rule->audiences, rule->n_audiences,
		       sizeof(rule->audiences[0]), compare_text) != NULL;
}

static struct policy_verdict refuse(const char *client, const char *why)
{
	return (struct policy_verdict){STATUS_DENIED, client, why, NULL};
}

const struct policy_client *policy_find_client(
	const struct policy *policy, const struct policy_peer *peer)
{
	return get_client_of(policy, peer->uid);
}

const struct policy_client *policy_get_client(
	const struct policy *policy, const char *name)
{
	return get_client_named(policy, name);
}

const char *policy_client_get_name(const struct policy_client *client)
{
	return client == NULL ? "" : client->name;
}

uint32_t policy_client_get_weight(const struct policy_client *client)
{
	return client == NULL || client->weight == 0 ? 1 : client->weight;
}

size_t policy_get_n_clients(const struct policy *policy)
{
	return policy->n_clients;
}

struct policy_verdict policy_decide(
	const struct policy_client *client, const struct policy_question *question)
{
	struct range range;

	if (client == NULL)
		return refuse("", REFUSED_STRANGER);
	range = find_rules(client, question->key, question->profile);
	if (range.begin == range.end)
		return refuse(client->name, REFUSED_NO_RULE);
	for (size_t i = range.begin; i < range.end; i++) {
		const struct rule *rule = &client->rules[i];

		if (is_audience_allowed(rule, question->audience))
			return (struct policy_verdict){
				STATUS_OK, client->name, rule->name, &rule->rate};
	}
	return refuse(client->name, REFUSED_AUDIENCE);
}

bool policy_can_see(const struct policy_client *client, const char *key)
{
	size_t at;

	if (client == NULL)
		return false;
	/* "" comes before every profile: the first rule for the key, if there is one. */
	at = lower_bound(client, key, "");
	return at < client->n_rules && strcmp(client->rules[at].key, key) == 0;
}

bool policy_can_use(
	const struct policy_client *client, const char *key, const char *profile)
{
	struct range range;

	if (client == NULL)
		return false;
	range = find_rules(client, key, profile);
	return range.begin < range.end;
}

size_t policy_count_users(const struct policy *policy, const char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_clients; i++)
		n += policy_can_see(&policy->clients[i], key) ? 1 : 0;
	return n;
}
