/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "confusion.h"
#include "form.h"
#include "util/clock.h"

void request_freep(struct seal_request **request)
{
	if (*request == NULL)
		return;
	claims_deinit(&(*request)->claims);
	buf_deinit(&(*request)->payload);
	freep(request);
}

static enum status take_algorithm(
	struct seal_request *request, const struct request_fields *fields)
{
	const char *only = request->form->algorithm;

	if (!fields->has_algorithm) {
		request->algorithm =
			only == NULL ? NULL : algorithm_find(bytes_from_text(only));
		return STATUS_OK;
	}
	request->algorithm = algorithm_find(fields->algorithm);
	if (request->algorithm == NULL)
		return STATUS_UNKNOWN_ALGORITHM;
	if (only != NULL && !bytes_is_equal(fields->algorithm, bytes_from_text(only)))
		return STATUS_DSGO_ALGORITHM;
	return STATUS_OK;
}

static enum status take_dsgo_auth(
	struct seal_request *request, const struct request_fields *fields)
{
	if (!text_is_identifier(fields->audience, AUDIENCE_MAX_LEN))
		return STATUS_BAD_AUDIENCE;
	memcpy(request->audience, fields->audience.p, fields->audience.len);
	request->has_not_before = fields->has_not_before;
	if (!fields->has_claims)
		return STATUS_OK;
	request->size = fields->claims.len;
	return claims_parse(&request->claims, fields->claims);
}

static enum status take_digest(
	struct seal_request *request, const struct request_fields *fields)
{
	if (fields->digest.len == 0 || fields->digest.len > HASH_LEN_MAX)
		return STATUS_BAD_DIGEST;
	/* Without an algorithm the key decides; form_digest checks the length again then. */
	if (request->algorithm != NULL &&
		fields->digest.len != request->algorithm->hash_len)
		return STATUS_BAD_DIGEST;
	memcpy(request->digest, fields->digest.p, fields->digest.len);
	request->digest_len = fields->digest.len;
	request->size = fields->digest.len;
	return STATUS_OK;
}

/* out keeps the NUL that it ends with. */
static enum status take_media_type(
	struct bytes type, char out[static MEDIA_TYPE_MAX_LEN + 1])
{
	if (!text_is_media_type(type))
		return STATUS_BAD_MEDIA_TYPE;
	memcpy(out, type.p, type.len);
	return STATUS_OK;
}

/*
 * A payload as rules about claims see it; NULL when it is not one JSON object in one
 * reading, and then no such rule is kept. Most payloads are none, and cost nothing.
 */
static json_t *read_object(struct bytes payload)
{
	json_t *object;

	if (payload.len == 0 || payload.p[0] != '{')
		return NULL;
	object = json_loadb((const char *)payload.p, payload.len,
		JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

static enum status take_jws(
	struct seal_request *request, const struct request_fields *fields)
{
	if (!fields->has_payload)
		return STATUS_NO_PAYLOAD;
	if (fields->payload.len > REQUEST_PAYLOAD_MAX)
		return STATUS_PAYLOAD_TOO_LARGE;
	if (fields->has_typ)
		TRY(take_media_type(fields->typ, request->typ));
	if (fields->has_cty)
		TRY(take_media_type(fields->cty, request->cty));
	TRY(buf_append(&request->payload, fields->payload));
	request->size = fields->payload.len;
	request->has_x5c = fields->has_x5c;
	request->is_token_like =
		confusion_is_token_like(request->typ, buf_get(&request->payload));
	request->claims.tree = read_object(fields->payload);
	return STATUS_OK;
}

static enum status take_input(
	struct seal_request *request, const struct request_fields *fields)
{
	if (fields->input != request->form->input)
		return STATUS_BAD_INPUT;
	switch (fields->input) {
	case INPUT_DSGO_AUTH:
		return take_dsgo_auth(request, fields);
	case INPUT_DIGEST:
		return take_digest(request, fields);
	case INPUT_JWS:
		return take_jws(request, fields);
	case INPUT_NONE:
		break;
	}
	return STATUS_BAD_INPUT;
}

/* Without anything but its form. gives */
static enum status new_request(const struct form *form, struct seal_request **out)
{
	struct seal_request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return STATUS_NO_MEMORY;
	claims_init(&request->claims);
	request->payload = BUF_INIT(REQUEST_PAYLOAD_MAX);
	request->form = form;
	*out = request;
	return STATUS_OK;
}

enum status request_new_own(const struct form *form, const struct algorithm *algorithm,
	struct bytes digest, struct seal_request **out)
{
	must(form->input == INPUT_DIGEST && digest.len == algorithm->hash_len);
	TRY(new_request(form, out));
	(*out)->algorithm = algorithm;
	memcpy((*out)->digest, digest.p, digest.len);
	(*out)->digest_len = digest.len;
	return STATUS_OK;
}

enum status request_new(const struct request_fields *fields, struct seal_request **out)
{
	CLEANUP(request_freep) struct seal_request *request = NULL;
	const struct form *form;

	if (!text_is_name(fields->key) || !text_is_name(fields->profile) ||
		(fields->has_algorithm && !text_is_name(fields->algorithm)))
		return STATUS_BAD_NAME;
	if (fields->has_timeout && (fields->timeout_ms == 0 ||
					   fields->timeout_ms > REQUEST_TIMEOUT_MAX_MS))
		return STATUS_BAD_TIMEOUT;
	form = form_find(fields->profile);
	if (form == NULL)
		return STATUS_UNKNOWN_PROFILE;
	TRY(new_request(form, &request));
	memcpy(request->key, fields->key.p, fields->key.len);
	request->timeout_ms =
		fields->has_timeout ? fields->timeout_ms : REQUEST_TIMEOUT_DEFAULT_MS;
	TRY(take_algorithm(request, fields));
	TRY(take_input(request, fields));
	*out = TAKE(request);
	return STATUS_OK;
}

struct policy_question request_get_question(const struct seal_request *request)
{
	return (struct policy_question){
		.key = request->key,
		.profile = request->form->name,
		.audience = request->audience[0] == '\0' ? NULL : request->audience,
		.claims = request->claims.tree,
		.size = request->size,
		.is_token_like = request->is_token_like,
		.week_minute = clock_week_minute(),
	};
}
