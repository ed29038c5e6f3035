/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the agent sees us, and which rules it has for us. They may come in several answers;
 * between two of them the agent may have read another configuration, and then what was
 * heard is of no use.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static bool is_clean_or_empty(ProtobufCBinaryData bytes)
{
	return bytes.len == 0 || text_is_clean(bytes);
}

static bool is_sound(const Zegel__V1__WhoamiResult *from)
{
	for (size_t i = 0; i < from->n_rules; i++) {
		const Zegel__V1__Rule *const rule = from->rules[i];

		if (!text_is_clean(rule->name) || !text_is_clean(rule->key) ||
			!text_is_clean(rule->profile))
			return false;
	}
	return is_clean_or_empty(from->client) && is_clean_or_empty(from->listen) &&
	       (!from->has_unit || text_is_clean(from->unit)) &&
	       (!from->has_exe || text_is_clean(from->exe)) &&
	       (!from->has_label || text_is_clean(from->label)) &&
	       (from->n_rules > 0 || !from->has_more);
}

static bool is_same_client(const struct pages *pages, ProtobufCBinaryData client)
{
	const ProtobufCBinaryData *const first = &pages->p[0]->whoami->client;

	return first->len == client.len &&
	       (client.len == 0 || memcmp(first->data, client.data, client.len) == 0);
}

static enum zegel_status ask_page(
	struct call *call, struct pages *pages, bool *has_more)
{
	CLEANUP(wire_answer_freep) Zegel__V1__Response *answer = NULL;
	Zegel__V1__Request request = ZEGEL__V1__REQUEST__INIT;
	Zegel__V1__Whoami whoami = ZEGEL__V1__WHOAMI__INIT;

	whoami.has_first_rule = pages->n > 0;
	whoami.first_rule = (uint32_t)pages->n_items;
	request.what_case = ZEGEL__V1__REQUEST__WHAT_WHOAMI;
	request.whoami = &whoami;
	TRY(call_ask(call, &request, ZEGEL__V1__RESPONSE__WHAT_WHOAMI, &answer));
	if (!is_sound(answer->whoami))
		return error_set(call->error, ZEGEL_INTERNAL,
			"the agent's answer has a text that cannot be, or no end");
	if (pages->n > 0 && !is_same_client(pages, answer->whoami->client))
		return error_set(call->error, ZEGEL_UNAVAILABLE,
			"the agent's configuration changed meanwhile");
	*has_more = answer->whoami->has_more;
	pages_add(pages, &answer, answer->whoami->n_rules);
	return ZEGEL_OK;
}

static void put_rule(
	struct block *block, const Zegel__V1__Rule *from, const struct zegel_rule **out)
{
	struct zegel_rule *const rule = block_take(block, 1, sizeof(*rule));
	const char *const name = block_take_text(block, from->name);
	const char *const key = block_take_text(block, from->key);
	const char *const profile = block_take_text(block, from->profile);

	if (rule == NULL)
		return;
	*rule = (struct zegel_rule){
		.name = name,
		.key = key,
		.profile = profile,
		.is_master = from->is_master,
	};
	*out = rule;
}

static const struct zegel_rule *const *put_rules(
	struct block *block, const struct pages *pages)
{
	const struct zegel_rule **const rules =
		block_take(block, pages->n_items, sizeof(*rules));
	size_t n = 0;

	for (size_t i = 0; i < pages->n; i++) {
		const Zegel__V1__WhoamiResult *const page = pages->p[i]->whoami;

		for (size_t j = 0; j < page->n_rules; j++, n++)
			put_rule(block, page->rules[j],
				rules == NULL ? NULL : &rules[n]);
	}
	return rules;
}

static const uint32_t *put_groups(
	struct block *block, const Zegel__V1__WhoamiResult *from)
{
	uint32_t *const groups = block_take(block, from->n_groups, sizeof(*groups));

	if (groups != NULL && from->n_groups > 0)
		memcpy(groups, from->groups, from->n_groups * sizeof(*groups));
	return groups;
}

static const char *put_text(
	struct block *block, protobuf_c_boolean has, ProtobufCBinaryData text)
{
	return has ? block_take_text(block, text) : NULL;
}

/* Lays the identity out in block; NULL while counting. */
static struct zegel_identity *put_identity(
	struct block *block, const struct pages *pages)
{
	const Zegel__V1__WhoamiResult *const from = pages->p[0]->whoami;
	struct zegel_identity *const out = block_take(block, 1, sizeof(*out));
	struct zegel_identity identity = {
		.uid = from->uid,
		.gid = from->gid,
		.pid = from->pid,
		.n_groups = from->n_groups,
		.is_unclear = from->is_unclear,
		.n_rules = pages->n_items,
	};

	/* One after another: the same order when counting and when filling. */
	identity.groups = put_groups(block, from);
	identity.rules = put_rules(block, pages);
	identity.client = block_take_text(block, from->client);
	identity.unit = put_text(block, from->has_unit, from->unit);
	identity.exe = put_text(block, from->has_exe, from->exe);
	identity.label = put_text(block, from->has_label, from->label);
	identity.listen = block_take_text(block, from->listen);
	if (out != NULL)
		*out = identity;
	return out;
}

enum zegel_status zegel_whoami(
	struct zegel *zegel, struct zegel_identity **out, struct zegel_error *error)
{
	CLEANUP(pages_deinit) struct pages pages = {.n = 0};
	struct block block = {.p = NULL};
	struct call call;

	TRY(call_init(&call, zegel, error));
	if (out == NULL)
		return error_set(error, ZEGEL_INVALID, "out is NULL");
	TRY(pages_ask(&pages, &call, ask_page, "rules"));
	(void)put_identity(&block, &pages);
	block = (struct block){.p = malloc(block.used)};
	if (block.p == NULL)
		return error_set_memory(error);
	*out = put_identity(&block, &pages);
	return ZEGEL_OK;
}

void zegel_identity_free(struct zegel_identity *identity)
{
	free(identity);
}
