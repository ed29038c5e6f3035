/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent says of its keys and of itself. A list may come in several answers; the
 * names must rise from one to the next, so that an agent that repeats itself cannot
 * keep us asking.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static bool texts_are_clean(const ProtobufCBinaryData *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!text_is_clean(texts[i]))
			return false;
	return true;
}

static bool key_is_sound(const Zegel__V1__Key *key)
{
	return text_is_clean(key->name) &&
	       texts_are_clean(key->profiles, key->n_profiles) &&
	       texts_are_clean(key->algorithms, key->n_algorithms) &&
	       (!key->has_identifier || text_is_clean(key->identifier)) &&
	       key->certificate_sha256.len == SHA256_LEN;
}

/* Whether a stands before b; both are clean. */
static bool is_before(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
	const int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return order < 0 || (order == 0 && a.len < b.len);
}

/* An agent newer than this library may know more states: such a key is not ready. */
static enum zegel_key_state state_from_wire(Zegel__V1__KeyState state)
{
	const unsigned number = (unsigned)state;

	return number <= ZEGEL_KEY_NOT_VALID ? (enum zegel_key_state)number
					     : ZEGEL_KEY_UNAVAILABLE;
}

static const char *const *put_texts(
	struct block *block, const ProtobufCBinaryData *texts, size_t n)
{
	const char **const list = block_take(block, n, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		const char *const text = block_take_text(block, texts[i]);

		if (list != NULL)
			list[i] = text;
	}
	return list;
}

/* key is NULL while counting. */
static void put_key(
	struct block *block, const Zegel__V1__Key *from, struct zegel_key *key)
{
	const char *const name = block_take_text(block, from->name);
	const char *const identifier =
		from->has_identifier ? block_take_text(block, from->identifier) : NULL;
	const char *const *const profiles =
		put_texts(block, from->profiles, from->n_profiles);
	const char *const *const algorithms =
		put_texts(block, from->algorithms, from->n_algorithms);

	if (key == NULL)
		return;
	*key = (struct zegel_key){
		.name = name,
		.state = state_from_wire(from->state),
		.profiles = profiles,
		.n_profiles = from->n_profiles,
		.algorithms = algorithms,
		.n_algorithms = from->n_algorithms,
		.identifier = identifier,
		.not_before = from->not_before,
		.not_after = from->not_after,
	};
	memcpy(key->certificate_sha256, from->certificate_sha256.data, SHA256_LEN);
}

/* ---------------------------------------------------------------- the list */

/* The last key that was heard, or NULL. */
static const Zegel__V1__Key *last_key(const struct pages *pages)
{
	const Zegel__V1__ListKeysResult *page;

	if (pages->n == 0)
		return NULL;
	page = pages->p[pages->n - 1]->list_keys;
	return page->n_keys == 0 ? NULL : page->keys[page->n_keys - 1];
}

static bool page_is_sound(
	const Zegel__V1__ListKeysResult *page, const Zegel__V1__Key *before)
{
	for (size_t i = 0; i < page->n_keys; i++) {
		const Zegel__V1__Key *const key = page->keys[i];

		if (!key_is_sound(key))
			return false;
		if (before != NULL && !is_before(before->name, key->name))
			return false;
		before = key;
	}
	return page->n_keys > 0 || !page->has_more;
}

static enum zegel_status ask_page(
	struct call *call, struct pages *pages, bool *has_more)
{
	CLEANUP(wire_answer_freep) Zegel__V1__Response *answer = NULL;
	const Zegel__V1__Key *const before = last_key(pages);
	Zegel__V1__Request request = ZEGEL__V1__REQUEST__INIT;
	Zegel__V1__ListKeys list = ZEGEL__V1__LIST_KEYS__INIT;

	list.has_after = before != NULL;
	if (before != NULL)
		list.after = before->name;
	request.what_case = ZEGEL__V1__REQUEST__WHAT_LIST_KEYS;
	request.list_keys = &list;
	TRY(call_ask(call, &request, ZEGEL__V1__RESPONSE__WHAT_LIST_KEYS, &answer));
	if (!page_is_sound(answer->list_keys, before))
		return error_set(call->error, ZEGEL_INTERNAL,
			"the agent's list of keys has a text, a length or an order "
			"that cannot be");
	*has_more = answer->list_keys->has_more;
	pages_add(pages, &answer, answer->list_keys->n_keys);
	return ZEGEL_OK;
}

