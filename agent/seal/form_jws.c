/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jws: a plain compact JWS (RFC 7515 3.1, 7.1) over a payload of the client's. The header
 * has alg, and typ, cty and x5c as the client wishes, in this order; it depends on the
 * request, so no midstate is kept. Whether the whole could pass as a token was judged at
 * the second door (confusion.h), whether that is allowed at the third.
 */
#include "form.h"

enum {
	HEADER_MAX = CHAIN_X5C_MAX + 512,
};

/* Media types need no escaping: the second door lets nothing in that would. */
static enum status append_media_type(
	struct buf *header, const char *parameter, const char *type)
{
	if (type[0] == '\0')
		return STATUS_OK;
	return buf_append_format(header, ",\"%s\":\"%s\"", parameter, type);
}

static enum status append_header(struct buf *header, const struct form_input *input)
{
	const struct seal_request *request = input->request;

	TRY(buf_append_format(header, "{\"alg\":\"%s\"", input->algorithm->name));
	TRY(append_media_type(header, "typ", request->typ));
	TRY(append_media_type(header, "cty", request->cty));
	if (request->has_x5c) {
		TRY(buf_append_text(header, ",\"x5c\":"));
		TRY(buf_append(header, buf_get(&input->chain->x5c)));
	}
	return buf_append_text(header, "}");
}

static enum status compose(struct draft *draft, const struct form_input *input)
{
	const size_t signature_len = chain_get_signature_len(input->chain);
	CLEANUP(buf_deinit) struct buf header = BUF_INIT(HEADER_MAX);

	TRY(append_header(&header, input));
	TRY(jws_append_input(
		&draft->text, buf_get(&header), buf_get(&input->request->payload)));
	/* Known only now: a chain of many certificates may leave no room. */
	if (jws_get_len(draft->text.len, signature_len) > JWS_MAX)
		return STATUS_JWS_TOO_LONG;
	draft->digest_len = input->algorithm->hash_len;
	return jws_hash_input(buf_get(&draft->text), input->hash, draft->digest);
}

static enum status assemble(struct buf *out, const struct draft *draft,
	const struct jws_head *head, struct bytes signature)
{
	(void)head;
	return jws_append_signed(out, buf_get(&draft->text), signature);
}

const struct form form_jws = {
	.name = "jws",
	.index = 2,
	.input = INPUT_JWS,
	.compose = compose,
	.assemble = assemble,
};
