/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dsgo-auth: the DSGO Authenticatie/Basis JWT, which is the iSHARE JWT (D-JWT-1, D-JWT-4,
 * I-1 to I-4). The header has exactly alg, typ and x5c; iss equals sub; exp is iat + 30.
 */
#include <inttypes.h>
#include <string.h>

#include "form.h"
#include "util/base64.h"

enum {
	LIFETIME_S = 30, /* exactly: receivers refuse 29 and 31 */
	PAYLOAD_JSON_MAX = CLAIMS_MAX + 2048,
};

static enum status header(
	struct buf *out, const struct chain *chain, const struct algorithm *algorithm)
{
	TRY(buf_append_format(
		out, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"x5c\":", algorithm->name));
	TRY(buf_append(out, buf_get(&chain->x5c)));
	return buf_append_text(out, "}");
}

/* Identifiers and jti need no escaping: the doors let nothing in that would. */
static enum status append_claims(
	struct buf *out, const struct draft *draft, const struct form_input *input)
{
	const struct seal_request *request = input->request;

	TRY(buf_append_format(out,
		"{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"jti\":\"%s\","
		"\"iat\":%" PRId64 ",\"exp\":%" PRId64,
		input->identifier, input->identifier, request->audience, draft->jti,
		draft->issued_at, draft->expires_at));
	if (request->has_not_before)
		TRY(buf_append_format(out, ",\"nbf\":%" PRId64, draft->issued_at));
	TRY(buf_append(out, buf_get(&request->claims.others)));
	return buf_append_text(out, "}");
}

static enum status compose(struct draft *draft, const struct form_input *input)
{
	CLEANUP(buf_deinit) struct buf json = BUF_INIT(PAYLOAD_JSON_MAX);

	must(input->identifier != NULL && input->head != NULL);
	draft->has_times = true;
	draft->issued_at = input->now_s;
	draft->expires_at = input->now_s + LIFETIME_S;
	memcpy(draft->jti, input->jti, JTI_LEN + 1);
	TRY(append_claims(&json, draft, input));
	TRY(base64url_encode(&draft->text, buf_get(&json)));
	draft->digest_len = input->algorithm->hash_len;
	return jws_hash(input->head, buf_get(&draft->text), draft->digest);
}

static enum status assemble(struct buf *out, const struct draft *draft,
	const struct jws_head *head, struct bytes signature)
{
	return jws_append_compact(out, head, buf_get(&draft->text), signature);
}

const struct form form_dsgo_auth = {
	.name = "dsgo-auth",
	.index = 0,
	.input = INPUT_DSGO_AUTH,
	.algorithm = "RS256", /* D-SIG-1 */
	.has_identifier = true,
	.header = header,
	.compose = compose,
	.assemble = assemble,
};
