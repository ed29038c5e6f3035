/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to seal with: the tokens, each a desk, and the keys on them. Built once
 * from the configuration, bottom-up, and looked things up in.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "util/clock.h"
#include "util/log.h"

static void on_result(void *context, const struct token_result *result)
{
	release_on_result(context, result);
}

static void on_lost(void *context, uint64_t job_id)
{
	give_on_lost(context, job_id);
}

static void on_change(void *context)
{
	desk_on_change(context);
}

/* The keys on one token, as its worker will number them. */
struct key_list {
	const char *uris[JOB_KEYS_MAX];
	uint32_t n;
};

/* Appends every "on" of this token, and writes into places where each one is. */
static enum status list_keys(const struct sealer_setup *setup, struct desk *desk,
	const char *token, struct key_place **places, struct key_list *out)
{
	out->n = 0;
	for (size_t i = 0; i < setup->n_keys; i++) {
		for (size_t j = 0; j < setup->keys[i].n_on; j++) {
			const struct key_on_spec *on = &setup->keys[i].on[j];

			if (strcmp(on->token, token) != 0)
				continue;
			if (out->n == JOB_KEYS_MAX)
				return STATUS_BAD_CONFIG;
			places[i][j] =
				(struct key_place){.desk = desk, .key_id = out->n};
			out->uris[out->n++] = on->uri;
		}
	}
	return STATUS_OK;
}

static enum status make_desk(struct sealer *sealer, const struct sealer_setup *setup,
	const struct token_spec *spec, struct key_place **places)
{
	struct desk *desk = &sealer->desks[sealer->n_desks];
	struct token_listener listener = {
		.context = desk,
		.on_result = on_result,
		.on_lost = on_lost,
		.on_change = on_change,
	};
	struct key_list keys;

	desk->sealer = sealer;
	TAILQ_INIT(&desk->waiting);
	TRY(list_keys(setup, desk, spec->name, places, &keys));
	TRY(token_new(sealer->gate, spec, keys.uris, keys.n, &desk->token));
	token_set_listener(desk->token, &listener);
	sealer->n_desks++;
	return STATUS_OK;
}

static void free_places(struct key_place **places, size_t n)
{
	for (size_t i = 0; places != NULL && i < n; i++)
		free(places[i]);
	free(places);
}

static enum status new_places(const struct sealer_setup *setup, struct key_place ***out)
{
	struct key_place **places = calloc(setup->n_keys + 1, sizeof(*places));

	for (size_t i = 0; places != NULL && i < setup->n_keys; i++) {
		places[i] = calloc(setup->keys[i].n_on, sizeof(**places));
		if (places[i] == NULL) {
			free_places(places, i);
			return STATUS_NO_MEMORY;
		}
	}
	*out = places;
	return places == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static int compare_keys(const void *a, const void *b)
{
	const struct key *left = a;
	const struct key *right = b;

	return strcmp(left->name, right->name);
}

/* Sorting moves keys: what points to them is set afterwards. */
static void settle_keys(struct sealer *sealer, const struct policy *policy)
{
	qsort(sealer->keys, sealer->n_keys, sizeof(*sealer->keys), compare_keys);
	for (size_t i = 0; i < sealer->n_keys; i++) {
		struct key *key = &sealer->keys[i];

		key_open_lines(
			key, sealer->line_max, policy_count_users(policy, key->name));
		for (size_t j = 0; j < key->n_on; j++)
			key->on[j].key = key;
	}
}

static enum status fill(struct sealer *sealer, const struct sealer_setup *setup,
	struct key_place **places)
{
	for (size_t i = 0; i < setup->n_tokens; i++)
		TRY(make_desk(sealer, setup, &setup->tokens[i], places));
	for (size_t i = 0; i < setup->n_keys; i++) {
		sealer->n_keys++;
		TRY(key_init(
			&sealer->keys[i], &setup->keys[i], places[i], &sealer->hashes));
	}
	settle_keys(sealer, setup->policy);
	checkpoint_init(&sealer->checkpoint, sealer, setup->record);
	return STATUS_OK;
}

enum status sealer_new(const struct sealer_setup *setup, struct sealer **out)
{
	CLEANUP(sealer_freep) struct sealer *sealer = calloc(1, sizeof(*sealer));
	struct key_place **places = NULL;
	enum status status;

