/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line of those who wait for a key, and whose turn it is. It knows names and weights,
 * and neither what an act is nor what a token is.
 *
 * Turns go in rounds. In a round each client is served as often as its weight says, its
 * first time before anybody has a second one: so who asks now and then is next, however
 * many requests a greedy neighbour has in the line. Whoever was served in this round and
 * left is remembered until the round ends: coming back is no way to a better place. Being
 * away is none either: nobody saves up turns.
 *
 * Between two turns of a client that waits, another one has at most as many as its weight
 * is; before the first turn of a newcomer, each has at most one.
 *
 * Places: half of the line is divided among the clients that may use the key, each at
 * least one; the rest is for whoever comes first. So nobody fills the line for others.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_LINE_H
#define ZEGEL_SEAL_LINE_H

#include <sys/queue.h>

#include "util/defs.h"
#include "util/table.h"

struct line_client;

/* Embedded in what waits. */
struct line_link {
	void *thing; /* borrows: what the link is embedded in */
	TAILQ_ENTRY(line_link) next;
	struct line_client *client; /* the line's; NULL before everybody */
	bool is_waiting;
};

TAILQ_HEAD(line_links, line_link);
TAILQ_HEAD(line_clients, line_client);

struct line {
	struct line_links first;   /* before everybody: they had their turn already */
	struct line_clients fresh; /* wait, and had no turn in this round */
	struct line_clients again; /* had one, and have more in this round */
	struct line_clients done;  /* wait, and have no more turns in this round */
	struct line_clients away;  /* had turns in this round, and wait no more */
	struct table clients;      /* owns all of those four */
	uint32_t max;
	uint32_t n_users;
	uint32_t n_waiting;
	uint32_t n_common; /* who wait in places that are nobody's share */
};

/* max: places. n_users: see line_set_places(). */
void line_init(struct line *line, uint32_t max, size_t n_users);
/* Nobody waits any more. A line of zeros may be given too. */
void line_deinit(struct line *line);

/*
 * How many places, and how many clients may use the key. Nobody who waits is sent away,
 * even if there are fewer places for him now.
 */
void line_set_places(struct line *line, uint32_t max, size_t n_users);
/* Whether the client would find a place. */
bool line_can_join(const struct line *line, const char *client);

/* link->thing is set. BUSY: no place for this client. NO_MEMORY. weight: at least 1. */
MUST_CHECK enum status line_put(
	struct line *line, struct line_link *link, const char *client, uint32_t weight);
/* It has had its turn, in vain, and stands before all who had none. Takes no place. */
void line_put_first(struct line *line, struct line_link *link);

/* Whose turn it is; NULL when nobody waits. Changes nothing. */
struct line_link *line_peek(const struct line *line);
/* The one that line_peek() gives has its turn, and waits no more. */
void line_take(struct line *line, struct line_link *link);
/* It waits no more, and has had no turn. */
void line_remove(struct line *line, struct line_link *link);

/* How many of this client wait, but for those before everybody. */
uint32_t line_count(const struct line *line, const char *client);

#endif
