/* SPDX-License-Identifier: Apache-2.0 */
#include "record_maker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	OPEN_MAX = 8,
	STEP_MAX_US = 2000000,
	CLIENTS = 5,
};

/* 2026-11-24T08:05:03Z */
static const int64_t begin_us = INT64_C(1795507503000000);

static const char *const clients[CLIENTS] = {
	"planning-api", "archief", "meldkamer", "kadaster-koppeling", "toezicht"};
static const char *const audiences[CLIENTS] = {"did:ishare:EU.NL.NTRNL-10000002",
	"did:ishare:EU.NL.NTRNL-76660680", "did:ishare:EU.NL.NTRNL-20000003",
	"EU.EORI.NL000000001", "did:ishare:EU.NL.NTRNL-30000004"};
static const char *const failures[] = {
	"TIMEOUT", "TOKEN_FAILED", "BAD_SIGNATURE", "LOST", "FORGOTTEN", "TOKEN_GONE"};

struct maker {
	const struct record_maker_spec *spec;
	record_maker_fn *on_line;
	void *context;
	struct entry_hasher hasher;
	struct entry_head head;
	struct buf line;
	struct buf members;
	uint32_t random;
	int64_t time_us;
	uint64_t first_seq; /* of the file at hand */
	uint64_t open[OPEN_MAX];
	size_t n_open;
	uint64_t released; /* a seal that may still turn out not to have arrived; 0 */
};

static void maker_deinit(struct maker *maker)
{
	entry_hasher_deinit(&maker->hasher);
	buf_deinit(&maker->line);
	buf_deinit(&maker->members);
}

/* xorshift: below n. */
static uint32_t draw(struct maker *maker, uint32_t n)
{
	maker->random ^= maker->random << 13;
	maker->random ^= maker->random >> 17;
	maker->random ^= maker->random << 5;
	return maker->random % n;
}

void record_maker_name(uint64_t first_seq, char out[static RECORD_MAKER_NAME_MAX])
{
	(void)snprintf(
		out, RECORD_MAKER_NAME_MAX, "audit-%020" PRIu64 ".jsonl", first_seq);
}

static enum status finish_line(struct maker *maker, const char *kind)
{
	const struct entry_front front = {.time_us = maker->time_us,
		.open = maker->n_open == 0 ? 0 : maker->open[0],
		.kind = kind};

	buf_clear(&maker->line);
	TRY(entry_append(&maker->line, &maker->hasher, &maker->head, &front,
		buf_get(&maker->members)));
	buf_clear(&maker->members);
	maker->time_us += 1 + draw(maker, STEP_MAX_US);
	return maker->on_line(maker->context, maker->first_seq, buf_get(&maker->line));
}

static enum status add_hex(struct maker *maker, const char *name)
{
	uint8_t bytes[ENTRY_HASH_LEN];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)draw(maker, 256);
	TRY(buf_append_format(&maker->members, ",\"%s\":\"", name));
	TRY(entry_append_hex(&maker->members, (struct bytes){bytes, sizeof(bytes)}));
	return buf_append_text(&maker->members, "\"");
}

static enum status add_request(struct maker *maker)
{
	return buf_append_format(&maker->members, ",\"req\":\"%x.%u\"",
		draw(maker, 4096), 1 + draw(maker, 50));
}

static enum status add_who(struct maker *maker, uint32_t client)
{
	return buf_append_format(&maker->members,
		",\"client\":\"%s\",\"uid\":%u,\"pid\":%u,\"unit\":\"%s.service\"",
		clients[client], 1000 + client, 300 + draw(maker, 30000),
		clients[client]);
}

static enum status add_start(struct maker *maker, const char *after)
{
	TRY(buf_append_text(&maker->members, ",\"version\":\"0.1.0\""));
	TRY(add_hex(maker, "config"));
	TRY(buf_append_format(&maker->members,
		",\"pid\":%u,\"after\":\"%s\",\"cut\":%u", 300 + draw(maker, 30000),
		after, strcmp(after, "crash") == 0 ? draw(maker, 400) : 0));
	return finish_line(maker, "start");
}

static enum status add_rotate(struct maker *maker)
{
	char older[RECORD_MAKER_NAME_MAX];

	record_maker_name(maker->first_seq, older);
	maker->first_seq = maker->head.seq + 1;
	TRY(buf_append_format(&maker->members, ",\"file\":\"%s\"", older));
	return finish_line(maker, "rotate");
}

static enum status add_attempt(struct maker *maker)
{
	const uint32_t client = draw(maker, CLIENTS);

	TRY(add_request(maker));
	TRY(buf_append_format(&maker->members, ",\"try\":%u", 1 + draw(maker, 3)));
	TRY(add_who(maker, client));
	TRY(buf_append_text(&maker->members,
		",\"rule\":\"login\",\"key\":\"bouwplanning\","
		"\"profile\":\"dsgo-auth\",\"alg\":\"RS256\""));
	TRY(add_hex(maker, "digest"));
	TRY(buf_append_format(&maker->members,
		",\"jti\":\"%08x-8795-455c-89d6-%08x\",\"aud\":\"%s\"",
		draw(maker, UINT32_MAX), draw(maker, UINT32_MAX),
		audiences[draw(maker, CLIENTS)]));
	TRY(add_hex(maker, "cert"));
	TRY(buf_append_format(&maker->members, ",\"token\":\"usb%u\"", draw(maker, 2)));
	maker->open[maker->n_open++] = maker->head.seq + 1;
	return finish_line(maker, "attempt");
}

