/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_claim.h"

#include <stdlib.h>
#include <string.h>

#include "policy_pattern.h"
#include "util/text.h"

#define JSON_PREFIX "json:"

enum {
	INDEX_MAX = 1 << 20, /* of an array: no claims are that long */
};

/* Each ~ is ~0 or ~1 (RFC 6901 section 3). */
static bool is_escaped_well(const char *text)
{
	for (; *text != '\0'; text++) {
		if (text[0] == '~' && text[1] != '0' && text[1] != '1')
			return false;
	}
	return true;
}

static size_t count_names(const char *pointer)
{
	size_t n = 0;

	for (; *pointer != '\0'; pointer++)
		n += *pointer == '/' ? 1 : 0;
	return n;
}

bool policy_claim_is_pointer(const char *text)
{
	return text[0] == '/' && strlen(text) <= POLICY_POINTER_MAX &&
	       count_names(text) <= POLICY_POINTER_DEPTH && is_escaped_well(text);
}

/* "json:" text; NULL when it is no scalar. gives */
static json_t *parse_scalar(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	if (!json_is_object(value) && !json_is_array(value))
		return value;
	json_decref(value);
	return NULL;
}

static json_t *parse_value(const char *text)
{
	const size_t len = strlen(JSON_PREFIX);

	if (strlen(text) > POLICY_CLAIM_VALUE_MAX)
		return NULL;
	if (strncmp(text, JSON_PREFIX, len) == 0)
		return parse_scalar(text + len);
	return json_string(text);
}

bool policy_claim_is_value(const char *text)
{
	json_t *value = parse_value(text);
	const bool is_value = value != NULL;

	json_decref(value);
	return is_value;
}

/* In place: ~1 is /, ~0 is ~, in one go, so that ~01 is ~1. */
static void unescape(char *name)
{
	char *to = name;

	for (; *name != '\0'; name++) {
		*to = *name;
		if (*name == '~')
			*to = *++name == '1' ? '/' : '~';
		to++;
	}
	*to = '\0';
}

static enum status take_pointer(struct policy_claim *claim, const char *pointer)
{
	TRY(text_copy(bytes_from_text(pointer), &claim->pointer));
	claim->names = calloc(count_names(pointer), sizeof(claim->names[0]));
	if (claim->names == NULL)
		return STATUS_NO_MEMORY;
	while (*pointer == '/') {
		const size_t len = strcspn(++pointer, "/");
		const struct bytes name = {(const uint8_t *)pointer, len};

		TRY(text_copy(name, &claim->names[claim->n_names]));
		unescape(claim->names[claim->n_names++]);
		pointer += len;
	}
	return STATUS_OK;
}

static enum status take_values(
	struct policy_claim *claim, const struct policy_claim_spec *spec)
{
	claim->values = calloc(spec->n_values + 1, sizeof(claim->values[0]));
	if (claim->values == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < spec->n_values; i++) {
		claim->values[i] = parse_value(spec->values[i]);
		if (claim->values[i] == NULL)
			return STATUS_BAD_CONFIG;
		claim->n_values++;
	}
	return STATUS_OK;
}

static bool has_right_number(const struct policy_claim_spec *spec)
{
	switch (spec->kind) {
	case POLICY_CLAIM_MUST_BE:
	case POLICY_CLAIM_MATCHES:
		return spec->n_values == 1;
	case POLICY_CLAIM_MAY_BE:
		return spec->n_values > 0;
	case POLICY_CLAIM_ABSENT:
		break;
	}
	return spec->n_values == 0;
}

enum status policy_claim_init(
	struct policy_claim *claim, const struct policy_claim_spec *spec)
{
	*claim = (struct policy_claim){.kind = spec->kind};
	if (!policy_claim_is_pointer(spec->pointer) || !has_right_number(spec))
		return STATUS_BAD_CONFIG;
	TRY(take_pointer(claim, spec->pointer));
	if (spec->kind != POLICY_CLAIM_MATCHES)
		return take_values(claim, spec);
	if (strlen(spec->values[0]) > POLICY_PATTERN_MAX)
		return STATUS_BAD_CONFIG;
	return text_copy(bytes_from_text(spec->values[0]), &claim->pattern);
}

void policy_claim_deinit(struct policy_claim *claim)
{
	for (size_t i = 0; i < claim->n_values; i++)
		json_decref(claim->values[i]);
	for (size_t i = 0; i < claim->n_names; i++)
		freep(&claim->names[i]);
	freep(&claim->values);
	freep(&claim->names);
	freep(&claim->pattern);
	freep(&claim->pointer);
	*claim = (struct policy_claim){.pointer = NULL};
}

/* Digits without a zero before them; "-" is the place behind the last, where nothing is. */
static const json_t *find_index(const json_t *array, const char *name)
{
	uint64_t index;

	if ((name[0] == '0' && name[1] != '\0') ||
		!text_to_number(name, INDEX_MAX, &index))
		return NULL;
	return json_array_get(array, (size_t)index);
}

const json_t *policy_claim_find(const struct policy_claim *claim, const json_t *claims)
{
	const json_t *at = claims;

	for (size_t i = 0; i < claim->n_names && at != NULL; i++)
		at = json_is_array(at) ? find_index(at, claim->names[i])
				       : json_object_get(at, claim->names[i]);
	return at;
}

static bool is_one_of(const struct policy_claim *claim, const json_t *value)
{
	for (size_t i = 0; i < claim->n_values; i++) {
		if (json_equal(claim->values[i], value))
			return true;
	}
	return false;
}

static bool is_match(const struct policy_claim *claim, const json_t *value)
{
	const struct bytes text = {
		(const uint8_t *)json_string_value(value), json_string_length(value)};

	return json_is_string(value) && policy_pattern_matches(claim->pattern, text);
}

bool policy_claim_holds(const struct policy_claim *claim, const json_t *claims)
{
	const json_t *value = policy_claim_find(claim, claims);

	switch (claim->kind) {
	case POLICY_CLAIM_MUST_BE:
		return value != NULL && is_one_of(claim, value);
	case POLICY_CLAIM_MAY_BE:
		return value == NULL || is_one_of(claim, value);
	case POLICY_CLAIM_MATCHES:
		return is_match(claim, value);
	case POLICY_CLAIM_ABSENT:
		break;
	}
	return value == NULL;
}
