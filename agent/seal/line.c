/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deficit round robin where each turn costs the same, so that a deficit is a count of
 * turns: what is left of a client's weight in this round.
 *
 * Invariants: a client is in fresh, again or done if and only if somebody of it waits; in
 * away only if it had a turn in this round. A round ends when a turn is taken and nobody
 * waits who has one left; it is not ended earlier, so that who comes before that turn is
 * taken is still before those who had theirs.
 *
 * There are at most as many clients here as the policy lets use the key: less memory than
 * the policy takes for its rules.
 */
#include "line.h"

#include <stdlib.h>
#include <string.h>

struct line_client {
	struct table_node node;
	TAILQ_ENTRY(line_client) next;
	struct line_clients *list; /* the one it is in */
	struct line_links links;   /* its own line: first come, first served */
	uint32_t n_waiting;
	uint32_t weight;
	uint32_t n_turns; /* left in this round */
	bool is_served;   /* in this round */
	char name[];
};

void line_init(struct line *line, uint32_t max, size_t n_users)
{
	*line = (struct line){.max = max};
	TAILQ_INIT(&line->first);
	TAILQ_INIT(&line->fresh);
	TAILQ_INIT(&line->again);
	TAILQ_INIT(&line->done);
	TAILQ_INIT(&line->away);
	line_set_places(line, max, n_users);
}

/* Not in a list any more. */
static void free_client(struct line *line, struct line_client *client)
{
	table_remove(&line->clients, &client->node);
	free(client);
}

static void forget_away(struct line *line)
{
	struct line_client *client;

	while ((client = TAILQ_FIRST(&line->away)) != NULL) {
		TAILQ_REMOVE(&line->away, client, next);
		free_client(line, client);
	}
}

void line_deinit(struct line *line)
{
	must(line->n_waiting == 0);
	forget_away(line);
	table_deinit(&line->clients);
}

/* The places that are one client's own. */
static uint32_t get_share(const struct line *line)
{
	const uint32_t share = line->max / 2 / line->n_users;

	return share == 0 ? 1 : share;
}

/* The places that are nobody's. */
static uint32_t get_common(const struct line *line)
{
	const uint64_t shares = (uint64_t)get_share(line) * line->n_users;

	return shares < line->max ? line->max - (uint32_t)shares : 0;
}

void line_set_places(struct line *line, uint32_t max, size_t n_users)
{
	struct table_node *node = NULL;

	must(n_users <= UINT32_MAX);
	line->max = max;
	line->n_users = n_users == 0 ? 1 : (uint32_t)n_users;
	line->n_common = 0;
	while ((node = table_get_next(&line->clients, node)) != NULL) {
		const struct line_client *client = node->thing;

		if (client->n_waiting > get_share(line))
			line->n_common += client->n_waiting - get_share(line);
	}
}

uint32_t line_count(const struct line *line, const char *name)
{
	const struct line_client *client = table_get(&line->clients, name);

	return client == NULL ? 0 : client->n_waiting;
}

bool line_can_join(const struct line *line, const char *name)
{
	return line_count(line, name) < get_share(line) ||
	       line->n_common < get_common(line);
}

static enum status new_client(
	struct line *line, const char *name, struct line_client **out)
{
	const size_t len = strlen(name) + 1;
	struct line_client *client = calloc(1, sizeof(*client) + len);
	enum status status;

	if (client == NULL)
		return STATUS_NO_MEMORY;
	memcpy(client->name, name, len);
	client->node = (struct table_node){.name = client->name, .thing = client};
	TAILQ_INIT(&client->links);
	status = table_put(&line->clients, &client->node);
	if (status != STATUS_OK) {
		free(client);
		return status;
	}
	*out = client;
	return STATUS_OK;
}

static void move(struct line_client *client, struct line_clients *list)
{
	if (client->list != NULL)
		TAILQ_REMOVE(client->list, client, next);
	TAILQ_INSERT_TAIL(list, client, next);
	client->list = list;
}

/* Where a client that waits belongs, at the end of those who are there. */
static void stand(struct line *line, struct line_client *client)
{
	if (!client->is_served)
		move(client, &line->fresh);
	else
		move(client, client->n_turns > 0 ? &line->again : &line->done);
}

/* The weight may have changed since it came last. */
static void set_weight(struct line_client *client, uint32_t weight)
{
	must(weight > 0);
	client->weight = weight;
	if (!client->is_served || client->n_turns > weight)
		client->n_turns = weight;
}

enum status line_put(
	struct line *line, struct line_link *link, const char *name, uint32_t weight)
{
	struct line_client *client = table_get(&line->clients, name);

	must(!link->is_waiting);
	if (!line_can_join(line, name))
		return STATUS_BUSY;
	if (client == NULL)
		TRY(new_client(line, name, &client));
	set_weight(client, weight);
	link->client = client;
	link->is_waiting = true;
	TAILQ_INSERT_TAIL(&client->links, link, next);
	if (client->n_waiting++ == 0)
		stand(line, client);
	if (client->n_waiting > get_share(line))
		line->n_common++;
	line->n_waiting++;
	return STATUS_OK;
}

void line_put_first(struct line *line, struct line_link *link)
{
	must(!link->is_waiting);
	link->client = NULL;
	link->is_waiting = true;
	TAILQ_INSERT_TAIL(&line->first, link, next);
	line->n_waiting++;
}

struct line_link *line_peek(const struct line *line)
{
	const struct line_clients *const lists[] = {
		&line->fresh, &line->again, &line->done};

	if (!TAILQ_EMPTY(&line->first))
		return TAILQ_FIRST(&line->first);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (!TAILQ_EMPTY(lists[i]))
			return TAILQ_FIRST(&TAILQ_FIRST(lists[i])->links);
	}
	return NULL;
}

/* Amortised: everyone who is looked at had a turn in the round that ends. */
static void end_round(struct line *line)
{
	struct line_client *client;

	must(TAILQ_EMPTY(&line->fresh) && TAILQ_EMPTY(&line->again));
	forget_away(line);
	while ((client = TAILQ_FIRST(&line->done)) != NULL) {
		client->is_served = false;
		client->n_turns = client->weight;
		move(client, &line->fresh);
	}
}

static void take_out(struct line *line, struct line_link *link)
{
	struct line_client *client = link->client;

	must(link->is_waiting);
	link->is_waiting = false;
	link->client = NULL;
	line->n_waiting--;
	if (client == NULL) {
		TAILQ_REMOVE(&line->first, link, next);
		return;
	}
	TAILQ_REMOVE(&client->links, link, next);
	if (client->n_waiting > get_share(line))
		line->n_common--;
	client->n_waiting--;
}

void line_take(struct line *line, struct line_link *link)
{
	struct line_client *client = link->client;

	must(link == line_peek(line));
	take_out(line, link);
	if (client == NULL)
		return;
	if (client->list == &line->done)
		end_round(line);
	client->is_served = true;
	client->n_turns--;
	if (client->n_waiting > 0)
		stand(line, client);
	else
		move(client, &line->away);
}

void line_remove(struct line *line, struct line_link *link)
{
	struct line_client *client = link->client;

	take_out(line, link);
	if (client == NULL || client->n_waiting > 0)
		return;
	if (client->is_served) {
		move(client, &line->away);
		return;
	}
	TAILQ_REMOVE(&line->fresh, client, next);
	free_client(line, client);
}
