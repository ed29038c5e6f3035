/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conscience of the agent. It holds who may use which key for which kind of seal, for
 * whom, saying what, and when, and answers from that alone: it knows no clock, no file, no
 * user database, no token and no socket.
 *
 * Here is who is who, and which of a client's rules decides. What one rule says is in
 * policy_rule.c.
 *
 * Invariant: no peer can be two clients. So who is looked for is found among those with
 * its user and those that ask for no user, and the first that fits is the only one.
 */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "policy_client.h"
#include "policy_index.h"

static const char *const refusals[] = {POLICY_REFUSED_STRANGER, POLICY_REFUSED_NO_RULE,
	POLICY_REFUSED_AUDIENCE, POLICY_REFUSED_TARGET, POLICY_REFUSED_CLAIM,
	POLICY_REFUSED_CLAIMS, POLICY_REFUSED_TOKEN_LIKE, POLICY_REFUSED_SIZE,
	POLICY_REFUSED_HOURS, POLICY_REFUSED_RATE, POLICY_REFUSED_CONCURRENT,
	POLICY_REFUSED_BUSY, POLICY_REFUSED_IDENTITY, POLICY_REFUSED_UNCLEAR};

/* The first of those that hang together by policy_client.next. */
struct chain {
	bool has_first;
	size_t first;
};

struct policy {
	uint32_t n_holders;
	struct policy_client
		*clients; /* owns n_clients, in the order they were added */
	size_t n_clients;
	struct policy_index by_user; /* the first of those with this user */
	struct policy_index by_name;
	struct chain any_user; /* those that ask for none */
};

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
	for (size_t i = 0; i < old->n_clients; i++)
		policy_client_deinit(&old->clients[i]);
	policy_index_deinit(&old->by_name);
	policy_index_deinit(&old->by_user);
	free(old->clients);
	free(old);
}

static bool is_client_named(const void *context, size_t place, const void *wanted)
{
	const struct policy *policy = context;

	return strcmp(policy->clients[place].name, wanted) == 0;
}

static bool is_client_of_user(const void *context, size_t place, const void *wanted)
{
	const struct policy *policy = context;

	return policy->clients[place].user == *(const uid_t *)wanted;
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

static uint64_t hash_user(uid_t user)
{
	return policy_index_hash((struct bytes){(const uint8_t *)&user, sizeof(user)});
}

static struct chain get_chain(const struct policy *policy, uid_t user)
{
	const struct policy_index_query query = {
		hash_user(user), is_client_of_user, policy, &user};
	struct chain chain = {.has_first = false};

	chain.has_first = policy_index_get(&policy->by_user, &query, &chain.first);
	return chain;
}

/* The one in the chain that could be the same peer as spec; NULL when there is none. */
static const struct policy_client *find_rival_in(const struct policy *policy,
	struct chain chain, const struct policy_client_spec *spec)
{
	while (chain.has_first) {
		const struct policy_client *client = &policy->clients[chain.first];

		if (!policy_client_is_apart(client, spec))
			return client;
		chain = (struct chain){client->has_next, client->next};
	}
	return NULL;
}

static const struct policy_client *find_rival(
	const struct policy *policy, const struct policy_client_spec *spec)
{
	const struct policy_client *rival;

	if (spec->has_user) {
		rival = find_rival_in(policy, get_chain(policy, spec->user), spec);
		return rival != NULL ? rival
				     : find_rival_in(policy, policy->any_user, spec);
	}
	for (size_t i = 0; i < policy->n_clients; i++) {
		if (!policy_client_is_apart(&policy->clients[i], spec))
			return &policy->clients[i];
	}
	return NULL;
}

/* Into the chain where it will be looked for: behind the first, which the index keeps. */
static enum status link_client(struct policy *policy, size_t place)
{
	struct policy_client *client = &policy->clients[place];
	const struct chain chain =
		client->has_user ? get_chain(policy, client->user) : policy->any_user;
	struct policy_client *first;

	if (chain.has_first) {
		first = &policy->clients[chain.first];
		client->has_next = first->has_next;
		client->next = first->next;
		first->has_next = true;
		first->next = place;
		return STATUS_OK;
	}
	if (client->has_user)
		return policy_index_put(
			&policy->by_user, hash_user(client->user), place);
	policy->any_user = (struct chain){true, place};
	return STATUS_OK;
}

enum status policy_add_client(struct policy *policy,
	const struct policy_client_spec *spec, const char **rival)
{
	CLEANUP(policy_client_deinit) struct policy_client client = {.name = NULL};
	const struct policy_client *other = find_rival(policy, spec);
	void *clients = policy->clients;

	*rival = other == NULL ? NULL : other->name;
	if (other != NULL || get_client_named(policy, spec->name) != NULL)
		return STATUS_BAD_CONFIG;
	TRY(policy_client_init(&client, spec));
	TRY(policy_client_reserve(
		&clients, policy->n_clients, sizeof(policy->clients[0])));
	policy->clients = clients;
	/* Complete before it is indexed: an index never points behind n_clients. */
	policy->clients[policy->n_clients++] = client;
	client = (struct policy_client){.name = NULL};
	TRY(link_client(policy, policy->n_clients - 1));
	return policy_index_put(&policy->by_name,
		policy_index_hash(bytes_from_text(spec->name)), policy->n_clients - 1);
}

bool policy_is_reserved(const char *rule)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		if (strcmp(refusals[i], rule) == 0)
			return true;
	}
	return false;
}

