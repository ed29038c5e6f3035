/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may sit down at a token next. Lines are per key; a desk takes turns between the
 * keys that have one, so a key with a long line does not starve its neighbour on the same
 * token. Nothing is looked at that did not change: cost per seal does not grow with the
 * number of keys or tokens.
 */
#include "internal.h"

#include "util/clock.h"

void desk_stir(struct desk *desk)
{
	if (desk->is_stirred)
		return;
	desk->is_stirred = true;
	TAILQ_INSERT_TAIL(&desk->sealer->stirred, desk, next_stirred);
}

static void list(struct key_on *on)
{
	if (!on->is_listed)
		TAILQ_INSERT_TAIL(&on->desk->waiting, on, next_waiting);
	on->is_listed = true;
	desk_stir(on->desk);
}

static void unlist(struct key_on *on)
{
	if (on->is_listed)
		TAILQ_REMOVE(&on->desk->waiting, on, next_waiting);
	on->is_listed = false;
}

void desk_join(struct act *act, bool is_first)
{
	struct key *key = act->key;

	act->state = ACT_WAITING;
	if (is_first)
		TAILQ_INSERT_HEAD(&key->line, act, next);
	else
		TAILQ_INSERT_TAIL(&key->line, act, next);
	key->n_waiting++;
	act->sealer->counts.n_waiting++;
	for (size_t i = 0; i < key->n_on; i++)
		list(&key->on[i]);
}

void desk_leave(struct act *act)
{
	struct key *key = act->key;

	TAILQ_REMOVE(&key->line, act, next);
	key->n_waiting--;
	act->sealer->counts.n_waiting--;
	for (size_t i = 0; key->n_waiting == 0 && i < key->n_on; i++)
		unlist(&key->on[i]);
}

enum status desk_get_hope(const struct key *key)
{
	const int64_t now = clock_real_s();
	enum status best = STATUS_NOT_VALID_NOW;

	for (size_t i = 0; i < key->n_on; i++) {
		const struct key_on *on = &key->on[i];
		const enum token_state state = token_get_state(on->desk->token);

		if (!chain_is_valid_at(on->chain, now))
			continue;
		if (state == TOKEN_STARTING || (state == TOKEN_READY && on->is_usable))
			return STATUS_OK;
		/* Of two reasons, the one that an officer can mend is told. */
		if (state == TOKEN_LOCKED)
			best = STATUS_LOCKED;
		else if (best != STATUS_LOCKED)
			best = STATUS_TOKEN_GONE;
	}
	return best;
}

static bool can_do(const struct key_on *on, const struct act *act)
{
	return on->is_usable && chain_can(on->chain, act->algorithm) &&
	       chain_is_valid_at(on->chain, clock_real_s());
}

/* The last try of a job that was lost twice is made alone, so that it harms no other. */
static bool must_be_alone(const struct act *act)
{
	return act->n_given == GIVEN_MAX - 1;
}

/* Gives one job; false when nobody can be served here now. */
static bool serve_one(struct desk *desk)
{
	struct key_on *on;

	TAILQ_FOREACH(on, &desk->waiting, next_waiting)
	{
		struct act *act = TAILQ_FIRST(&on->key->line);

		if (!can_do(on, act))
			continue;
		if (must_be_alone(act) && token_get_n_out(desk->token) > 0)
			return false;
		if (!seal_start(act, on))
			return false;
		if (on->is_listed) {
			unlist(on);
			list(on);
		}
		return true;
	}
	return false;
}

static void serve(struct desk *desk)
{
	while (token_get_n_idle(desk->token) > 0 && !desk->is_reserved) {
		if (!serve_one(desk))
			return;
	}
}

void desk_on_turn_end(void *context)
{
	struct sealer *sealer = context;
	struct desk *desk;

	while ((desk = TAILQ_FIRST(&sealer->stirred)) != NULL) {
		/* Served before it is taken off: serving stirs, and would never end. */
		serve(desk);
		TAILQ_REMOVE(&sealer->stirred, desk, next_stirred);
		desk->is_stirred = false;
	}
}

static void judge_keys(struct desk *desk)
{
	struct sealer *sealer = desk->sealer;

	for (size_t i = 0; i < sealer->n_keys; i++) {
		for (size_t j = 0; j < sealer->keys[i].n_on; j++) {
			struct key_on *on = &sealer->keys[i].on[j];

			if (on->desk == desk)
				key_on_judge(on, token_get_key(desk->token, on->key_id),
					token_get_name(desk->token));
		}
	}
}

static void refuse_line(struct key *key, enum status status)
{
	struct act *act;

	while ((act = TAILQ_FIRST(&key->line)) != NULL)
		seal_refuse(act, status);
}

/* Those for whom no token is left need not wait for their deadline. */
static void send_away(struct desk *desk)
{
	struct key_on *on = TAILQ_FIRST(&desk->waiting);

	while (on != NULL) {
		struct key_on *next = TAILQ_NEXT(on, next_waiting);
		const enum status hope = desk_get_hope(on->key);

		if (hope != STATUS_OK)
			refuse_line(on->key, hope);
		on = next;
	}
}

void desk_on_change(struct desk *desk)
{
	const bool is_ready = token_get_state(desk->token) == TOKEN_READY;

	if (is_ready && !desk->is_ready)
		judge_keys(desk);
	desk->is_ready = is_ready;
	send_away(desk);
	desk_stir(desk);
}