/* Lays the list out in block; NULL while counting. */
static struct zegel_keys *put_keys(struct block *block, const struct pages *pages)
{
	struct zegel_keys *const keys = block_take(block, 1, sizeof(*keys));
	struct zegel_key *const list = block_take(block, pages->n_items, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < pages->n; i++) {
		const Zegel__V1__ListKeysResult *const page = pages->p[i]->list_keys;

		for (size_t j = 0; j < page->n_keys; j++, n++)
			put_key(block, page->keys[j], list == NULL ? NULL : &list[n]);
	}
	if (keys != NULL)
		*keys = (struct zegel_keys){.keys = list, .n_keys = n};
	return keys;
}

enum zegel_status zegel_list_keys(
	struct zegel *zegel, struct zegel_keys **out, struct zegel_error *error)
{
	CLEANUP(pages_deinit) struct pages pages = {.n = 0};
	struct block block = {.p = NULL};
	struct call call;

	TRY(call_init(&call, zegel, error));
	if (out == NULL)
		return error_set(error, ZEGEL_INVALID, "out is NULL");
	TRY(pages_ask(&pages, &call, ask_page, "keys"));
	(void)put_keys(&block, &pages);
	block = (struct block){.p = malloc(block.used)};
	if (block.p == NULL)
		return error_set_memory(error);
	*out = put_keys(&block, &pages);
	return ZEGEL_OK;
}

void zegel_keys_free(struct zegel_keys *keys)
{
	free(keys);
}

/* ---------------------------------------------------------------- one key */

static bool description_is_sound(
	const Zegel__V1__DescribeKeyResult *from, const char *name)
{
	const ProtobufCBinaryData *const got = &from->key->name;

	for (size_t i = 0; i < from->n_chain; i++)
		if (from->chain[i].len == 0)
			return false;
	return from->n_chain > 0 && key_is_sound(from->key) &&
	       got->len == strlen(name) && memcmp(got->data, name, got->len) == 0;
}

/* Lays the description out in block; NULL while counting. */
static struct zegel_description *put_description(
	struct block *block, const Zegel__V1__DescribeKeyResult *from)
{
	struct zegel_description *const description =
		block_take(block, 1, sizeof(*description));
	struct zegel_certificate *const chain =
		block_take(block, from->n_chain, sizeof(*chain));

	for (size_t i = 0; i < from->n_chain; i++) {
		const char *const der = block_take_text(block, from->chain[i]);

		if (chain != NULL)
			chain[i] = (struct zegel_certificate){
				(const uint8_t *)der, from->chain[i].len};
	}
	put_key(block, from->key, description == NULL ? NULL : &description->key);
	if (description != NULL) {
		description->chain = chain;
		description->n_chain = from->n_chain;
	}
	return description;
}

enum zegel_status zegel_describe_key(struct zegel *zegel, const char *key,
	struct zegel_description **out, struct zegel_error *error)
{
	CLEANUP(wire_answer_freep) Zegel__V1__Response *answer = NULL;
	Zegel__V1__Request request = ZEGEL__V1__REQUEST__INIT;
	Zegel__V1__DescribeKey describe = ZEGEL__V1__DESCRIBE_KEY__INIT;
	struct block block = {.p = NULL};
	struct call call;

	TRY(call_init(&call, zegel, error));
	if (out == NULL)
		return error_set(error, ZEGEL_INVALID, "out is NULL");
	if (key == NULL || key[0] == '\0')
		return error_set(error, ZEGEL_INVALID, "key is missing");
	describe.key = text_to_bytes(key);
	request.what_case = ZEGEL__V1__REQUEST__WHAT_DESCRIBE_KEY;
	request.describe_key = &describe;
	TRY(call_ask(&call, &request, ZEGEL__V1__RESPONSE__WHAT_DESCRIBE_KEY, &answer));
	if (!description_is_sound(answer->describe_key, key))
		return error_set(error, ZEGEL_INTERNAL,
			"the agent described another key, or has a text or a length "
			"that cannot be");
	(void)put_description(&block, answer->describe_key);
	block = (struct block){.p = malloc(block.used)};
	if (block.p == NULL)
		return error_set_memory(error);
	*out = put_description(&block, answer->describe_key);
	return ZEGEL_OK;
}

void zegel_description_free(struct zegel_description *description)
{
	free(description);
}
