/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line that is wanted becomes an item at the end of a queue. An attempt waits there for
 * its outcome, and all behind it wait with it, so that rows come out in the order of the
 * record. Of those that leave the queue the last ones are kept, or each is shown at once.
 */
#include "show.h"

#include <stdlib.h>
#include <string.h>

#include "row.h"

enum {
	STATUS_NAME_MAX = 32,
};

static const char no_json[] =
	"it is not one JSON object in which each name stands once";

enum item_state {
	ITEM_READY,
	ITEM_OPEN,    /* an attempt whose outcome was not seen yet */
	ITEM_DROPPED, /* an attempt whose outcome is not wanted */
};

struct item {
	enum item_state state;
	uint64_t seq;
	char status[STATUS_NAME_MAX]; /* of the outcome; "" */
	char why[WALK_WHY_MAX];       /* "": it is good */
	bool is_entry;
	const char *file; /* borrows from the sources */
	uint64_t number;
	struct bytes text; /* in this allocation, behind the struct */
	uint8_t room[];
};

/* The first of n items is at begin, in a circle of max places. */
struct queue {
	struct item **items; /* owns, and each item */
	size_t max;
	size_t begin;
	size_t n;
};

struct show {
	const struct show_spec *spec; /* borrows */
	show_fn *on_row;
	void *context;
	struct queue waiting;
	struct queue last; /* max 0: rows are shown at once */
	uint64_t *known;   /* owns; a circle of seqs, rising */
	size_t known_begin;
	size_t n_known;
	uint64_t n_bad;
	struct entry_hasher hasher;
	struct buf text; /* owns */
	bool has_begun;
};

static struct item **place(const struct queue *queue, size_t at)
{
	return &queue->items[(queue->begin + at) % queue->max];
}

/* There is room. Takes item. */
static void put(struct queue *queue, struct item *item)
{
	must(queue->n < queue->max);
	*place(queue, queue->n++) = item;
}

/* There is one. Gives. */
static struct item *take(struct queue *queue)
{
	struct item **first = place(queue, 0);

	must(queue->n > 0);
	queue->begin = (queue->begin + 1) % queue->max;
	queue->n--;
	return TAKE(*first);
}

static void queue_deinit(struct queue *queue)
{
	while (queue->n > 0)
		free(take(queue));
	freep(&queue->items);
}

static bool queue_init(struct queue *queue, size_t max)
{
	*queue = (struct queue){.max = max};
	if (max > 0)
		queue->items = calloc(max, sizeof(struct item *));
	return max == 0 || queue->items != NULL;
}

void show_freep(struct show **show)
{
	if (*show == NULL)
		return;
	queue_deinit(&(*show)->waiting);
	queue_deinit(&(*show)->last);
	freep(&(*show)->known);
	entry_hasher_deinit(&(*show)->hasher);
	buf_deinit(&(*show)->text);
	freep(show);
}

enum status show_new(
	const struct show_spec *spec, show_fn *on_row, void *context, struct show **out)
{
	CLEANUP(show_freep) struct show *show = calloc(1, sizeof(*show));

	must(spec->last <= SHOW_LAST_MAX);
	if (show == NULL)
		return STATUS_NO_MEMORY;
	show->spec = spec;
	show->on_row = on_row;
	show->context = context;
	show->text = BUF_INIT(ROW_MAX);
	show->known = calloc(SHOW_KNOWN_MAX, sizeof(*show->known));
	if (show->known == NULL || !queue_init(&show->waiting, SHOW_WAITING_MAX) ||
		!queue_init(&show->last, spec->last))
		return STATUS_NO_MEMORY;
	TRY(entry_hasher_init(&show->hasher));
	*out = TAKE(show);
	return STATUS_OK;
}

uint64_t show_get_n_bad(const struct show *show)
{
	return show->n_bad;
}

static void copy_text(char *out, size_t max, const char *text)
{
	const size_t len = strlen(text);

	must(len < max);
	memcpy(out, text, len + 1);
}

static struct item *new_item(const struct walk_line *line, enum item_state state)
{
	struct item *item = calloc(1, sizeof(*item) + line->text.len);

