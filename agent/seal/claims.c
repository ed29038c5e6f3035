/* SPDX-License-Identifier: Apache-2.0 */
#include "claims.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* 15 digits survive text → double → text everywhere (RFC 8259 section 6). */
	REAL_DIGITS = 15,
	/* Of any number: 2^53 has so many; more would be rounded before we see them. */
	DIGITS_MAX = 16,
	NUMBER_TEXT_MAX = 64,
};

/* Beyond this, JSON readers with doubles lose digits (RFC 7493 2.2). */
static const json_int_t integer_max = ((json_int_t)1 << 53) - 1;

static const char *const reserved[] = {"iat", "exp", "nbf", "jti"};

void claims_init(struct claims *claims)
{
	*claims = (struct claims){.others = BUF_INIT(CLAIMS_MAX)};
}

void claims_deinit(struct claims *claims)
{
	buf_deinit(&claims->others);
	json_decref(claims->tree);
	claims->tree = NULL;
}

/* What is counted before the parser runs: it recurses, and it rounds. */
struct scan {
	bool is_string;
	size_t depth;
	size_t n_digits; /* significant ones of the number we are in */
};

static void scan_value(struct scan *scan, uint8_t c)
{
	const bool is_digit = c >= '0' && c <= '9';

	if (is_digit && (scan->n_digits > 0 || c != '0'))
		scan->n_digits++;
	else if (!is_digit && c != '.')
		scan->n_digits = 0;
	if (c == '{' || c == '[')
		scan->depth++;
	if ((c == '}' || c == ']') && scan->depth > 0)
		scan->depth--;
}

/* Strings are skipped; whether the text is JSON at all is the parser's to say. */
static enum status scan_text(struct bytes text)
{
	struct scan scan = {.depth = 0};

	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.p[i];

		if (c == '"')
			scan.is_string = !scan.is_string;
		else if (scan.is_string && c == '\\')
			i++;
		else if (!scan.is_string)
			scan_value(&scan, c);
		if (scan.depth > CLAIMS_DEPTH_MAX)
			return STATUS_CLAIMS_TOO_DEEP;
		if (scan.n_digits > DIGITS_MAX)
			return STATUS_CLAIMS_NUMBER;
	}
	return STATUS_OK;
}

static bool has_exact_value(double value)
{
	char text[NUMBER_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%.*g", (int)REAL_DIGITS, value);
	return !(strtod(text, NULL) < value) && !(strtod(text, NULL) > value);
}

/* Recursion ends at CLAIMS_DEPTH_MAX: scan_text() came before. */
static bool has_exact_numbers(const json_t *value)
{
	const char *name;
	json_t *member;
	size_t i;

	if (json_is_integer(value))
		return json_integer_value(value) <= integer_max &&
		       json_integer_value(value) >= -integer_max;
	if (json_is_real(value))
		return has_exact_value(json_real_value(value));
	if (json_is_array(value)) {
		for (i = 0; i < json_array_size(value); i++) {
			if (!has_exact_numbers(json_array_get(value, i)))
				return false;
		}
	}
	/* json_object_foreach wants a pointer it may write through, though it does not. */
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		if (!has_exact_numbers(member))
			return false;
	}
	return true;
}

static enum status refusal_of(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_duplicate_key:
		return STATUS_CLAIMS_DUPLICATE;
	case json_error_numeric_overflow:
		return STATUS_CLAIMS_NUMBER;
	case json_error_stack_overflow:
		return STATUS_CLAIMS_TOO_DEEP;
	case json_error_out_of_memory:
		return STATUS_NO_MEMORY;
	case json_error_unknown:
	case json_error_cannot_open_file:
	case json_error_invalid_argument:
	case json_error_invalid_utf8:
	case json_error_premature_end_of_input:
	case json_error_end_of_input_expected:
	case json_error_invalid_syntax:
	case json_error_invalid_format:
	case json_error_wrong_type:
	case json_error_null_character:
	case json_error_null_value:
	case json_error_null_byte_in_key:
	case json_error_item_not_found:
	case json_error_index_out_of_range:
		break;
	}
	return STATUS_BAD_CLAIMS;
}

