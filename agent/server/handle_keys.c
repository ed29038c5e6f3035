/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client may see of the keys: only those that some rule lets it use.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "reply.h"
#include "util/text.h"

enum {
	KEYS_A_PAGE = 100, /* so that an answer fits in a frame */
};

/* A key's message with the arrays it points to. */
struct view {
	Zegel__V1__Key message;
	ProtobufCBinaryData profiles[FORM_COUNT];
	ProtobufCBinaryData algorithms[ALGORITHM_COUNT];
};

static Zegel__V1__KeyState state_of(enum key_state state)
{
	switch (state) {
	case KEY_STATE_READY:
		return ZEGEL__V1__KEY_STATE__KEY_READY;
	case KEY_STATE_LOCKED:
		return ZEGEL__V1__KEY_STATE__KEY_LOCKED;
	case KEY_STATE_UNAVAILABLE:
		return ZEGEL__V1__KEY_STATE__KEY_UNAVAILABLE;
	case KEY_STATE_NOT_VALID:
		return ZEGEL__V1__KEY_STATE__KEY_NOT_VALID;
	}
	return ZEGEL__V1__KEY_STATE__KEY_UNAVAILABLE;
}

static bool can_see(const struct call *call, const struct key *key)
{
	return policy_can_see(call->client, key->name);
}

static void fill_profiles(
	struct view *view, const struct call *call, const struct key *key)
{

	view->message.profiles = view->profiles;
	for (size_t i = 0; i < FORM_COUNT; i++) {
		const char *name = form_get(i)->name;

		if (policy_can_use(call->client, key->name, name))
			view->profiles[view->message.n_profiles++] = reply_text(name);
	}
	view->message.algorithms = view->algorithms;
	for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
		const struct algorithm *algorithm = algorithm_get(i);

		if (key_can(key, algorithm))
			view->algorithms[view->message.n_algorithms++] =
				reply_text(algorithm->name);
	}
}

static void fill(struct view *view, const struct call *call, const struct key *key)
{
	const struct chain *chain = sealer_get_chain(call->server->sealer, key);

	zegel__v1__key__init(&view->message);
	view->message.name = reply_text(key->name);
	view->message.state = state_of(sealer_get_key_state(call->server->sealer, key));
	fill_profiles(view, call, key);
	view->message.has_identifier = key->identifier != NULL;
	if (key->identifier != NULL)
		view->message.identifier = reply_text(key->identifier);
	view->message.not_before = chain->not_before;
	view->message.not_after = chain->not_after;
	view->message.certificate_sha256 =
		reply_bytes((struct bytes){chain->sha256, sizeof(chain->sha256)});
}

/* The first key behind a name, as the keys are sorted; all of them for "". */
static size_t first_behind(const struct sealer *sealer, const char *name)
{
	size_t low = 0;
	size_t high = sealer_get_n_keys(sealer);

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(sealer_get_key(sealer, middle)->name, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void send_list(
	const struct call *call, struct view *views, size_t n, bool has_more)
{
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__ListKeysResult result = ZEGEL__V1__LIST_KEYS_RESULT__INIT;
	Zegel__V1__Key *keys[KEYS_A_PAGE];

	for (size_t i = 0; i < n; i++)
		keys[i] = &views[i].message;
	result.n_keys = n;
	result.keys = keys;
	result.has_more = has_more;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_LIST_KEYS;
	response.list_keys = &result;
	reply_send(call->conn, call->request->id, &response);
}

enum status handle_list_keys(const struct call *call)
{
	const Zegel__V1__ListKeys *asked = call->request->list_keys;
	const struct sealer *sealer = call->server->sealer;
	CLEANUP(freep) struct view *views = NULL;
	char after[NAME_MAX_LEN + 1] = "";
	bool has_more = false;
	size_t n = 0;

	if (asked->has_after) {
		if (!text_is_name((struct bytes){asked->after.data, asked->after.len}))
			return STATUS_BAD_NAME;
		memcpy(after, asked->after.data, asked->after.len);
	}
	views = calloc(KEYS_A_PAGE, sizeof(*views));
	if (views == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = first_behind(sealer, after); i < sealer_get_n_keys(sealer);
		i++) {
		const struct key *key = sealer_get_key(sealer, i);

		if (!can_see(call, key))
			continue;
		has_more = n == KEYS_A_PAGE;
		if (has_more)
			break;
		fill(&views[n++], call, key);
	}
	send_list(call, views, n, has_more);
	return STATUS_OK;
}

static void free_der(ProtobufCBinaryData *chain, size_t n)
{
	for (size_t i = 0; i < n; i++)
		OPENSSL_free(chain[i].data);
}

static enum status send_description(
	const struct call *call, struct view *view, const struct chain *chain)
{
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__DescribeKeyResult result = ZEGEL__V1__DESCRIBE_KEY_RESULT__INIT;
	ProtobufCBinaryData der[CHAIN_MAX] = {{.data = NULL}};

	result.key = &view->message;
	result.chain = der;
	for (; result.n_chain < chain->n_certificates; result.n_chain++) {
		unsigned char *bytes = NULL;
		const int len = i2d_X509(chain->certificates[result.n_chain], &bytes);

		if (len <= 0) {
			free_der(der, result.n_chain);
			return STATUS_CRYPTO;
		}
		der[result.n_chain] =
			(ProtobufCBinaryData){.data = bytes, .len = (size_t)len};
	}
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_DESCRIBE_KEY;
	response.describe_key = &result;
	reply_send(call->conn, call->request->id, &response);
	free_der(der, result.n_chain);
	return STATUS_OK;
}

enum status handle_describe_key(const struct call *call)
{
	const ProtobufCBinaryData asked = call->request->describe_key->key;
	const struct sealer *sealer = call->server->sealer;
	char name[NAME_MAX_LEN + 1] = "";
	const struct key *key;
	struct view view = {.message = {.n_profiles = 0}};

	if (!text_is_name((struct bytes){asked.data, asked.len}))
		return STATUS_BAD_NAME;
	memcpy(name, asked.data, asked.len);
	key = sealer_find_key(sealer, name);
	/* An unknown key and a forbidden one look the same. */
	if (key == NULL || !can_see(call, key))
		return STATUS_DENIED;
	fill(&view, call, key);
	return send_description(call, &view, sealer_get_chain(sealer, key));
}
