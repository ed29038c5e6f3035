/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include <string.h>

#include <jansson.h>

#include "util/buf.h"

static const char *const member_names[FILTER_N_MEMBERS] = {
	[FILTER_CLIENT] = "client",
	[FILTER_KEY] = "key",
	[FILTER_AUD] = "aud",
	[FILTER_JTI] = "jti",
};

bool filter_has_members(const struct filter *filter)
{
	for (size_t i = 0; i < FILTER_N_MEMBERS; i++) {
		if (filter->members[i] != NULL)
			return true;
	}
	return false;
}

bool filter_takes_entry(const struct filter *filter, const struct entry *entry)
{
	/* Times of a record have one form, so they compare as texts. */
	if (filter->has_since && memcmp(entry->time.p, filter->since, MOMENT_LEN) < 0)
		return false;
	if (filter->has_until && memcmp(entry->time.p, filter->until, MOMENT_LEN) >= 0)
		return false;
	return filter->kind == NULL ||
	       bytes_is_equal(entry->kind, bytes_from_text(filter->kind));
}

/* Whether the text, if a member has it as its value, stands in the line as it is. */
static bool is_unescaped(const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c < 0x20 || *c == 0x7f || *c == '"' || *c == '\\' || *c == '/')
			return false;
	}
	return true;
}

/* False: no member can have this value. */
static bool can_have(struct bytes members, const char *value)
{
	return !is_unescaped(value) ||
	       memmem(members.p, members.len, value, strlen(value)) != NULL;
}

/* NULL when they are no JSON. gives */
static json_t *parse(struct bytes members)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(ENTRY_MAX + 2);
	/* The comma in front of the first one is none of an object's. */
	const size_t comma = members.len > 0 ? 1 : 0;

	if (buf_append_text(&text, "{") != STATUS_OK ||
		buf_append(&text, (struct bytes){members.p + comma,
					  members.len - comma}) != STATUS_OK ||
		buf_append_text(&text, "}") != STATUS_OK)
		return NULL;
	return json_loadb((const char *)text.p, text.len,
		JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}

static bool has_value(const json_t *members, const char *name, const char *value)
{
	const json_t *member = json_object_get(members, name);

	return json_is_string(member) && json_string_length(member) == strlen(value) &&
	       memcmp(json_string_value(member), value, strlen(value)) == 0;
}

bool filter_takes_members(const struct filter *filter, const struct entry *entry)
{
	json_t *members;
	bool is_wanted = true;

	for (size_t i = 0; i < FILTER_N_MEMBERS; i++) {
		if (filter->members[i] != NULL &&
			!can_have(entry->members, filter->members[i]))
			return false;
	}
	if (!filter_has_members(filter))
		return true;
	members = parse(entry->members);
	for (size_t i = 0; i < FILTER_N_MEMBERS; i++) {
		if (filter->members[i] != NULL)
			is_wanted = is_wanted && has_value(members, member_names[i],
							 filter->members[i]);
	}
	json_decref(members);
	return is_wanted;
}

bool filter_takes_status(const struct filter *filter, const struct entry *entry)
{
	json_t *members;
	bool is_wanted;

	if (filter->status == NULL)
		return true;
	if (!can_have(entry->members, filter->status))
		return false;
	members = parse(entry->members);
	is_wanted =
		has_value(members, "status", filter->status) ||
		json_object_get(json_object_get(members, "by"), filter->status) != NULL;
	json_decref(members);
	return is_wanted;
}

bool filter_takes_status_name(const struct filter *filter, const char *status)
{
	return filter->status == NULL || strcmp(filter->status, status) == 0;
}