	if (item == NULL)
		return NULL;
	item->state = state;
	item->is_entry = line->is_entry;
	item->seq = line->is_entry ? line->entry.seq : 0;
	item->file = line->source->name;
	item->number = line->number;
	if (line->text.len > 0)
		memcpy(item->room, line->text.p, line->text.len);
	item->text = (struct bytes){item->room, line->text.len};
	if (line->why != NULL)
		copy_text(item->why, sizeof(item->why), line->why);
	return item;
}

/* What an entry borrowed from the walk is read again from our copy. */
static enum status append_row(struct show *show, const struct item *item)
{
	const char *why = item->why[0] == '\0' ? NULL : item->why;
	const char *unread = NULL;
	struct entry entry;
	struct row row = {.file = item->file,
		.number = item->number,
		.text = item->text,
		.entry = item->is_entry ? &entry : NULL,
		.status = item->status[0] == '\0' ? NULL : item->status,
		.why = why};
	enum status status;

	if (item->is_entry)
		TRY(entry_read(&show->hasher, item->text, &entry, &unread));
	status = show->spec->is_json ? row_append_json(&show->text, &row)
				     : row_append(&show->text, &row);
	if (status != STATUS_BAD_FILE)
		return status;
	show->n_bad += why == NULL ? 1 : 0;
	row.entry = NULL;
	row.why = no_json;
	return show->spec->is_json ? row_append_json(&show->text, &row)
				   : row_append(&show->text, &row);
}

static enum status print(struct show *show, const struct item *item)
{
	buf_clear(&show->text);
	if (!show->has_begun && !show->spec->is_json)
		TRY(row_append_heading(&show->text));
	show->has_begun = true;
	TRY(append_row(show, item));
	show->on_row(show->context, buf_get(&show->text));
	return STATUS_OK;
}

/* Takes item: it is wanted, and its turn has come. */
static enum status release(struct show *show, struct item *item)
{
	CLEANUP(freep) struct item *owned = item;

	if (show->last.max == 0)
		return print(show, owned);
	if (show->last.n == show->last.max)
		free(take(&show->last));
	put(&show->last, TAKE(owned));
	return STATUS_OK;
}

static enum status release_first(struct show *show)
{
	CLEANUP(freep) struct item *item = take(&show->waiting);

	if (item->state == ITEM_OPEN) {
		if (!filter_takes_status_name(&show->spec->filter, "OPEN"))
			return STATUS_OK;
		copy_text(item->status, sizeof(item->status), "OPEN");
	}
	if (item->state == ITEM_DROPPED)
		return STATUS_OK;
	return release(show, TAKE(item));
}

/* Takes item; NULL is no memory. */
static enum status push(struct show *show, struct item *item)
{
	if (item == NULL)
		return STATUS_NO_MEMORY;
	/* One that waits longer than this is shown as it is. */
	if (show->waiting.n == show->waiting.max) {
		const enum status status = release_first(show);

		if (status != STATUS_OK) {
			free(item);
			return status;
		}
	}
	put(&show->waiting, item);
	return STATUS_OK;
}

static enum status release_ready(struct show *show)
{
	while (show->waiting.n > 0 && (*place(&show->waiting, 0))->state != ITEM_OPEN)
		TRY(release_first(show));
	return STATUS_OK;
}

static void remember(struct show *show, uint64_t seq)
{
	show->known[(show->known_begin + show->n_known) % SHOW_KNOWN_MAX] = seq;
	if (show->n_known < SHOW_KNOWN_MAX)
		show->n_known++;
	else
		show->known_begin = (show->known_begin + 1) % SHOW_KNOWN_MAX;
}

