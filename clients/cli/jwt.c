/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt.h"

#include <string.h>

#include "util/base64.h"
#include "util/log.h"

enum {
	N_PARTS = 3,
};

void jwt_init(struct jwt *jwt)
{
	*jwt = (struct jwt){
		.header_text = BUF_INIT(JWT_TOKEN_MAX),
		.payload_text = BUF_INIT(JWT_TOKEN_MAX),
		.signature = BUF_INIT(JWT_TOKEN_MAX),
	};
}

void jwt_deinit(struct jwt *jwt)
{
	buf_deinit(&jwt->header_text);
	buf_deinit(&jwt->payload_text);
	buf_deinit(&jwt->signature);
	json_decref(jwt->header);
	json_decref(jwt->payload);
	jwt->header = NULL;
	jwt->payload = NULL;
}

static size_t count_dots(struct bytes token)
{
	size_t n = 0;

	for (size_t i = 0; i < token.len; i++)
		n += token.p[i] == '.';
	return n;
}

/* The part before the next dot; rest is moved behind it. */
static struct bytes next_part(struct bytes *rest)
{
	const uint8_t *dot = memchr(rest->p, '.', rest->len);
	const size_t len = dot == NULL ? rest->len : (size_t)(dot - rest->p);
	const struct bytes part = {rest->p, len};
	const size_t step = dot == NULL ? len : len + 1;

	rest->p += step;
	rest->len -= step;
	return part;
}

static enum status judge_parts(
	struct jwt *jwt, struct bytes token, struct report *report)
{
	static const char *const names[N_PARTS] = {"header", "payload", "signature"};
	struct buf *const texts[N_PARTS] = {
		&jwt->header_text, &jwt->payload_text, &jwt->signature};
	struct bytes rest = token;

	if (token.len == 0 || token.len > JWT_TOKEN_MAX) {
		report_fail(report, REPORT_PARTS,
			"a token has 1 to %d characters, this one %zu", JWT_TOKEN_MAX,
			token.len);
		return STATUS_OK;
	}
	if (count_dots(token) != N_PARTS - 1) {
		report_fail(report, REPORT_PARTS, "expected 3 parts, found %zu",
			count_dots(token) + 1);
		return STATUS_OK;
	}
	for (size_t i = 0; i < N_PARTS; i++) {
		const enum status status = base64url_decode(texts[i], next_part(&rest));

		if (status == STATUS_BAD_FILE) {
			report_fail(report, REPORT_PARTS,
				"the %s is not base64url without padding (RFC 7515 2)",
				names[i]);
			return STATUS_OK;
		}
		TRY(status);
		if (i == 1)
			jwt->signing_input =
				(struct bytes){token.p, token.len - rest.len - 1};
	}
	report_pass(report, REPORT_PARTS, "3 parts, %zu characters", token.len);
	return STATUS_OK;
}

/* The parser recurses; this looks first, and needs no stack. Strings may hold brackets. */
static bool is_too_deep(struct bytes text)
{
	bool is_in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.p[i];

		if (is_in_string && c == '\\')
			i++;
		else if (c == '"')
			is_in_string = !is_in_string;
		else if (!is_in_string && (c == '{' || c == '['))
			depth++;
		else if (!is_in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > JWT_DEPTH_MAX)
			return true;
	}
	return false;
}

static void judge_json(
	struct bytes text, enum report_check check, struct report *report, json_t **out)
{
	json_error_t error;
	json_t *json;

	if (is_too_deep(text)) {
		report_fail(
			report, check, "nested deeper than %d levels", JWT_DEPTH_MAX);
		return;
	}
	json = json_loadb(
		(const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL) {
		report_fail(report, check, "%s",
			log_text(bytes_from_text(error.text)).text);
		return;
	}
	if (!json_is_object(json)) {
		report_fail(report, check, "expected a JSON object");
		json_decref(json);
		return;
	}
	report_pass(report, check, "a JSON object of %zu bytes", text.len);
	*out = json;
}

enum status jwt_judge(struct jwt *jwt, struct bytes token, struct report *report)
{
	TRY(judge_parts(jwt, token, report));
	if (!report_has_passed(report, REPORT_PARTS)) {
		report_skip(report, REPORT_HEADER_JSON, REPORT_NBF, REPORT_PARTS);
		return STATUS_OK;
	}
	judge_json(
		buf_get(&jwt->header_text), REPORT_HEADER_JSON, report, &jwt->header);
	judge_json(buf_get(&jwt->payload_text), REPORT_PAYLOAD_JSON, report,
		&jwt->payload);
	return STATUS_OK;
}