enum status policy_add_rule(struct policy *policy, const char *client_name,
	const struct policy_rule_spec *spec)
{
	struct policy_client *client = get_client_named(policy, client_name);

	if (client == NULL || policy_is_reserved(spec->name))
		return STATUS_BAD_CONFIG;
	return policy_client_add_rule(client, spec);
}

static const struct policy_client *find_in(
	const struct policy *policy, struct chain chain, const struct policy_peer *peer)
{
	while (chain.has_first) {
		const struct policy_client *client = &policy->clients[chain.first];

		if (policy_client_is(client, peer))
			return client;
		chain = (struct chain){client->has_next, client->next};
	}
	return NULL;
}

const struct policy_client *policy_find_client(
	const struct policy *policy, const struct policy_peer *peer)
{
	const struct policy_client *client =
		find_in(policy, get_chain(policy, peer->uid), peer);

	return client != NULL ? client : find_in(policy, policy->any_user, peer);
}

const struct policy_client *policy_get_client(
	const struct policy *policy, const char *name)
{
	return get_client_named(policy, name);
}

const struct policy_client *policy_get_client_at(const struct policy *policy, size_t i)
{
	must(i < policy->n_clients);
	return &policy->clients[i];
}

size_t policy_get_n_clients(const struct policy *policy)
{
	return policy->n_clients;
}

/* The judgement of the rule that came furthest; the first of those that came as far. */
struct nearest {
	const struct policy_rule *rule;
	enum policy_limit limit;
};

static struct nearest judge(const struct policy_client *client,
	struct policy_range range, const struct policy_question *question)
{
	struct nearest nearest = {.rule = NULL, .limit = POLICY_LIMIT_AUDIENCE};

	for (size_t i = range.begin; i < range.end; i++) {
		const struct policy_rule *rule = &client->rules[i];
		const enum policy_limit limit = policy_rule_judge(rule, question);

		if (nearest.rule == NULL || limit > nearest.limit)
			nearest = (struct nearest){rule, limit};
		if (limit == POLICY_LIMIT_NONE)
			break;
	}
	return nearest;
}

static struct policy_verdict refuse(
	const char *client, const char *why, const char *nearest)
{
	return (struct policy_verdict){.status = STATUS_DENIED,
		.client = client,
		.rule = why,
		.rate = NULL,
		.nearest = nearest};
}

struct policy_verdict policy_decide(
	const struct policy_client *client, const struct policy_question *question)
{
	struct policy_range range;
	struct nearest nearest;

	if (client == NULL)
		return refuse("", POLICY_REFUSED_STRANGER, "");
	range = policy_client_find(client, question->key, question->profile);
	nearest = judge(client, range, question);
	if (nearest.rule == NULL)
		return refuse(client->name, POLICY_REFUSED_NO_RULE, "");
	if (nearest.limit != POLICY_LIMIT_NONE)
		return refuse(client->name, policy_rule_get_refusal(nearest.limit),
			nearest.rule->name);
	return (struct policy_verdict){.status = STATUS_OK,
		.client = client->name,
		.rule = nearest.rule->name,
		.rate = &nearest.rule->rate,
		.nearest = ""};
}

bool policy_can_see(const struct policy_client *client, const char *key)
{
	return client != NULL && policy_client_has_key(client, key);
}

bool policy_can_use(
	const struct policy_client *client, const char *key, const char *profile)
{
	struct policy_range range;

	if (client == NULL)
		return false;
	range = policy_client_find(client, key, profile);
	return range.begin < range.end;
}

size_t policy_count_users(const struct policy *policy, const char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_clients; i++)
		n += policy_client_has_key(&policy->clients[i], key) ? 1 : 0;
	return n;
}
