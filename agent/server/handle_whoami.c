/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How we see the client and what it may do, so that a developer need not guess why he is
 * refused. Of the rules only the names: their limits say what others agreed.
 */
#include <stdlib.h>

#include "internal.h"
#include "reply.h"

enum {
	RULES_A_PAGE = 200, /* so that an answer fits in a frame */
};

/* The rules of one answer, with the array that points to them. */
struct page {
	Zegel__V1__Rule rules[RULES_A_PAGE];
	Zegel__V1__Rule *pointers[RULES_A_PAGE];
	size_t n;
	bool has_more;
};

static void fill_page(struct page *page, const struct policy_client *client, size_t at)
{
	const size_t n_rules = policy_count_rules(client);

	for (; at < n_rules && page->n < RULES_A_PAGE; at++) {
		Zegel__V1__Rule *rule = &page->rules[page->n];
		struct policy_rule_view view;

		policy_get_rule(client, at, &view);
		zegel__v1__rule__init(rule);
		rule->name = reply_text(view.name);
		rule->key = reply_text(view.key);
		rule->profile = reply_text(view.profile);
		rule->is_master = view.is_master;
		page->pointers[page->n++] = rule;
	}
	page->has_more = at < n_rules;
}

static void put_text(
	const char *text, protobuf_c_boolean *has, ProtobufCBinaryData *out)
{
	*has = text[0] != '\0';
	*out = reply_text(text);
}

static void send_page(const struct call *call, struct page *page)
{
	const struct conn *conn = call->conn;
	const struct policy_peer peer = peer_view(&conn->peer);
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__WhoamiResult result = ZEGEL__V1__WHOAMI_RESULT__INIT;
	uint32_t groups[PEER_GROUPS_MAX];

	for (size_t i = 0; i < peer.n_groups; i++)
		groups[i] = peer.groups[i];
	result.client = reply_text(policy_client_get_name(call->client));
	result.uid = peer.uid;
	result.gid = peer.gid;
	result.pid = (uint32_t)conn->peer.pid;
	result.groups = groups;
	result.n_groups = peer.n_groups;
	result.is_unclear = conn->peer.is_unclear;
	put_text(peer.unit, &result.has_unit, &result.unit);
	put_text(peer.exe, &result.has_exe, &result.exe);
	put_text(peer.label, &result.has_label, &result.label);
	result.listen = reply_text(peer.listen);
	result.rules = page->pointers;
	result.n_rules = page->n;
	result.has_more = page->has_more;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_WHOAMI;
	response.whoami = &result;
	reply_send(call->conn, call->request->id, &response);
}

enum status handle_whoami(const struct call *call)
{
	const Zegel__V1__Whoami *asked = call->request->whoami;
	CLEANUP(freep) struct page *page = calloc(1, sizeof(*page));

	if (page == NULL)
		return STATUS_NO_MEMORY;
	fill_page(page, call->client, asked->has_first_rule ? asked->first_rule : 0);
	send_page(call, page);
	return STATUS_OK;
}
