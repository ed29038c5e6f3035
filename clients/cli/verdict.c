/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include <inttypes.h>

#include "plain.h"

enum {
	NAME_MAX_SHOWN = 32768,
	WHY_MAX = 256,
	HEX_MAX = 2 * ENTRY_HASH_LEN,
};

static const char *const result_names[] = {
	[INSPECT_MARK_BEHIND] = "cut",
	[INSPECT_MARK_HELD] = "held",
	[INSPECT_MARK_REWRITTEN] = "rewritten",
	[INSPECT_MARK_BEFORE] = "not-given",
	[INSPECT_MARK_UNJUDGED] = "unjudged",
};

static const char *const signature_names[] = {
	[CHECKPOINT_UNCHECKED] = "unchecked",
	[CHECKPOINT_SIGNED] = "good",
	[CHECKPOINT_UNSIGNED] = "missing",
	[CHECKPOINT_FORGED] = "bad",
};

bool verdict_is_valid(const struct verdict *verdict)
{
	for (size_t i = 0; i < verdict->checkpoints->n; i++) {
		if (!checkpoint_is_good(verdict->checkpoints, i))
			return false;
	}
	return verdict->inspection->is_good;
}

/* The last line that a good checkpoint holds; 0: there is none. */
static uint64_t last_held(const struct checkpoints *checkpoints)
{
	uint64_t last = 0;

	for (size_t i = 0; i < checkpoints->n; i++) {
		if (checkpoint_is_good(checkpoints, i) &&
			checkpoints->marks[i].seq > last)
			last = checkpoints->marks[i].seq;
	}
	return last;
}

/* FILE:LINE: seq N: why */
static enum status append_bad(struct buf *out, const struct inspect_bad *bad)
{
	TRY(plain_append(out, bytes_from_text(bad->source->name)));
	if (bad->number > 0)
		TRY(buf_append_format(out, ":%" PRIu64, bad->number));
	if (bad->seq > 0)
		TRY(buf_append_format(out, ": seq %" PRIu64, bad->seq));
	return buf_append_format(out, ": %s\n", bad->why);
}

static enum status append_summary(struct buf *out, const struct verdict *verdict)
{
	const struct inspection *found = verdict->inspection;
	const struct accounts *accounts = &found->accounts;

	if (found->n_lines == 0)
		return STATUS_OK;
	TRY(buf_append_format(out,
		"lines        %" PRIu64 " in %zu %s\n"
		"first        %" PRIu64 "  %s\nlast         %" PRIu64 "  %s\n",
		found->n_lines, verdict->sources->n,
		verdict->sources->n == 1 ? "file" : "files", found->first_seq,
		found->first_time, found->last.seq, found->last_time));
	TRY(buf_append_text(out, "head         "));
	TRY(entry_append_hex(out, (struct bytes){found->last.hash, ENTRY_HASH_LEN}));
	TRY(buf_append_format(out,
		"\nattempts     %" PRIu64 ", of which %" PRIu64 " still open\n"
		"outcomes     %" PRIu64 " seals released, %" PRIu64 " failed, %" PRIu64
		" orphans of a crash\n",
		accounts->n_attempts, accounts->n_open, accounts->n_released,
		accounts->n_failed, accounts->n_orphans));
	if (accounts->n_undelivered > 0)
		TRY(buf_append_format(out,
			"undelivered  %" PRIu64 " of those released\n",
			accounts->n_undelivered));
	return STATUS_OK;
}

static enum status append_result(struct buf *out, const struct inspect_mark *mark,
	const struct inspection *found)
{
	const uint64_t seq = mark->seq;

	switch (mark->result) {
	case INSPECT_MARK_HELD:
		return buf_append_format(
			out, "line %" PRIu64 " is in the record as noted", seq);
	case INSPECT_MARK_BEHIND:
		return buf_append_format(out,
			"line %" PRIu64 " is not there: the tail behind line %" PRIu64
			" is cut, or in no file given",
			seq, found->last.seq);
	case INSPECT_MARK_REWRITTEN:
		return buf_append_format(out,
			"line %" PRIu64 " is another one: the record was rewritten "
			"there or before",
			seq);
	case INSPECT_MARK_BEFORE:
		return buf_append_format(
			out, "line %" PRIu64 " is in no file given", seq);
	case INSPECT_MARK_UNJUDGED:
		return buf_append_format(out,
			"line %" PRIu64 " stands behind the bad line, so it tells "
			"nothing",
			seq);
	}
	return STATUS_OK;
}

static enum status append_signature(
	struct buf *out, const struct checkpoint *checkpoint)
{
	switch (checkpoint->signature) {
	case CHECKPOINT_UNCHECKED:
		return buf_append_text(
			out, "; signature not checked (no --certificate)\n");
	case CHECKPOINT_SIGNED:
		return buf_append_format(
			out, "; signature good (%s)\n", checkpoint->algorithm);
	case CHECKPOINT_UNSIGNED:
		return buf_append_text(
			out, "; no signature of a certificate that was given\n");
	case CHECKPOINT_FORGED:
		return buf_append_text(out, "; its signature is bad\n");
	}
	return STATUS_OK;
}

