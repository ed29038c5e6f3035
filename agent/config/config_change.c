/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant: each field of what lives as long as the process is compared here. A new one
 * stops the compiler in tests/unit/test_config_change.c, so that nobody forgets it.
 */
#include "config_change.h"

#include <string.h>

/* Texts that may be absent. */
static bool is_same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static bool is_same_listen(const void *left, const void *right)
{
	const struct listen_spec *a = left;
	const struct listen_spec *b = right;

	return is_same(a->name, b->name) && is_same(a->path, b->path) &&
	       a->mode == b->mode && a->has_group == b->has_group &&
	       (!a->has_group || a->group == b->group);
}

static bool is_same_token(const void *left, const void *right)
{
	const struct token_spec *a = left;
	const struct token_spec *b = right;

	if (!is_same(a->name, b->name) || !is_same(a->module, b->module) ||
		!is_same(a->uri, b->uri) || a->pin != b->pin ||
		!is_same(a->pin_path, b->pin_path) || a->n_sessions != b->n_sessions ||
		a->deadline_ms != b->deadline_ms ||
		a->n_environment != b->n_environment)
		return false;
	for (size_t i = 0; i < a->n_environment; i++) {
		if (!is_same(a->environment[i], b->environment[i]))
			return false;
	}
	return true;
}

static bool is_same_key(const void *left, const void *right)
{
	const struct key_spec *a = left;
	const struct key_spec *b = right;

	if (!is_same(a->name, b->name) || !is_same(a->identifier, b->identifier) ||
		a->has_root != b->has_root || a->n_on != b->n_on)
		return false;
	for (size_t i = 0; i < a->n_on; i++) {
		if (!is_same(a->on[i].token, b->on[i].token) ||
			!is_same(a->on[i].uri, b->on[i].uri) ||
			!is_same(a->on[i].certificate, b->on[i].certificate))
			return false;
	}
	return true;
}

static bool is_same_record(const struct record_spec *a, const struct record_spec *b)
{
	return is_same(a->directory, b->directory) && a->sync == b->sync &&
	       a->rotate_mib == b->rotate_mib && a->is_daily == b->is_daily &&
	       is_same(a->checkpoint_key, b->checkpoint_key) &&
	       a->checkpoint_lines == b->checkpoint_lines &&
	       a->checkpoint_s == b->checkpoint_s;
}

/* What is found while two configurations are compared. */
struct change {
	struct buf *errors; /* borrows */
	size_t n;
};

/* What does not fit is counted even so. name: "" where the words have none. */
static void say(
	struct change *change, const char *words, const char *name, const char *what)
{
	const size_t len = change->errors->len;
	const char *quote = name[0] == '\0' ? "" : "\"";

	change->n++;
	if (buf_append_format(change->errors, "%s%s%s%s%s: %s; this needs a restart\n",
		    words, name[0] == '\0' ? "" : " ", quote, name, quote,
		    what) != STATUS_OK)
		change->errors->len = len;
}

/* The sections of one kind: an array of structs whose first member is their name. */
struct kind {
	const char *word;
	size_t size;
	bool (*is_same)(const void *left, const void *right);
};

struct sections {
	const void *first;
	size_t n;
};

static const struct kind kind_listen = {
	"listen", sizeof(struct listen_spec), is_same_listen};
static const struct kind kind_token = {
	"token", sizeof(struct token_spec), is_same_token};
static const struct kind kind_key = {"key", sizeof(struct key_spec), is_same_key};

_Static_assert(offsetof(struct listen_spec, name) == 0, "listen: its name is first");
_Static_assert(offsetof(struct token_spec, name) == 0, "token: its name is first");
_Static_assert(offsetof(struct key_spec, name) == 0, "key: its name is first");

static const void *get(const struct kind *kind, struct sections sections, size_t i)
{
	return (const char *)sections.first + i * kind->size;
}

static const char *get_name(const void *section)
{
	return *(const char *const *)section;
}

static const void *find(
	const struct kind *kind, struct sections sections, const char *name)
{
	for (size_t i = 0; i < sections.n; i++) {
		const void *section = get(kind, sections, i);

		if (strcmp(get_name(section), name) == 0)
			return section;
	}
	return NULL;
}

/* By their names: in which order they stand, or in which file, means nothing. */
static void judge(struct change *change, const struct kind *kind, struct sections now,
	struct sections next)
{
	for (size_t i = 0; i < now.n; i++) {
		const void *section = get(kind, now, i);
		const char *name = get_name(section);
		const void *other = find(kind, next, name);

		if (other == NULL)
			say(change, kind->word, name, "is gone");
		else if (!kind->is_same(section, other))
			say(change, kind->word, name, "has changed");
	}
	for (size_t i = 0; i < next.n; i++) {
		const char *name = get_name(get(kind, next, i));

		if (find(kind, now, name) == NULL)
			say(change, kind->word, name, "is new");
	}
}

enum status config_change_judge(
	const struct config *now, const struct config *next, struct buf *errors)
{
	struct change change = {.errors = errors};

	if (!is_same(now->state_directory, next->state_directory))
		say(&change, "state-directory", "", "has changed");
	if (!is_same_record(&now->record, &next->record))
		say(&change, "a word that begins with audit- or checkpoint-", "",
			"has changed");
	if (!is_same_listen(&now->officer, &next->officer))
		say(&change, "officer-socket or officer-group", "", "has changed");
	judge(&change, &kind_listen, (struct sections){now->listens, now->n_listens},
		(struct sections){next->listens, next->n_listens});
	judge(&change, &kind_token, (struct sections){now->tokens, now->n_tokens},
		(struct sections){next->tokens, next->n_tokens});
	judge(&change, &kind_key, (struct sections){now->keys, now->n_keys},
		(struct sections){next->keys, next->n_keys});
	return change.n == 0 ? STATUS_OK : STATUS_BAD_CONFIG;
}

void config_change_take(struct config *now, struct config *next)
{
	policy_freep(&now->policy);
	now->policy = TAKE(next->policy);
	now->min_left_s = next->min_left_s;
	now->line_max = next->line_max;
	memcpy(now->hash, next->hash, sizeof(now->hash));
}
