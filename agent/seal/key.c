/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/text.h"

enum {
	HEADER_JSON_MAX = CHAIN_X5C_MAX + 512,
};

static enum status make_head(
	struct key_on *on, const struct form *form, const struct hashes *hashes)
{
	CLEANUP(buf_deinit) struct buf header = BUF_INIT(HEADER_JSON_MAX);
	const struct algorithm *algorithm;

	if (form->header == NULL)
		return STATUS_OK;
	algorithm = algorithm_find(bytes_from_text(form->algorithm));
	must(algorithm != NULL);
	if (!chain_can(on->chain, algorithm))
		return STATUS_OK;
	TRY(form->header(&header, on->chain, algorithm));
	return jws_head_new(
		buf_get(&header), hashes->md[algorithm->hash], &on->heads[form->index]);
}

/* What the key is called in seals: the alias, else what every certificate says. */
static enum status take_identifier(struct key *key, const struct key_spec *spec)
{
	const char *first = key->on[0].chain->identifier;

	if (spec->identifier != NULL) {
		if (first != NULL && strcmp(first, spec->identifier) != 0)
			log_event(LOG_WARN, "identifier differs from the certificate's",
				"key=%s configured=\"%s\" certificate=\"%s\"",
				spec->name, spec->identifier, first);
		return text_copy(bytes_from_text(spec->identifier), &key->identifier);
	}
	for (size_t i = 1; i < key->n_on; i++) {
		const char *other = key->on[i].chain->identifier;
		const bool is_same =
			(first == NULL && other == NULL) ||
			(first != NULL && other != NULL && strcmp(first, other) == 0);

		if (!is_same) {
			log_event(LOG_ERR,
				"certificates of one key name two organisations",
				"key=%s", spec->name);
			return STATUS_BAD_CONFIG;
		}
	}
	return first == NULL ? STATUS_OK
			     : text_copy(bytes_from_text(first), &key->identifier);
}

enum status key_init(struct key *key, const struct key_spec *spec,
	const struct key_place *places, const struct hashes *hashes)
{
	*key = (struct key){.n_waiting = 0};
	TRY(text_copy(bytes_from_text(spec->name), &key->name));
	key->on = calloc(spec->n_on, sizeof(*key->on));
	if (key->on == NULL)
		return STATUS_NO_MEMORY;
	/* Counted at once, so that one that is half made is freed too. */
	key->n_on = spec->n_on;
	for (size_t i = 0; i < spec->n_on; i++) {
		struct key_on *on = &key->on[i];

		on->key = key;
		on->desk = places[i].desk;
		on->key_id = places[i].key_id;
		TRY(chain_load(spec->on[i].certificate, spec->has_root, &on->chain));
		for (size_t f = 0; f < FORM_COUNT; f++)
			TRY(make_head(on, form_get(f), hashes));
	}
	return take_identifier(key, spec);
}

void key_open_lines(struct key *key, uint32_t line_max, size_t n_users)
{
	for (size_t i = 0; i < KEY_LINES; i++)
		line_init(&key->lines[i], line_max, n_users);
}

void key_set_places(struct key *key, uint32_t line_max, size_t n_users)
{
	for (size_t i = 0; i < KEY_LINES; i++)
		line_set_places(&key->lines[i], line_max, n_users);
}

struct line *key_on_get_line(const struct key_on *on)
{
	const size_t kind = on->chain->kind;

	must(kind < KEY_LINES);
	return &on->key->lines[kind];
}

void key_deinit(struct key *key)
{
	must(key->n_waiting == 0);
	for (size_t i = 0; i < KEY_LINES; i++)
		line_deinit(&key->lines[i]);
	for (size_t i = 0; key->on != NULL && i < key->n_on; i++) {
		chain_freep(&key->on[i].chain);
		for (size_t f = 0; f < FORM_COUNT; f++)
			jws_head_freep(&key->on[i].heads[f]);
	}
	freep(&key->on);
	freep(&key->name);
	freep(&key->identifier);
}

void key_on_judge(
	struct key_on *on, const struct token_key_fact *fact, const char *token)
{
	on->is_usable = false;
	if (fact->state != JOB_KEY_USABLE)
		return; /* the token's room has said why */
	if (fact->public_key.len > 0 &&
		!chain_has_public_key(on->chain, fact->public_key)) {
		log_event(LOG_ERR, "certificate is not for the key on the token",
			"key=%s token=%s", on->key->name, token);
		return;
	}
	if ((fact->type == JOB_KEY_RSA) != (on->chain->kind == KEY_RSA)) {
		log_event(LOG_ERR,
			"certificate and key on the token are of different types",
			"key=%s token=%s", on->key->name, token);
		return;
	}
	on->is_usable = true;
}

bool key_can(const struct key *key, const struct algorithm *algorithm)
{
	for (size_t i = 0; i < key->n_on; i++) {
		if (chain_can(key->on[i].chain, algorithm))
			return true;
	}
	return false;
}
