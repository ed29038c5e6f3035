/* SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"

#include "policy/policy_explain.h"

static enum status explain_door(enum status status, struct buf *text)
{
	return buf_append_format(text, "refused before any rule is asked: %s: %s\n",
		status_name(status), status_text(status));
}

enum status explain_request(const struct policy_client *client,
	const struct request_fields *fields, struct buf *text,
	struct policy_verdict *out)
{
	CLEANUP(request_freep) struct seal_request *request = NULL;
	const enum status status = request_new(fields, &request);
	struct policy_question question;

	if (status == STATUS_NO_MEMORY)
		return status;
	if (status != STATUS_OK) {
		*out = (struct policy_verdict){.status = status,
			.client = policy_client_get_name(client),
			.rule = "",
			.nearest = ""};
		return explain_door(status, text);
	}
	question = request_get_question(request);
	*out = policy_decide(client, &question);
	return policy_explain(client, &question, text);
}
