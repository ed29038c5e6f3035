/* SPDX-License-Identifier: Apache-2.0 */
#include "config_change.h"

#include <string.h>

/* Texts that may be absent. */
static bool is_same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static bool is_same_listen(const struct listen_spec *a, const struct listen_spec *b)
{
	return is_same(a->name, b->name) && is_same(a->path, b->path) &&
	       a->mode == b->mode && a->has_group == b->has_group &&
	       (!a->has_group || a->group == b->group);
}

static bool is_same_token(const struct token_spec *a, const struct token_spec *b)
{
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

static bool is_same_key(const struct key_spec *a, const struct key_spec *b)
{
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

/* Counts what was said; what does not fit is still counted. */
static void say(struct buf *errors, size_t *n, const char *kind, const char *name)
{
	const size_t len = errors->len;

	(*n)++;
	if (buf_append_format(errors, "%s%s%s%s: changed; this needs a restart\n", kind,
		    name[0] == '\0' ? "" : " \"", name,
		    name[0] == '\0' ? "" : "\"") != STATUS_OK)
		errors->len = len;
}

static void judge_listens(const struct config *now, const struct config *next,
	struct buf *errors, size_t *n)
{
	if (now->n_listens != next->n_listens)
		say(errors, n, "the listen sections", "");
	for (size_t i = 0; i < now->n_listens && i < next->n_listens; i++) {
		if (!is_same_listen(&now->listens[i], &next->listens[i]))
			say(errors, n, "listen", now->listens[i].name);
	}
	if (!is_same_listen(&now->officer, &next->officer))
		say(errors, n, "officer-socket or officer-group", "");
}

static void judge_tokens(const struct config *now, const struct config *next,
	struct buf *errors, size_t *n)
{
	if (now->n_tokens != next->n_tokens)
		say(errors, n, "the token sections", "");
	for (size_t i = 0; i < now->n_tokens && i < next->n_tokens; i++) {
		if (!is_same_token(&now->tokens[i], &next->tokens[i]))
			say(errors, n, "token", now->tokens[i].name);
	}
}

static void judge_keys(const struct config *now, const struct config *next,
	struct buf *errors, size_t *n)
{
	if (now->n_keys != next->n_keys)
		say(errors, n, "the key sections", "");
	for (size_t i = 0; i < now->n_keys && i < next->n_keys; i++) {
		if (!is_same_key(&now->keys[i], &next->keys[i]))
			say(errors, n, "key", now->keys[i].name);
	}
}

enum status config_change_judge(
	const struct config *now, const struct config *next, struct buf *errors)
{
	size_t n = 0;

	if (!is_same(now->state_directory, next->state_directory))
		say(errors, &n, "state-directory", "");
	if (!is_same_record(&now->record, &next->record))
		say(errors, &n, "the audit- and checkpoint- words", "");
	judge_listens(now, next, errors, &n);
	judge_tokens(now, next, errors, &n);
	judge_keys(now, next, errors, &n);
	return n == 0 ? STATUS_OK : STATUS_BAD_CONFIG;
}

void config_change_take(struct config *now, struct config *next)
{
	policy_freep(&now->policy);
	now->policy = TAKE(next->policy);
	now->min_left_s = next->min_left_s;
	now->line_max = next->line_max;
	memcpy(now->hash, next->hash, sizeof(now->hash));
}
