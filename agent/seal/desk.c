/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may sit down at a token next. Lines are per key, and fair between clients (line.c);
 * a desk takes turns between the keys that have one, so a key with a long line does not
 * starve its neighbour on the same token. Nothing is looked at that did not change: cost
 * per seal does not grow with the number of keys or tokens.
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

/* Because somebody waits in its line. */
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

static struct line *get_line(const struct act *act)
{
	return &act->key->lines[act->algorithm->kind];
}

static void on_joined(struct act *act)
{
	struct key *key = act->key;

	act->state = ACT_WAITING;
	key->n_waiting++;
	act->sealer->counts.n_waiting++;
	for (size_t i = 0; i < key->n_on; i++) {
		if (key->on[i].chain->kind == act->algorithm->kind)
			list(&key->on[i]);
	}
}

static void on_left(struct act *act)
{
	struct key *key = act->key;
	const bool is_empty = get_line(act)->n_waiting == 0;

	key->n_waiting--;
	act->sealer->counts.n_waiting--;
	for (size_t i = 0; is_empty && i < key->n_on; i++) {
		if (key->on[i].chain->kind == act->algorithm->kind)
			unlist(&key->on[i]);
	}
}

bool desk_can_join(const struct act *act)
{
	return line_can_join(get_line(act), act->client);
}

enum status desk_join(struct act *act)
{
	TRY(line_put(get_line(act), &act->link, act->client, act->weight));
	on_joined(act);
	return STATUS_OK;
}

void desk_join_again(struct act *act)
{
	line_put_first(get_line(act), &act->link);
	on_joined(act);
}

void desk_take(struct act *act)
{
	line_take(get_line(act), &act->link);
	on_left(act);
}

void desk_leave(struct act *act)
{
	line_remove(get_line(act), &act->link);
	on_left(act);
}

static struct act *peek(const struct line *line)
{
	const struct line_link *link = line_peek(line);

	return link == NULL ? NULL : link->thing;
}

/* What one token says of its key: OK, or a reason. */
static enum status get_hope_on(const struct key_on *on)
{
	const enum token_state state = token_get_state(on->desk->token);

	if (!chain_is_valid_at(on->chain, clock_real_s()))
		return STATUS_NOT_VALID_NOW;
	if (state == TOKEN_STARTING || (state == TOKEN_READY && on->is_usable))
		return STATUS_OK;
	return state == TOKEN_LOCKED ? STATUS_LOCKED : STATUS_TOKEN_GONE;
}

/* Of two reasons, the one that an officer can mend is told. */
static enum status choose_hope(enum status a, enum status b)
{
	static const enum status order[] = {
		STATUS_OK, STATUS_LOCKED, STATUS_TOKEN_GONE};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		if (a == order[i] || b == order[i])
			return order[i];
	}
	return STATUS_NOT_VALID_NOW;
}

enum status desk_get_hope(const struct key *key)
{
	enum status hope = STATUS_NOT_VALID_NOW;

	for (size_t i = 0; i < key->n_on; i++)
		hope = choose_hope(hope, get_hope_on(&key->on[i]));
	return hope;
}

enum status desk_get_hope_for(const struct key *key, enum key_kind kind)
{
	enum status hope = STATUS_NOT_VALID_NOW;

	for (size_t i = 0; i < key->n_on; i++) {
		if (key->on[i].chain->kind == kind)
			hope = choose_hope(hope, get_hope_on(&key->on[i]));
	}
	return hope;
}

/* Anybody in its line is as good as any other here: they need the same kind of key. */
static bool can_serve(const struct key_on *on)
{
	return on->is_usable && chain_is_valid_at(on->chain, clock_real_s());
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
		struct act *act = peek(key_on_get_line(on));

		if (!can_serve(on))
			continue;
		if (must_be_alone(act) &&
			token_get_n_out(desk->token) + desk->n_ready > 0)
			return false;
		give_start(act, on);
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
	while (!desk->is_deaf && !desk->is_reserved &&
		token_get_n_idle(desk->token) > desk->n_ready) {
		if (!serve_one(desk))
			return;
	}
}

static void serve_all(struct sealer *sealer)
{
	struct desk *desk;

	while ((desk = TAILQ_FIRST(&sealer->stirred)) != NULL) {
		/* Served before it is taken off: serving stirs, and would never end. */
		serve(desk);
		TAILQ_REMOVE(&sealer->stirred, desk, next_stirred);
		desk->is_stirred = false;
	}
}

/*
 * All attempts of a turn are written together, and then their jobs are given. What that
 * adds to the record (a job that could not be given) is written at once too, since the
 * loop may now sleep.
 */
void desk_on_turn_end(void *context)
{
	struct sealer *sealer = context;

	checkpoint_look(&sealer->checkpoint);
	serve_all(sealer);
	audit_flush(sealer->audit);
	if (audit_has_lines(sealer->audit))
		audit_flush(sealer->audit);
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

static void refuse_line(const struct line *line, enum status status)
{
	struct act *act;

	while ((act = peek(line)) != NULL)
		seal_refuse(act, status);
}

void desk_refuse_all(struct key *key, enum status status)
{
	for (size_t i = 0; i < KEY_LINES; i++)
		refuse_line(&key->lines[i], status);
}

/* Those for whom no token is left need not wait for their deadline. */
static void send_away(struct desk *desk)
{
	struct key_on *on = TAILQ_FIRST(&desk->waiting);

	while (on != NULL) {
		struct key_on *next = TAILQ_NEXT(on, next_waiting);
		const enum status hope = desk_get_hope_for(on->key, on->chain->kind);

		if (hope != STATUS_OK)
			refuse_line(key_on_get_line(on), hope);
		on = next;
	}
}

void desk_on_change(struct desk *desk)
{
	const bool is_ready = token_get_state(desk->token) == TOKEN_READY;

	if (is_ready && !desk->is_ready)
		judge_keys(desk);
	desk->is_ready = is_ready;
	desk->is_deaf = false;
	send_away(desk);
	desk_stir(desk);
}
