/* SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"

#include <string.h>

#include "internal.h"
#include "util/log.h"

static const struct key *find_key(const struct sealer *sealer, struct bytes name)
{
	char copy[NAME_MAX_LEN + 1] = "";

	if (!text_is_name(name))
		return NULL;
	memcpy(copy, name.p, name.len);
	return sealer_find_key(sealer, copy);
}

/* Of a key that is not there: as long as that of most algorithms. */
static size_t get_digest_len(const struct key *key)
{
	const struct algorithm *algorithm =
		key == NULL ? NULL : algorithm_get_default(key->on[0].chain->kind);

	return algorithm == NULL ? 32 : algorithm->hash_len;
}

static enum status open_request(const struct explain_question *question,
	const struct key *key, struct seal_request **out)
{
	static const uint8_t any_digest[HASH_LEN_MAX] = {0};
	struct request_fields fields = question->fields;

	if (question->is_any_digest)
		fields.digest = (struct bytes){any_digest, get_digest_len(key)};
	return request_new(&fields, out);
}

/* Before any rule is asked: what was asked for is no good request. */
static enum status refuse_at_door(const struct explain_question *question,
	enum status status, struct buf *text, struct policy_verdict *out)
{
	*out = (struct policy_verdict){.status = status,
		.client = policy_client_get_name(question->client),
		.rule = "",
		.nearest = ""};
	return buf_append_format(text, "refused before any rule is asked: %s: %s\n",
		status_name(status), status_text(status));
}

/* A rule allows it; the key, the record and the tokens are asked as seal_begin() does. */
static enum status refuse_behind_rules(
	enum status status, struct buf *text, struct policy_verdict *verdict)
{
	verdict->nearest = verdict->rule;
	verdict->rule = seal_name_refusal(status);
	verdict->status = status;
	return buf_append_format(text, "refused behind the rules: %s: %s\n",
		status_name(status), status_text(status));
}

static enum status ask_rules(const struct sealer *sealer,
	const struct policy_client *client, const struct seal_request *request,
	struct buf *text, struct policy_verdict *out)
{
	const struct key *key = sealer_find_key(sealer, request->key);
	const struct policy_question question = request_get_question(request);
	const struct algorithm *algorithm;
	enum status status;

	*out = policy_decide(client, &question);
	TRY(policy_explain(client, &question, text));
	if (out->status != STATUS_OK)
		return STATUS_OK;
	status = key == NULL ? STATUS_DENIED
			     : seal_check(sealer, request, key, &algorithm);
	return status == STATUS_OK ? STATUS_OK : refuse_behind_rules(status, text, out);
}

/* What he asks for is not looked at. */
static enum status refuse_stranger(struct buf *text, struct policy_verdict *out)
{
	const struct policy_question question = {.key = "", .profile = ""};

	*out = policy_decide(NULL, &question);
	return policy_explain(NULL, &question, text);
}

static enum status ask_doors(const struct sealer *sealer,
	const struct explain_question *question, const struct key *key,
	struct buf *text, struct policy_verdict *out)
{
	CLEANUP(request_freep) struct seal_request *request = NULL;
	enum status status;

	if (question->client == NULL)
		return refuse_stranger(text, out);
	status = open_request(question, key, &request);
	if (status == STATUS_NO_MEMORY)
		return status;
	if (status != STATUS_OK)
		return refuse_at_door(question, status, text, out);
	return ask_rules(sealer, question->client, request, text, out);
}

static const char *describe_state(enum key_state state)
{
	switch (state) {
	case KEY_STATE_READY:
		return "ready";
	case KEY_STATE_LOCKED:
		return "locked: an officer must unlock its token";
	case KEY_STATE_UNAVAILABLE:
		return "not available: no token has it now";
	case KEY_STATE_NOT_VALID:
		return "not usable: its certificate is not valid now";
	}
	return "";
}

/* What no rule can mend. */
static enum status append_state(const struct sealer *sealer, const struct key *key,
	struct bytes name, struct buf *text)
{
	if (key == NULL)
		return buf_append_format(text,
			"key \"%s\": there is no key section of this name\n",
			log_text(name).text);
	TRY(buf_append_format(text, "key \"%s\": %s\n", key->name,
		describe_state(sealer_get_key_state(sealer, key))));
	if (audit_get_status(sealer->audit) == STATUS_OK)
		return STATUS_OK;
	return buf_append_format(text, "the record cannot be written: %s\n",
		audit_get_why(sealer->audit));
}

enum status explain_request(const struct sealer *sealer,
	const struct explain_question *question, struct buf *text,
	struct policy_verdict *out)
{
	const struct bytes name = question->fields.key;
	const struct key *key = find_key(sealer, name);
	struct policy_verdict verdict;

	TRY(ask_doors(sealer, question, key, text, &verdict));
	TRY(append_state(sealer, key, name, text));
	*out = verdict;
	return STATUS_OK;
}
