/* SPDX-License-Identifier: Apache-2.0 */
#include "row.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "plain.h"

enum {
	SHOWN_MAX = 400, /* bytes of a line that could not be read */
	CELL_MAX = 1 << 19,
	KIND_WIDTH = 11,
	STATUS_WIDTH = 12,
};

struct column {
	const char *member;
	size_t width;
};

/* Shown side by side, whatever kind of line has them. */
static const struct column columns[] = {
	{"client", 16},
	{"key", 14},
	{"profile", 9},
	{"aud", 34},
};

/* What people look for, before all else that a line has. */
static const char *const leading[] = {"jti", "rule"};

/* In columns of their own, or not for people's eyes: --json has them. */
static const char *const hidden[] = {"seq", "time", "open", "prev", "kind", "hash",
	"status", "digest", "cert", "seal", "config", "pid"};

enum status row_append_heading(struct buf *out)
{
	TRY(buf_append_format(out, "  %-27s %8s  %-*s %-*s", "time", "seq", KIND_WIDTH,
		"kind", STATUS_WIDTH, "status"));
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		TRY(buf_append_format(
			out, " %-*s", (int)columns[i].width, columns[i].member));
	return buf_append_text(out, " more\n");
}

/*
 * The whole line, so that a member that is there twice, one of those that every line has
 * among them, is refused: two readers could take it for two things.
 */
static json_t *parse(const struct row *row)
{
	return json_loadb((const char *)row->text.p, row->text.len,
		JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}

static enum status append_value(struct buf *out, const json_t *value)
{
	CLEANUP(freep) char *text = NULL;

	if (json_is_string(value))
		return plain_append_word(
			out, (struct bytes){(const uint8_t *)json_string_value(value),
				     json_string_length(value)});
	text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
	if (text == NULL)
		return STATUS_NO_MEMORY;
	/* Of a number or null nothing needs an escape; of others the texts may. */
	return plain_append(out, bytes_from_text(text));
}

/* As wide as the column, or wider. */
static enum status append_cell(struct buf *out, const json_t *value, size_t width)
{
	const size_t begin = out->len + 1;

	TRY(buf_append_text(out, " "));
	if (value == NULL)
		TRY(buf_append_text(out, "-"));
	else
		TRY(append_value(out, value));
	while (out->len < begin + width)
		TRY(buf_append_text(out, " "));
	return STATUS_OK;
}

static bool is_column(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		if (strcmp(columns[i].member, name) == 0)
			return true;
	}
	return false;
}

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* A line about nobody and no key would be a row of dashes. */
static bool has_columns(const json_t *members)
{
	return json_object_get(members, "client") != NULL ||
	       json_object_get(members, "key") != NULL;
}

static enum status append_columns(struct buf *out, const json_t *members)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		TRY(append_cell(out, json_object_get(members, columns[i].member),
			columns[i].width));
	return STATUS_OK;
}

static enum status append_pair(struct buf *out, const char *name, const json_t *value)
{
	TRY(buf_append_text(out, " "));
	TRY(plain_append_word(out, bytes_from_text(name)));
	TRY(buf_append_text(out, "="));
	return append_value(out, value);
}

static enum status append_rest(struct buf *out, json_t *members)
{
	const bool are_in_columns = has_columns(members);
	const char *name;
	json_t *value;

	for (size_t i = 0; i < ARRAY_LEN(leading); i++) {
		value = json_object_get(members, leading[i]);
		if (value != NULL)
			TRY(append_pair(out, leading[i], value));
	}
	json_object_foreach(members, name, value)
	{
		if (is_one_of(name, leading, ARRAY_LEN(leading)) ||
			is_one_of(name, hidden, ARRAY_LEN(hidden)) ||
			(are_in_columns && is_column(name)))
			continue;
		TRY(append_pair(out, name, value));
	}
	return STATUS_OK;
}

static enum status append_members(
	struct buf *out, const struct row *row, json_t *members)
{
	const struct entry *entry = row->entry;

	TRY(buf_append_text(out, row->why == NULL ? "  " : "! "));
	TRY(buf_append(out, entry->time));
	TRY(buf_append_format(out, " %8" PRIu64 "  %-*.*s", entry->seq, KIND_WIDTH,
		(int)entry->kind.len, (const char *)entry->kind.p));
	if (row->status != NULL)
		TRY(buf_append_format(out, " %-*s", STATUS_WIDTH, row->status));
	else
		TRY(append_cell(out, json_object_get(members, "status"), STATUS_WIDTH));
	if (has_columns(members))
		TRY(append_columns(out, members));
	TRY(append_rest(out, members));
	if (row->why != NULL)
		TRY(buf_append_format(out, " unverified=\"%s\"", row->why));
	while (out->p[out->len - 1] == ' ')
		out->len--;
	return buf_append_text(out, "\n");
}

/* ! FILE:LINE: why: as much of the line as helps */
static enum status append_bad(struct buf *out, const struct row *row)
{
	const size_t len = row->text.len < SHOWN_MAX ? row->text.len : SHOWN_MAX;

	TRY(buf_append_text(out, "! "));
	TRY(plain_append(out, bytes_from_text(row->file)));
	if (row->number > 0)
		TRY(buf_append_format(out, ":%" PRIu64, row->number));
	TRY(buf_append_format(out, ": %s", row->why));
	if (len > 0) {
		TRY(buf_append_text(out, ": "));
		TRY(plain_append(out, (struct bytes){row->text.p, len}));
	}
	return buf_append_text(out, len < row->text.len ? "...\n" : "\n");
}

enum status row_append(struct buf *out, const struct row *row)
{
	json_t *members;
	enum status status;

	if (row->entry == NULL)
		return append_bad(out, row);
	members = parse(row);
	if (members == NULL)
		return STATUS_BAD_FILE;
	status = append_members(out, row, members);
	json_decref(members);
	return status;
}

static json_t *json_plain(struct bytes foreign)
{
	CLEANUP(buf_deinit) struct buf plain = BUF_INIT(CELL_MAX);

	if (plain_append(&plain, foreign) != STATUS_OK)
		return NULL;
	return json_stringn(plain.len == 0 ? "" : (const char *)plain.p, plain.len);
}

/* Never a line that could be taken for one of the record. */
static enum status append_unverified(struct buf *out, const struct row *row)
{
	CLEANUP(freep) char *text = NULL;
	json_t *object = json_pack("{s:s, s:o, s:I, s:o}", "unverified", row->why,
		"file", json_plain(bytes_from_text(row->file)), "line",
		(json_int_t)row->number, "text", json_plain(row->text));

	if (object != NULL)
		text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(object);
	if (text == NULL)
		return STATUS_NO_MEMORY;
	TRY(buf_append_text(out, text));
	return buf_append_text(out, "\n");
}

enum status row_append_json(struct buf *out, const struct row *row)
{
	json_t *members;

	if (row->why != NULL)
		return append_unverified(out, row);
	members = parse(row);
	if (members == NULL)
		return STATUS_BAD_FILE;
	json_decref(members);
	TRY(buf_append(out, row->text));
	return buf_append_text(out, "\n");
}