/* Takes one of those that are open. */
static uint64_t take_open(struct maker *maker, size_t at)
{
	const uint64_t attempt = maker->open[at];

	maker->n_open--;
	memmove(maker->open + at, maker->open + at + 1,
		(maker->n_open - at) * sizeof(maker->open[0]));
	return attempt;
}

static enum status add_outcome(struct maker *maker)
{
	const uint64_t attempt = take_open(maker, draw(maker, (uint32_t)maker->n_open));
	const bool is_ok = draw(maker, 10) != 0;

	TRY(buf_append_format(&maker->members,
		",\"attempt\":%" PRIu64 ",\"status\":\"%s\"", attempt,
		is_ok ? "OK" : failures[draw(maker, ARRAY_LEN(failures))]));
	if (is_ok) {
		TRY(add_hex(maker, "seal"));
		maker->released = attempt;
	}
	return finish_line(maker, "outcome");
}

static enum status add_undelivered(struct maker *maker)
{
	TRY(buf_append_format(&maker->members,
		",\"attempt\":%" PRIu64 ",\"status\":\"TIMEOUT\"", maker->released));
	maker->released = 0;
	return finish_line(maker, "undelivered");
}

static enum status add_refusal(struct maker *maker)
{
	const uint32_t client = draw(maker, CLIENTS);

	TRY(add_request(maker));
	TRY(add_who(maker, client));
	TRY(buf_append_format(&maker->members,
		",\"status\":\"DENIED\",\"rule\":\"audience\",\"nearest\":\"login\","
		"\"key\":\"bouwplanning\",\"profile\":\"dsgo-auth\",\"aud\":\"%s\"",
		audiences[draw(maker, CLIENTS)]));
	return finish_line(maker, "refusal");
}

static enum status add_other(struct maker *maker)
{
	switch (draw(maker, 6)) {
	case 0:
		TRY(buf_append_text(&maker->members,
			",\"client\":\"archief\",\"uid\":1001,\"n\":310,"
			"\"since\":1795507503,\"by\":{\"DENIED\":300,\"BUSY\":10}"));
		return finish_line(maker, "refusals");
	case 1:
		TRY(buf_append_text(&maker->members,
			",\"event\":\"peer-changed\",\"client\":\"\",\"uid\":1001,"
			"\"pid\":77,\"unit\":\"caf\\u00c3\\u00a9\",\"other_uid\":33"));
		return finish_line(maker, "peer");
	case 2:
		TRY(buf_append_text(&maker->members,
			",\"act\":\"read-record\",\"uid\":0,\"pid\":4711,"
			"\"status\":\"OK\""));
		return finish_line(maker, "officer");
	case 3:
		TRY(buf_append_text(&maker->members,
			",\"why\":\"no space is left on the device\""));
		return finish_line(maker, "full");
	case 4:
		return finish_line(maker, "stop");
	default:
		TRY(buf_append_text(&maker->members,
			",\"jump_ms\":-3600000,\"of\":{\"clock\":[\"real\",null]}"));
		return finish_line(maker, "clock-jump");
	}
}

static enum status add_line(struct maker *maker)
{
	const uint32_t what = draw(maker, 100);

	if (maker->head.seq + 1 == maker->first_seq + maker->spec->a_file)
		return add_rotate(maker);
	if (what == 0)
		return add_start(maker, maker->n_open == 0 ? "stop" : "crash");
	if (what == 1 && maker->n_open > 0) {
		TRY(buf_append_format(
			&maker->members, ",\"attempt\":%" PRIu64, take_open(maker, 0)));
		return finish_line(maker, "orphan");
	}
	if (what == 2 && maker->released != 0)
		return add_undelivered(maker);
	if (what < 10)
		return add_refusal(maker);
	if (what < 14)
		return add_other(maker);
	if (maker->n_open == OPEN_MAX || (maker->n_open > 0 && draw(maker, 2) == 0))
		return add_outcome(maker);
	return add_attempt(maker);
}

enum status record_maker_run(
	const struct record_maker_spec *spec, record_maker_fn *on_line, void *context)
{
	CLEANUP(maker_deinit)
	struct maker maker = {.spec = spec,
		.on_line = on_line,
		.context = context,
		.hasher = ENTRY_HASHER_INIT,
		.line = BUF_INIT(ENTRY_MAX),
		.members = BUF_INIT(ENTRY_MAX),
		.random = spec->seed,
		.time_us = begin_us,
		.first_seq = 1};

	TRY(entry_hasher_init(&maker.hasher));
	TRY(add_start(&maker, "new"));
	while (maker.head.seq < spec->n_lines)
		TRY(add_line(&maker));
	return STATUS_OK;
}