static bool is_known(const struct show *show, uint64_t seq)
{
	size_t low = 0, high = show->n_known;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const uint64_t found =
			show->known[(show->known_begin + middle) % SHOW_KNOWN_MAX];

		if (found == seq)
			return true;
		if (found < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool is_kind(const struct entry *entry, const char *kind)
{
	return bytes_is_equal(entry->kind, bytes_from_text(kind));
}

static enum status add_attempt(struct show *show, const struct walk_line *line)
{
	const struct filter *filter = &show->spec->filter;

	if (!filter_takes_members(filter, &line->entry))
		return STATUS_OK;
	remember(show, line->entry.seq);
	if (!filter_takes_entry(filter, &line->entry))
		return STATUS_OK;
	return push(show, new_item(line, ITEM_OPEN));
}

/* The row of the attempt, if it still waits. */
static struct item *find_open(const struct show *show, uint64_t attempt)
{
	for (size_t i = 0; i < show->waiting.n; i++) {
		struct item *item = *place(&show->waiting, i);

		if (item->state == ITEM_OPEN && item->seq == attempt)
			return item;
	}
	return NULL;
}

/* "ORPHAN", or what its status says; false: it says nothing that can be one. */
static bool read_status(
	const struct entry *entry, struct bytes rest, char out[static STATUS_NAME_MAX])
{
	static const char member[] = ",\"status\":\"";
	const size_t member_len = sizeof(member) - 1;
	const uint8_t *end;

	if (is_kind(entry, "orphan")) {
		copy_text(out, STATUS_NAME_MAX, "ORPHAN");
		return true;
	}
	if (rest.len < member_len || memcmp(rest.p, member, member_len) != 0)
		return false;
	rest.p += member_len;
	rest.len -= member_len;
	end = memchr(rest.p, '"', rest.len);
	if (end == NULL || end == rest.p || end - rest.p >= STATUS_NAME_MAX)
		return false;
	for (const uint8_t *c = rest.p; c < end; c++) {
		if ((*c < 'A' || *c > 'Z') && *c != '_')
			return false;
	}
	memcpy(out, rest.p, (size_t)(end - rest.p));
	out[end - rest.p] = '\0';
	return true;
}

/* An outcome, orphan or undelivered line. */
static enum status add_to_attempt(struct show *show, const struct walk_line *line,
	uint64_t attempt, struct bytes rest)
{
	const struct filter *filter = &show->spec->filter;
	const bool closes = !is_kind(&line->entry, "undelivered");
	struct item *item = closes ? find_open(show, attempt) : NULL;
	char status[STATUS_NAME_MAX] = "";
	const bool has_status = read_status(&line->entry, rest, status);
	const bool is_wanted = filter->status == NULL ||
			       (has_status && filter_takes_status_name(filter, status));

	if (item != NULL && has_status) {
		item->state = is_wanted ? ITEM_READY : ITEM_DROPPED;
		copy_text(item->status, sizeof(item->status), status);
		/* Its row says it all; of lines as they stand there are two. */
		if (!show->spec->is_json)
			return STATUS_OK;
	}
	if (!is_wanted || !filter_takes_entry(filter, &line->entry) ||
		(filter_has_members(filter) && !is_known(show, attempt)))
		return STATUS_OK;
	return push(show, new_item(line, ITEM_READY));
}

static enum status add_good(struct show *show, const struct walk_line *line)
{
	const struct filter *filter = &show->spec->filter;
	const struct entry *entry = &line->entry;
	struct bytes rest;
	uint64_t attempt;

	if (is_kind(entry, "attempt"))
		return add_attempt(show, line);
	if ((is_kind(entry, "outcome") || is_kind(entry, "orphan") ||
		    is_kind(entry, "undelivered")) &&
		entry_get_attempt(entry, &rest, &attempt))
		return add_to_attempt(show, line, attempt, rest);
	if (!filter_takes_entry(filter, entry) ||
		!filter_takes_members(filter, entry) ||
		!filter_takes_status(filter, entry))
		return STATUS_OK;
	return push(show, new_item(line, ITEM_READY));
}

enum status show_add(struct show *show, const struct walk_line *line)
{
	if (line->why != NULL) {
		show->n_bad++;
		TRY(push(show, new_item(line, ITEM_READY)));
	} else {
		TRY(add_good(show, line));
	}
	return release_ready(show);
}

enum status show_finish(struct show *show)
{
	while (show->waiting.n > 0)
		TRY(release_first(show));
	while (show->last.n > 0) {
		CLEANUP(freep) struct item *item = take(&show->last);

		TRY(print(show, item));
	}
	return STATUS_OK;
}
