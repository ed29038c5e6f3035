/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule whose bucket is full and that has no act under way says nothing that a new one
 * would not say: it may be forgotten at any time. That is done whenever there are twice
 * as many as the last time left over, so rules that a reload took away go by themselves,
 * and remembering costs no more than what is in use.
 */
#include "rate.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/table.h"
#include "util/text.h"

enum {
	PARTS = 1000, /* of an act: milliseconds of a second */
	SWEEP_MIN = 64,
	NAMES_MAX = 2 * NAME_MAX_LEN + 2,
};

struct rate_use {
	struct table_node node; /* "client/rule": no name has a slash */
	struct policy_rate limits;
	uint64_t parts; /* in the bucket at at_ms */
	uint64_t at_ms;
	uint32_t n_acts; /* under way */
	char names[NAMES_MAX];
};

struct rate_book {
	struct table rules; /* owns each struct rate_use in it */
	size_t sweep_at;    /* so many rules */
};

enum status rate_new(struct rate_book **out)
{
	struct rate_book *book = calloc(1, sizeof(*book));

	if (book == NULL)
		return STATUS_NO_MEMORY;
	book->sweep_at = SWEEP_MIN;
	*out = book;
	return STATUS_OK;
}

static void forget(struct rate_book *book, struct rate_use *use)
{
	must(use->n_acts == 0);
	table_remove(&book->rules, &use->node);
	free(use);
}

void rate_freep(struct rate_book **pointer)
{
	struct rate_book *book = *pointer;
	struct table_node *node;

	if (book == NULL)
		return;
	while ((node = table_get_next(&book->rules, NULL)) != NULL)
		forget(book, node->thing);
	table_deinit(&book->rules);
	freep(pointer);
}

static uint64_t get_capacity(const struct policy_rate *limits)
{
	/* A bucket that holds nothing would never let an act through. */
	return (uint64_t)(limits->burst == 0 ? 1 : limits->burst) * PARTS;
}

static void fill(struct rate_use *use, uint64_t now_ms)
{
	const uint64_t capacity = get_capacity(&use->limits);
	const uint64_t elapsed_ms = now_ms > use->at_ms ? now_ms - use->at_ms : 0;

	use->at_ms += elapsed_ms;
	if (use->limits.per_second == 0 ||
		elapsed_ms > (capacity - use->parts) / use->limits.per_second)
		use->parts = capacity;
	else
		use->parts += elapsed_ms * use->limits.per_second;
}

/* What has run in until now ran in as it was; from now on as it is. */
static void set_limits(struct rate_use *use, const struct policy_rate *limits)
{
	const uint64_t capacity = get_capacity(limits);

	/* Where there was no bucket, a full one is put. */
	if (use->limits.per_second == 0 || use->parts > capacity)
		use->parts = capacity;
	use->limits = *limits;
}

static void sweep(struct rate_book *book, uint64_t now_ms)
{
	struct table_node *node = table_get_next(&book->rules, NULL);

	while (node != NULL) {
		struct table_node *next = table_get_next(&book->rules, node);
		struct rate_use *use = node->thing;

		fill(use, now_ms);
		if (use->n_acts == 0 && use->parts == get_capacity(&use->limits))
			forget(book, use);
		node = next;
	}
	book->sweep_at = book->rules.n_nodes < SWEEP_MIN / 2 ? SWEEP_MIN
							     : 2 * book->rules.n_nodes;
}

static enum status new_use(struct rate_book *book, const struct rate_rule *rule,
	const char *names, struct rate_use **out)
{
	CLEANUP(freep) struct rate_use *use = calloc(1, sizeof(*use));

	if (use == NULL)
		return STATUS_NO_MEMORY;
	(void)snprintf(use->names, sizeof(use->names), "%s", names);
	use->node = (struct table_node){.name = use->names, .thing = use};
	use->limits = *rule->limits;
	use->parts = get_capacity(rule->limits);
	TRY(table_put(&book->rules, &use->node));
	*out = TAKE(use);
	return STATUS_OK;
}

static enum status find_use(struct rate_book *book, const struct rate_rule *rule,
	uint64_t now_ms, struct rate_use **out)
{
	char names[NAMES_MAX];
	const int len =
		snprintf(names, sizeof(names), "%s/%s", rule->client, rule->rule);
	struct rate_use *use;

	must(len > 0 && (size_t)len < sizeof(names));
	use = table_get(&book->rules, names);
	if (use == NULL) {
		if (book->rules.n_nodes >= book->sweep_at)
			sweep(book, now_ms);
		TRY(new_use(book, rule, names, &use));
	}
	fill(use, now_ms);
	set_limits(use, rule->limits);
	*out = use;
	return STATUS_OK;
}

enum status rate_begin(struct rate_book *book, const struct rate_rule *rule,
	uint64_t now_ms, uint32_t *retry_after_ms, struct rate_use **out)
{
	const struct policy_rate *limits = rule->limits;
	struct rate_use *use = NULL;

	*retry_after_ms = 0;
	if (limits->per_second == 0 && limits->concurrent == 0) {
		*out = NULL;
		return STATUS_OK;
	}
	TRY(find_use(book, rule, now_ms, &use));
	if (limits->concurrent > 0 && use->n_acts >= limits->concurrent)
		return STATUS_CONCURRENT;
	if (limits->per_second > 0 && use->parts < PARTS) {
		const uint64_t missing = PARTS - use->parts;

		*retry_after_ms = (uint32_t)((missing + limits->per_second - 1) /
					     limits->per_second);
		return STATUS_RATE;
	}
	/* Without a rate the bucket is always full again. */
	use->parts -= PARTS;
	use->n_acts++;
	*out = use;
	return STATUS_OK;
}

void rate_finishp(struct rate_use **pointer)
{
	struct rate_use *use = *pointer;

	if (use == NULL)
		return;
	must(use->n_acts > 0);
	use->n_acts--;
	*pointer = NULL;
}

size_t rate_get_n_rules(const struct rate_book *book)
{
	return book->rules.n_nodes;
}