	if (sealer == NULL)
		return STATUS_NO_MEMORY;
	sealer->loop = setup->loop;
	sealer->audit = setup->audit;
	sealer->min_left_s = setup->min_left_s;
	sealer->line_max = setup->line_max;
	sealer->acts = SLOTS_INIT(ACTS_MAX);
	TAILQ_INIT(&sealer->ready);
	TAILQ_INIT(&sealer->recording);
	TAILQ_INIT(&sealer->stirred);
	sealer->desks = calloc(setup->n_tokens + 1, sizeof(*sealer->desks));
	sealer->keys = calloc(setup->n_keys + 1, sizeof(*sealer->keys));
	if (sealer->desks == NULL || sealer->keys == NULL)
		return STATUS_NO_MEMORY;
	TRY(hashes_init(&sealer->hashes));
	TRY(rate_new(&sealer->rates));
	TRY(token_gate_new(setup->loop, setup->mode, &sealer->gate));
	TRY(new_places(setup, &places));
	status = fill(sealer, setup, places);
	free_places(places, setup->n_keys);
	TRY(status);
	if (sealer->audit != NULL)
		audit_set_events(
			sealer->audit, &(struct audit_events){.context = sealer,
					       .on_written = release_on_written,
					       .on_durable = release_on_durable});
	loop_set_turn_end(sealer->loop, desk_on_turn_end, sealer);
	*out = TAKE(sealer);
	return STATUS_OK;
}

static void forget_all(struct sealer *sealer)
{
	struct act *act;

	while ((act = slots_get_any(&sealer->acts)) != NULL) {
		if (act->state == ACT_WAITING)
			desk_leave(act);
		if (act->state == ACT_RECORDING)
			release_forget(act);
		seal_free(act);
	}
}

void sealer_freep(struct sealer **pointer)
{
	struct sealer *sealer = *pointer;

	if (sealer == NULL)
		return;
	loop_set_turn_end(sealer->loop, NULL, NULL);
	if (sealer->audit != NULL)
		audit_set_events(
			sealer->audit, &(struct audit_events){.context = NULL});
	forget_all(sealer);
	for (size_t i = 0; i < sealer->n_desks; i++)
		token_freep(&sealer->desks[i].token);
	for (size_t i = 0; i < sealer->n_keys; i++)
		key_deinit(&sealer->keys[i]);
	token_gate_freep(&sealer->gate);
	rate_freep(&sealer->rates);
	freep(&sealer->desks);
	freep(&sealer->keys);
	checkpoint_deinit(&sealer->checkpoint);
	hashes_deinit(&sealer->hashes);
	slots_deinit(&sealer->acts);
	freep(pointer);
}

void sealer_set_done(struct sealer *sealer, seal_done_fn *done, void *context)
{
	sealer->done = done;
	sealer->done_context = context;
}

void sealer_set_policy(struct sealer *sealer, const struct policy *policy,
	const struct sealer_limits *limits)
{
	sealer->min_left_s = limits->min_left_s;
	sealer->line_max = limits->line_max;
	for (size_t i = 0; i < sealer->n_keys; i++) {
		struct key *key = &sealer->keys[i];

		key_set_places(
			key, limits->line_max, policy_count_users(policy, key->name));
	}
}

void sealer_start(struct sealer *sealer)
{
	must(sealer->done != NULL && sealer->audit != NULL);
	for (size_t i = 0; i < sealer->n_desks; i++)
		token_start(sealer->desks[i].token);
}

void sealer_stop(struct sealer *sealer)
{
	sealer->is_stopping = true;
	for (size_t i = 0; i < sealer->n_keys; i++)
		desk_refuse_all(&sealer->keys[i], STATUS_STOPPING);
}

size_t sealer_get_n_keys(const struct sealer *sealer)
{
	return sealer->n_keys;
}

const struct key *sealer_get_key(const struct sealer *sealer, size_t index)
{
	must(index < sealer->n_keys);
	return &sealer->keys[index];
}

static int compare_name(const void *name, const void *element)
{
	const struct key *key = element;

	return strcmp(name, key->name);
}

const struct key *sealer_find_key(const struct sealer *sealer, const char *name)
{
	return bsearch(name, sealer->keys, sealer->n_keys, sizeof(*sealer->keys),
		compare_name);
}

enum key_state sealer_get_key_state(const struct sealer *sealer, const struct key *key)
{
	const enum status hope = desk_get_hope(key);
	const int64_t now = clock_real_s();

	(void)sealer;
	if (hope == STATUS_LOCKED)
		return KEY_STATE_LOCKED;
	if (hope == STATUS_NOT_VALID_NOW)
		return KEY_STATE_NOT_VALID;
	for (size_t i = 0; i < key->n_on; i++) {
		const struct key_on *on = &key->on[i];

		if (on->is_usable && chain_is_valid_at(on->chain, now) &&
			token_get_state(on->desk->token) == TOKEN_READY)
			return KEY_STATE_READY;
	}
	return KEY_STATE_UNAVAILABLE;
}

const struct chain *sealer_get_chain(const struct sealer *sealer, const struct key *key)
{
	(void)sealer;
	for (size_t i = 0; i < key->n_on; i++) {
		if (key->on[i].is_usable &&
			token_get_state(key->on[i].desk->token) == TOKEN_READY)
			return key->on[i].chain;
	}
	return key->on[0].chain;
}

const char *sealer_get_trouble(const struct sealer *sealer)
{
	return audit_get_why(sealer->audit);
}

struct sealer_counts sealer_get_counts(const struct sealer *sealer)
{
	return sealer->counts;
}
