/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains of nodes, at most as many nodes as chains: the rows double when they would be
 * more, and never shrink. A name is hashed once, when its node is put in.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROWS_MIN = 16,
};

/* FNV-1a of 64 bits, folded so that the low bits depend on all. */
static uint64_t hash_of(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const char *at = name; *at != '\0'; at++)
		hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
	return hash ^ (hash >> 32);
}

static struct table_node **get_row(const struct table *table, uint64_t hash)
{
	return &table->rows[hash & (table->n_rows - 1)];
}

static void push(struct table *table, struct table_node *node)
{
	struct table_node **row = get_row(table, node->hash);

	node->next = *row;
	*row = node;
}

static enum status grow(struct table *table)
{
	const struct table old = *table;
	const size_t n_rows = old.n_rows == 0 ? ROWS_MIN : old.n_rows * 2;
	struct table_node **rows = calloc(n_rows, sizeof(struct table_node *));

	if (rows == NULL)
		return STATUS_NO_MEMORY;
	table->rows = rows;
	table->n_rows = n_rows;
	for (size_t i = 0; i < old.n_rows; i++) {
		struct table_node *node = old.rows[i];

		while (node != NULL) {
			struct table_node *next = node->next;

			push(table, node);
			node = next;
		}
	}
	free(old.rows);
	return STATUS_OK;
}

void table_deinit(struct table *table)
{
	must(table->n_nodes == 0);
	freep(&table->rows);
	*table = TABLE_INIT;
}

enum status table_put(struct table *table, struct table_node *node)
{
	if (table->n_nodes == table->n_rows)
		TRY(grow(table));
	node->hash = hash_of(node->name);
	push(table, node);
	table->n_nodes++;
	return STATUS_OK;
}

void *table_get(const struct table *table, const char *name)
{
	const uint64_t hash = hash_of(name);
	struct table_node *node = table->n_rows == 0 ? NULL : *get_row(table, hash);

	while (node != NULL && (node->hash != hash || strcmp(node->name, name) != 0))
		node = node->next;
	return node == NULL ? NULL : node->thing;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **at = get_row(table, node->hash);

	while (*at != NULL && *at != node)
		at = &(*at)->next;
	must(*at == node);
	*at = node->next;
	table->n_nodes--;
}

struct table_node *table_get_next(
	const struct table *table, const struct table_node *node)
{
	size_t row = 0;

	if (node != NULL && node->next != NULL)
		return node->next;
	if (node != NULL)
		row = (node->hash & (table->n_rows - 1)) + 1;
	while (row < table->n_rows && table->rows[row] == NULL)
		row++;
	return row < table->n_rows ? table->rows[row] : NULL;
}
