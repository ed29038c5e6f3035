/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_client.h"

#include <stdlib.h>
#include <string.h>

#include "util/text.h"

void policy_client_deinit(struct policy_client *client)
{
	for (size_t i = 0; i < client->n_rules; i++)
		policy_rule_deinit(&client->rules[i]);
	freep(&client->rules);
	freep(&client->listen);
	freep(&client->label);
	freep(&client->exe);
	freep(&client->unit);
	freep(&client->name);
	*client = (struct policy_client){.name = NULL};
}

/* NULL stays NULL. */
static enum status copy_criterion(const char *text, char **out)
{
	if (text == NULL)
		return STATUS_OK;
	/* It would be found in every peer of which it is not known. */
	if (text[0] == '\0')
		return STATUS_BAD_CONFIG;
	return text_copy(bytes_from_text(text), out);
}

static bool asks_something(const struct policy_client_spec *spec)
{
	return spec->has_user || spec->has_group || spec->unit != NULL ||
	       spec->exe != NULL || spec->label != NULL || spec->listen != NULL;
}

enum status policy_client_init(
	struct policy_client *client, const struct policy_client_spec *spec)
{
	*client = (struct policy_client){.has_user = spec->has_user,
		.user = spec->user,
		.has_group = spec->has_group,
		.group = spec->group,
		.weight = spec->weight};
	if (!asks_something(spec))
		return STATUS_BAD_CONFIG;
	TRY(text_copy(bytes_from_text(spec->name), &client->name));
	TRY(copy_criterion(spec->unit, &client->unit));
	TRY(copy_criterion(spec->exe, &client->exe));
	TRY(copy_criterion(spec->label, &client->label));
	return copy_criterion(spec->listen, &client->listen);
}

static bool is_in_group(const struct policy_peer *peer, gid_t group)
{
	for (size_t i = 0; i < peer->n_groups; i++) {
		if (peer->groups[i] == group)
			return true;
	}
	return peer->gid == group;
}

/* wanted NULL: not asked; found NULL or "": not known. */
static bool is_text(const char *wanted, const char *found)
{
	return wanted == NULL || (found != NULL && strcmp(wanted, found) == 0);
}

bool policy_client_is(
	const struct policy_client *client, const struct policy_peer *peer)
{
	if (client->has_user && client->user != peer->uid)
		return false;
	if (client->has_group && !is_in_group(peer, client->group))
		return false;
	return is_text(client->unit, peer->unit) && is_text(client->exe, peer->exe) &&
	       is_text(client->label, peer->label) &&
	       is_text(client->listen, peer->listen);
}

/* Both asked, and not for the same. */
static bool differs(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) != 0;
}

bool policy_client_is_apart(
	const struct policy_client *client, const struct policy_client_spec *spec)
{
	if (client->has_user && spec->has_user && client->user != spec->user)
		return true;
	return differs(client->unit, spec->unit) || differs(client->exe, spec->exe) ||
	       differs(client->label, spec->label) ||
	       differs(client->listen, spec->listen);
}

static int compare_pair(
	const struct policy_rule *rule, const char *key, const char *profile)
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

struct policy_range policy_client_find(
	const struct policy_client *client, const char *key, const char *profile)
{
	const size_t begin = lower_bound(client, key, profile);
	size_t end = begin;

	while (end < client->n_rules &&
		compare_pair(&client->rules[end], key, profile) == 0)
		end++;
	return (struct policy_range){begin, end};
}

bool policy_client_has_key(const struct policy_client *client, const char *key)
{
	/* "" comes before every profile: the first rule for the key, if there is one. */
	const size_t at = lower_bound(client, key, "");

	return at < client->n_rules && strcmp(client->rules[at].key, key) == 0;
}

static bool has_rule_named(const struct policy_client *client, const char *name)
{
	for (size_t i = 0; i < client->n_rules; i++) {
		if (strcmp(client->rules[i].name, name) == 0)
			return true;
	}
	return false;
}

/* At each power of two it is full. */
enum status policy_client_reserve(void **array, size_t n, size_t size)
{
	void *grown;

	if ((n & (n - 1)) != 0)
		return STATUS_OK;
	grown = reallocarray(*array, n == 0 ? 1 : n * 2, size);
	if (grown == NULL)
		return STATUS_NO_MEMORY;
	*array = grown;
	return STATUS_OK;
}

enum status policy_client_add_rule(
	struct policy_client *client, const struct policy_rule_spec *spec)
{
	CLEANUP(policy_rule_deinit) struct policy_rule rule = {.name = NULL};
	void *rules = client->rules;
	size_t at;

	if (has_rule_named(client, spec->name))
		return STATUS_BAD_CONFIG;
	TRY(policy_rule_init(&rule, spec));
	TRY(policy_client_reserve(&rules, client->n_rules, sizeof(client->rules[0])));
	client->rules = rules;
	/* Behind its equals: of one (key, profile) the first in the file stays first. */
	at = policy_client_find(client, spec->key, spec->profile).end;
	memmove(&client->rules[at + 1], &client->rules[at],
		(client->n_rules - at) * sizeof(client->rules[0]));
	client->rules[at] = rule;
	client->n_rules++;
	rule = (struct policy_rule){.name = NULL};
	return STATUS_OK;
}

const char *policy_client_get_name(const struct policy_client *client)
{
	return client == NULL ? "" : client->name;
}

uint32_t policy_client_get_weight(const struct policy_client *client)
{
	return client == NULL || client->weight == 0 ? 1 : client->weight;
}

size_t policy_count_rules(const struct policy_client *client)
{
	return client == NULL ? 0 : client->n_rules;
}

void policy_get_rule(
	const struct policy_client *client, size_t i, struct policy_rule_view *out)
{
	const struct policy_rule *rule;

	must(i < policy_count_rules(client));
	rule = &client->rules[i];
	*out = (struct policy_rule_view){.name = rule->name,
		.key = rule->key,
		.profile = rule->profile,
		.is_master = policy_profile_is_master(rule->profile, rule->mode)};
}
