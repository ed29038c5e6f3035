/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_line.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "refusals.h"
#include "util/text.h"

enum {
	/* Of one foreign text, as long as we take any: what is longer is cut. So a line
	 * always fits, even if each byte of each text needs six. */
	TEXT_MAX = AUDIENCE_MAX_LEN,
	DIGITS_MAX = 20,
};

static const char *const status_names[] = {
#define STATUS(name, wire, exit, text) #name,
#include "util/status.def"
#undef STATUS
};

_Static_assert(ARRAY_LEN(status_names) <= REFUSALS_STATUSES_MAX,
	"refusals count every status");

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

enum status audit_line_append_text(struct buf *out, struct bytes text)
{
	size_t at = 0;

	TRY(buf_append_text(out, "\""));
	while (at < text.len) {
		size_t n = 0;

		while (at + n < text.len && is_plain(text.p[at + n]))
			n++;
		TRY(buf_append(out, (struct bytes){text.p + at, n}));
		at += n;
		if (at == text.len)
			break;
		TRY(buf_append_format(out, "\\u%04x", text.p[at]));
		at++;
	}
	return buf_append_text(out, "\"");
}

/* Plain appends: these run for each seal a few dozen times, and printf() is slow. */
static enum status append_name(struct buf *out, const char *name)
{
	TRY(buf_append_text(out, ",\""));
	TRY(buf_append_text(out, name));
	return buf_append_text(out, "\":");
}

static enum status append_text(struct buf *out, const char *name, const char *text)
{
	struct bytes bytes = bytes_from_text(text);

	if (bytes.len > TEXT_MAX)
		bytes.len = TEXT_MAX;
	TRY(append_name(out, name));
	return audit_line_append_text(out, bytes);
}

static enum status append_number(struct buf *out, const char *name, uint64_t number)
{
	uint8_t digits[DIGITS_MAX];
	size_t at = DIGITS_MAX;

	do {
		digits[--at] = (uint8_t)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	TRY(append_name(out, name));
	return buf_append(out, (struct bytes){digits + at, DIGITS_MAX - at});
}

static enum status append_hex(struct buf *out, const char *name, struct bytes bytes)
{
	TRY(append_name(out, name));
	TRY(buf_append_text(out, "\""));
	TRY(entry_append_hex(out, bytes));
	return buf_append_text(out, "\"");
}

static enum status append_who(struct buf *out, const struct audit_who *who)
{
	TRY(append_text(out, "client", who->client));
	TRY(append_number(out, "uid", who->uid));
	TRY(append_number(out, "pid", (uint64_t)who->pid));
	return append_text(out, "unit", who->unit);
}

/* As the log names it: connection.request */
static enum status append_request(
	struct buf *out, uint64_t connection, uint64_t request)
{
	return buf_append_format(
		out, ",\"req\":\"%" PRIx64 ".%" PRIu64 "\"", connection, request);
}

enum status audit_line_start(struct buf *out, const struct audit_start *start)
{
	TRY(append_text(out, "version", start->version));
	TRY(append_hex(out, "config", start->config_hash));
	TRY(append_number(out, "pid", (uint64_t)getpid()));
	TRY(append_text(out, "after", start->after));
	return append_number(out, "cut", start->cut);
}

enum status audit_line_rotate(struct buf *out, const char *older)
{
	return append_text(out, "file", older);
}

enum status audit_line_attempt(struct buf *out, const struct audit_attempt *attempt)
{
	TRY(append_request(out, attempt->connection, attempt->request));
	TRY(append_number(out, "try", attempt->number));
	TRY(append_who(out, &attempt->who));
	TRY(append_text(out, "rule", attempt->rule));
	TRY(append_text(out, "key", attempt->key));
	TRY(append_text(out, "profile", attempt->profile));
	TRY(append_text(out, "alg", attempt->algorithm));
	TRY(append_hex(out, "digest", attempt->digest));
	TRY(append_text(out, "jti", attempt->jti));
	TRY(append_text(out, "aud", attempt->audience));
	TRY(append_hex(out, "cert", attempt->certificate));
	return append_text(out, "token", attempt->token);
}

enum status audit_line_outcome(struct buf *out, const struct audit_outcome *outcome)
{
	TRY(append_number(out, "attempt", outcome->attempt));
	TRY(append_text(out, "status", outcome->status));
	return outcome->seal.len == 0 ? STATUS_OK
				      : append_hex(out, "seal", outcome->seal);
}

enum status audit_line_orphan(struct buf *out, uint64_t attempt)
{
	return append_number(out, "attempt", attempt);
}

enum status audit_line_undelivered(struct buf *out, uint64_t attempt, const char *why)
{
	TRY(append_number(out, "attempt", attempt));
	return append_text(out, "status", why);
}

enum status audit_line_refusal(struct buf *out, const struct audit_refusal *refusal)
{
	TRY(append_request(out, refusal->connection, refusal->request));
	TRY(append_who(out, &refusal->who));
	TRY(append_text(out, "status", status_name(refusal->status)));
	TRY(append_text(out, "rule", refusal->rule));
	TRY(append_text(out, "nearest", refusal->nearest));
	TRY(append_text(out, "key", refusal->key));
	TRY(append_text(out, "profile", refusal->profile));
	return append_text(out, "aud", refusal->audience);
}

enum status audit_line_flood(struct buf *out, const struct audit_flood *flood)
{
	const char *between = "";
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(status_names); i++)
		n += flood->n_by_status[i];
	TRY(append_text(out, "client", flood->client));
	TRY(append_number(out, "uid", flood->uid));
	TRY(append_number(out, "n", n));
	TRY(append_number(out, "since", flood->since_s));
	TRY(buf_append_text(out, ",\"by\":{"));
	for (size_t i = 0; i < ARRAY_LEN(status_names); i++) {
		if (flood->n_by_status[i] == 0)
			continue;
		TRY(buf_append_format(out, "%s\"%s\":%" PRIu64, between,
			status_names[i], flood->n_by_status[i]));
		between = ",";
	}
	return buf_append_text(out, "}");
}

