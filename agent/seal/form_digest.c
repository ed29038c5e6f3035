/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest: a raw signature over a digest of the client's. Whoever may use it can make any
 * seal, so a rule must name it. The DigestInfo of PKCS#1 is the worker's to write; the
 * client supplies a hash of the right length and nothing around it.
 */
#include <string.h>

#include "form.h"

static enum status compose(struct draft *draft, const struct form_input *input)
{
	const struct seal_request *request = input->request;

	if (request->digest_len != input->algorithm->hash_len)
		return STATUS_BAD_DIGEST;
	memcpy(draft->digest, request->digest, request->digest_len);
	draft->digest_len = request->digest_len;
	return STATUS_OK;
}

static enum status assemble(struct buf *out, const struct draft *draft,
	const struct jws_head *head, struct bytes signature)
{
	(void)draft;
	(void)head;
	return buf_append(out, signature);
}

const struct form form_digest = {
	.name = "digest",
	.index = 1,
	.input = INPUT_DIGEST,
	.compose = compose,
	.assemble = assemble,
};

const struct form form_checkpoint = {
	.name = "checkpoint",
	.index = 1, /* it has no head either */
	.input = INPUT_DIGEST,
	.compose = compose,
	.assemble = assemble,
};
