/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"
#include "reply.h"

static struct bytes view(ProtobufCBinaryData data)
{
	return (struct bytes){data.data, data.len};
}

static void take_input(struct request_fields *fields, const Zegel__V1__Seal *seal)
{
	switch (seal->input_case) {
	case ZEGEL__V1__SEAL__INPUT_DSGO_AUTH:
		fields->input = INPUT_DSGO_AUTH;
		/* Absent reads as empty, which is no identifier either. */
		fields->audience = view(seal->dsgo_auth->audience);
		fields->has_claims = seal->dsgo_auth->has_claims;
		fields->claims = view(seal->dsgo_auth->claims);
		fields->has_not_before =
			seal->dsgo_auth->has_not_before && seal->dsgo_auth->not_before;
		return;
	case ZEGEL__V1__SEAL__INPUT_DIGEST:
		fields->input = INPUT_DIGEST;
		fields->digest = view(seal->digest->digest);
		return;
	case ZEGEL__V1__SEAL__INPUT_JWS:
		fields->input = INPUT_JWS;
		fields->has_payload = seal->jws->has_payload;
		fields->payload = view(seal->jws->payload);
		fields->has_typ = seal->jws->has_typ;
		fields->typ = view(seal->jws->typ);
		fields->has_cty = seal->jws->has_cty;
		fields->cty = view(seal->jws->cty);
		fields->has_x5c = seal->jws->has_x5c && seal->jws->x5c;
		return;
	case ZEGEL__V1__SEAL__INPUT__NOT_SET:
	case _ZEGEL__V1__SEAL__INPUT__CASE_IS_INT_SIZE:
		break;
	}
	fields->input = INPUT_NONE;
}

enum status handle_seal(const struct call *call)
{
	const Zegel__V1__Seal *seal = call->request->seal;
	const struct seal_asker asker = {.client = call->client,
		.uid = call->conn->peer.uid,
		.pid = call->conn->peer.pid,
		.unit = peer_view(&call->conn->peer).unit};
	const struct seal_owner owner = {
		.connection = call->conn->id, .request = call->request->id};
	struct request_fields fields = {
		.key = view(seal->key),
		.profile = view(seal->profile),
		.has_algorithm = seal->has_algorithm,
		.algorithm = view(seal->algorithm),
		.has_timeout = seal->has_timeout_ms,
		.timeout_ms = seal->timeout_ms,
	};
	struct seal_request *request = NULL;
	struct seal_begun begun;
	enum status status;

	TRY(conn_check_flight(call->conn));
	take_input(&fields, seal);
	TRY(request_new(&fields, &request));
	status = seal_begin(call->server->sealer, &asker, &request, &owner, &begun);
	if (status == STATUS_OK) {
		conn_put_flight(call->conn, owner.request, begun.act_id);
		return STATUS_OK;
	}
	/* The sealer has logged its refusal, with its reason; here it is only said. */
	reply_error(call->conn, owner.request, status, begun.retry_after_ms);
	return STATUS_OK;
}