enum status audit_line_peer(struct buf *out, const struct audit_peer_event *event)
{
	TRY(append_text(out, "event", event->event));
	TRY(append_who(out, &event->who));
	return event->has_other ? append_number(out, "other_uid", event->other)
				: STATUS_OK;
}

enum status audit_line_act(struct buf *out, const struct audit_act *act)
{
	TRY(append_text(out, "act", act->act));
	TRY(append_number(out, "uid", act->uid));
	TRY(append_number(out, "pid", (uint64_t)act->pid));
	TRY(append_text(out, "status", status_name(act->status)));
	return act->config_hash.len == 0 ? STATUS_OK
					 : append_hex(out, "config", act->config_hash);
}

/* The one text that is ours and not ASCII: escaped by characters, as JSON wants it. */
enum status audit_line_checkpoint(struct buf *out, uint64_t attempt, struct bytes note)
{
	json_t *text = json_stringn((const char *)note.p, note.len);
	CLEANUP(freep)
	char *escaped = text == NULL
				? NULL
				: json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	json_decref(text);
	if (escaped == NULL)
		return STATUS_NO_MEMORY;
	TRY(append_number(out, "attempt", attempt));
	TRY(buf_append_text(out, ",\"note\":"));
	return buf_append_text(out, escaped);
}

enum status audit_line_why(struct buf *out, const char *why)
{
	return append_text(out, "why", why);
}

bool audit_line_get_attempt(const struct entry *entry, struct bytes line, uint64_t *out)
{
	static const char member[] = "\",\"attempt\":";
	/* Right behind the kind: entry_read() found that, and the line is long enough. */
	const uint8_t *p = entry->kind.p + entry->kind.len;
	const uint8_t *end = line.p + line.len;
	char digits[24] = "";
	size_t n = 0;

	if ((size_t)(end - p) < sizeof(member) + sizeof(digits) ||
		memcmp(p, member, sizeof(member) - 1) != 0)
		return false;
	p += sizeof(member) - 1;
	while (n < sizeof(digits) - 1 && p[n] >= '0' && p[n] <= '9') {
		digits[n] = (char)p[n];
		n++;
	}
	return text_to_number(digits, UINT64_MAX / 2, out);
}