static enum status append_checkpoints(struct buf *out, const struct verdict *verdict)
{
	const struct checkpoints *checkpoints = verdict->checkpoints;

	for (size_t i = 0; i < checkpoints->n; i++) {
		TRY(buf_append_text(out, "checkpoint   "));
		TRY(plain_append(out, bytes_from_text(checkpoints->list[i].path)));
		TRY(buf_append_text(out, ": "));
		TRY(append_result(out, &checkpoints->marks[i], verdict->inspection));
		TRY(append_signature(out, &checkpoints->list[i]));
	}
	return STATUS_OK;
}

static enum status append_unseen(struct buf *out, const struct verdict *verdict)
{
	const struct inspection *found = verdict->inspection;
	const uint64_t held = last_held(verdict->checkpoints);

	if (found->first_seq > 1)
		TRY(buf_append_format(out,
			"not seen     lines 1 to %" PRIu64 ": they are in no file "
			"given\n",
			found->first_seq - 1));
	if (held == 0)
		return buf_append_text(out,
			"not seen     a cut tail, and a record written anew: they show "
			"only against a checkpoint\n");
	if (held >= found->last.seq)
		return STATUS_OK;
	return buf_append_format(out,
		"not seen     what was cut or written anew behind line %" PRIu64
		", the last that a checkpoint holds\n",
		held);
}

enum status verdict_to_text(const struct verdict *verdict, struct buf *out)
{
	const struct inspection *found = verdict->inspection;

	if (!found->is_good)
		TRY(append_bad(out, &found->bad));
	TRY(append_summary(out, verdict));
	TRY(append_checkpoints(out, verdict));
	if (found->is_good)
		TRY(append_unseen(out, verdict));
	if (verdict_is_valid(verdict))
		return buf_append_text(out, "valid\n");
	if (found->is_good)
		return buf_append_text(
			out, "invalid: the record is whole, but not as noted\n");
	return buf_append_format(out,
		"invalid: %s%" PRIu64 " %s before that line; nothing behind it is "
		"trusted\n",
		found->n_lines == 0 ? "" : "good are the ", found->n_lines,
		found->n_lines == 1 ? "line" : "lines");
}

static json_t *json_plain(const char *text)
{
	CLEANUP(buf_deinit) struct buf plain = BUF_INIT(NAME_MAX_SHOWN);

	if (plain_append(&plain, bytes_from_text(text)) != STATUS_OK)
		return NULL;
	return json_stringn(plain.len == 0 ? "" : (const char *)plain.p, plain.len);
}

static json_t *json_number(uint64_t number)
{
	return json_integer((json_int_t)(number > INT64_MAX ? INT64_MAX : number));
}

static json_t *json_hash(const uint8_t hash[ENTRY_HASH_LEN])
{
	CLEANUP(buf_deinit) struct buf hex = BUF_INIT(HEX_MAX);

	if (entry_append_hex(&hex, (struct bytes){hash, ENTRY_HASH_LEN}) != STATUS_OK)
		return NULL;
	return json_stringn((const char *)hex.p, hex.len);
}

static json_t *new_bad(const struct inspection *found)
{
	const struct inspect_bad *bad = &found->bad;

	if (found->is_good)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:s}", "file", json_plain(bad->source->name),
		"line", bad->number == 0 ? json_null() : json_number(bad->number),
		"seq", bad->seq == 0 ? json_null() : json_number(bad->seq), "why",
		bad->why);
}

static json_t *new_end(uint64_t seq, const char *time)
{
	return seq == 0
		       ? json_null()
		       : json_pack("{s:o, s:s}", "seq", json_number(seq), "time", time);
}

static json_t *new_checkpoints(const struct checkpoints *checkpoints)
{
	json_t *list = json_array();

	for (size_t i = 0; i < checkpoints->n; i++) {
		const struct checkpoint *checkpoint = &checkpoints->list[i];
		json_t *one = json_pack("{s:o, s:o, s:s, s:s}", "file",
			json_plain(checkpoint->path), "seq",
			json_number(checkpoint->note.seq), "result",
			result_names[checkpoints->marks[i].result], "signature",
			signature_names[checkpoint->signature]);

		if (json_array_append_new(list, one) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *verdict_to_json(const struct verdict *verdict)
{
	const struct inspection *found = verdict->inspection;
	const struct accounts *accounts = &found->accounts;

	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o}",
		"valid", verdict_is_valid(verdict), "bad", new_bad(found), "lines",
		json_number(found->n_lines), "files", json_number(verdict->sources->n),
		"first", new_end(found->first_seq, found->first_time), "last",
		new_end(found->last.seq, found->last_time), "head",
		found->n_lines == 0 ? json_null() : json_hash(found->last.hash),
		"attempts", json_number(accounts->n_attempts), "open",
		json_number(accounts->n_open), "released",
		json_number(accounts->n_released), "failed",
		json_number(accounts->n_failed), "orphans",
		json_number(accounts->n_orphans), "undelivered",
		json_number(accounts->n_undelivered), "checkpoints",
		new_checkpoints(verdict->checkpoints));
}
