/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Things by their name, when there may be ten or ten thousand and they come and go. The
 * node is embedded in the thing, so taking one out cannot fail and costs nothing.
 *
 * Names come from the configuration, which is root's: the hash needs no secret.
 *
 * Thread: main
 */
#ifndef ZEGEL_UTIL_TABLE_H
#define ZEGEL_UTIL_TABLE_H

#include "defs.h"

struct table_node {
	const char *name; /* borrows until taken out: the thing keeps it */
	void *thing;      /* borrows: what the node is embedded in */
	struct table_node *next;
	uint64_t hash; /* the table's */
};

struct table {
	struct table_node **rows; /* owns n_rows, a power of two or 0 */
	size_t n_rows;
	size_t n_nodes;
};

#define TABLE_INIT ((struct table){.rows = NULL})

/* Nothing is in any more. */
void table_deinit(struct table *table);
/* name and thing are set, and no other node has the name. NO_MEMORY. */
MUST_CHECK enum status table_put(struct table *table, struct table_node *node);
/* The thing of that name; NULL when there is none. */
void *table_get(const struct table *table, const char *name);
/* It is in. */
void table_remove(struct table *table, struct table_node *node);
/*
 * The first thing (after NULL) or the one after this, in no order; NULL: that was all. The
 * one at hand may be removed once the next is known.
 */
struct table_node *table_get_next(
	const struct table *table, const struct table_node *node);

#endif