static enum status take_identity(struct claims_identity *identity, const json_t *value)
{
	struct bytes text;

	if (!json_is_string(value))
		return STATUS_CLAIMS_IDENTITY;
	text = (struct bytes){
		(const uint8_t *)json_string_value(value), json_string_length(value)};
	if (!text_is_identifier(text, AUDIENCE_MAX_LEN))
		return STATUS_CLAIMS_IDENTITY;
	memcpy(identity->value, text.p, text.len);
	identity->value[text.len] = '\0';
	identity->has_value = true;
	return STATUS_OK;
}

static bool is_reserved(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
		if (strcmp(name, reserved[i]) == 0)
			return true;
	}
	return false;
}

static enum status append_json(struct buf *out, const json_t *value)
{
	const size_t flags =
		JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS);
	char *text = json_dumps(value, flags);
	enum status status;

	if (text == NULL)
		return STATUS_NO_MEMORY;
	status = buf_append_text(out, text);
	free(text);
	return status;
}

static enum status take_other(
	struct claims *claims, const char *name, const json_t *value)
{
	json_t *text = json_string(name);
	enum status status = text == NULL ? STATUS_NO_MEMORY : STATUS_OK;

	if (status == STATUS_OK)
		status = buf_append_text(&claims->others, ",");
	if (status == STATUS_OK)
		status = append_json(&claims->others, text);
	json_decref(text);
	TRY(status);
	TRY(buf_append_text(&claims->others, ":"));
	return append_json(&claims->others, value);
}

static enum status take_member(
	struct claims *claims, const char *name, const json_t *value)
{
	if (is_reserved(name))
		return STATUS_CLAIMS_RESERVED;
	if (strcmp(name, "iss") == 0)
		return take_identity(&claims->issuer, value);
	if (strcmp(name, "sub") == 0)
		return take_identity(&claims->subject, value);
	if (strcmp(name, "aud") == 0)
		return take_identity(&claims->audience, value);
	return take_other(claims, name, value);
}

static enum status take_members(struct claims *claims, json_t *object)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return STATUS_BAD_CLAIMS;
	if (!has_exact_numbers(object))
		return STATUS_CLAIMS_NUMBER;
	json_object_foreach(object, name, value)
	{
		const enum status status = take_member(claims, name, value);

		/* What is written may be longer than what was sent: 1e9 becomes 1000000000.0 */
		if (status == STATUS_NO_MEMORY)
			return STATUS_CLAIMS_TOO_LARGE;
		TRY(status);
	}
	return STATUS_OK;
}

enum status claims_parse(struct claims *claims, struct bytes text)
{
	json_error_t error;
	enum status status;
	json_t *object;

	if (text.len > CLAIMS_MAX)
		return STATUS_CLAIMS_TOO_LARGE;
	TRY(scan_text(text));
	object = json_loadb(
		(const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL)
		return refusal_of(&error);
	status = take_members(claims, object);
	/* What the seal says itself is no claim of the client's: there are other rules. */
	(void)json_object_del(object, "iss");
	(void)json_object_del(object, "sub");
	(void)json_object_del(object, "aud");
	claims->tree = object;
	return status;
}

static bool is_other(const struct claims_identity *identity, const char *value)
{
	return identity->has_value && strcmp(identity->value, value) != 0;
}

enum status claims_check_identity(
	const struct claims *claims, const char *identifier, const char *audience)
{
	if (is_other(&claims->issuer, identifier) ||
		is_other(&claims->subject, identifier) ||
		is_other(&claims->audience, audience))
		return STATUS_CLAIMS_IDENTITY;
	return STATUS_OK;
}
