/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lines say, to the byte; and that nothing foreign makes a line longer than it
 * may be, or anything but printable ASCII that JSON readers take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/audit_line.h"
#include "policy/refusals.h"

enum {
	NASTY = 20000, /* random texts */
	TEXT_KEPT = 256,
	SEED = 20261124,
};

static const uint8_t some_hash[] = {0x00, 0x9a, 0xff};

static struct bytes get_hash(void)
{
	return (struct bytes){some_hash, sizeof(some_hash)};
}

static struct audit_who get_who(void)
{
	return (struct audit_who){
		.client = "api", .uid = 1000, .pid = 42, .unit = "api.service"};
}

static void assert_members(struct buf *members, const char *expected)
{
	const char *text = NULL;

	assert_int_equal(buf_get_text(members, &text), STATUS_OK);
	assert_string_equal(text, expected);
}

static void a_start_says_with_what_and_after_what(void **state)
{
	CLEANUP(buf_deinit) struct buf members = BUF_INIT(ENTRY_MAX);
	const struct audit_start start = {.version = "1.2",
		.config_hash = get_hash(),
		.after = "crash",
		.cut = UINT64_MAX};
	char expected[256];

	(void)state;
	assert_int_equal(audit_line_start(&members, &start), STATUS_OK);
	(void)snprintf(expected, sizeof(expected),
		",\"version\":\"1.2\",\"config\":\"009aff\",\"pid\":%d,"
		"\"after\":\"crash\",\"cut\":18446744073709551615",
		(int)getpid());
	assert_members(&members, expected);
}

static void an_attempt_says_who_wants_what(void **state)
{
	CLEANUP(buf_deinit) struct buf members = BUF_INIT(ENTRY_MAX);
	const struct audit_attempt attempt = {.who = get_who(),
		.connection = 0xab,
		.request = 12,
		.number = 1,
		.rule = "login",
		.key = "seal",
		.profile = "dsgo-auth",
		.algorithm = "RS256",
		.digest = get_hash(),
		.jti = "",
		.audience = "did:x",
		.certificate = get_hash(),
		.token = "usb"};

	(void)state;
	assert_int_equal(audit_line_attempt(&members, &attempt), STATUS_OK);
	assert_members(&members,
		",\"req\":\"ab.12\",\"try\":1,\"client\":\"api\",\"uid\":1000,"
		"\"pid\":42,\"unit\":\"api.service\",\"rule\":\"login\","
		"\"key\":\"seal\",\"profile\":\"dsgo-auth\",\"alg\":\"RS256\","
		"\"digest\":\"009aff\",\"jti\":\"\",\"aud\":\"did:x\","
		"\"cert\":\"009aff\",\"token\":\"usb\"");
}

static void an_outcome_shows_its_seal_only_when_there_is_one(void **state)
{
	CLEANUP(buf_deinit) struct buf members = BUF_INIT(ENTRY_MAX);
	struct audit_outcome outcome = {
		.attempt = 7, .status = "OK", .seal = get_hash()};

	(void)state;
	assert_int_equal(audit_line_outcome(&members, &outcome), STATUS_OK);
	assert_members(
		&members, ",\"attempt\":7,\"status\":\"OK\",\"seal\":\"009aff\"");
	buf_clear(&members);
	outcome = (struct audit_outcome){.attempt = 0, .status = "LOST"};
	assert_int_equal(audit_line_outcome(&members, &outcome), STATUS_OK);
	assert_members(&members, ",\"attempt\":0,\"status\":\"LOST\"");
}

static void the_short_lines_say_what_they_must(void **state)
{
	CLEANUP(buf_deinit) struct buf members = BUF_INIT(ENTRY_MAX);

	(void)state;
	assert_int_equal(audit_line_orphan(&members, 10), STATUS_OK);
	assert_int_equal(audit_line_undelivered(&members, 11, "FORGOTTEN"), STATUS_OK);
	assert_int_equal(audit_line_rotate(&members, "audit-1.jsonl"), STATUS_OK);
	assert_int_equal(audit_line_why(&members, "no space"), STATUS_OK);
	assert_members(&members,
		",\"attempt\":10,\"attempt\":11,\"status\":\"FORGOTTEN\","
		"\"file\":\"audit-1.jsonl\",\"why\":\"no space\"");
}

static void a_refusal_says_which_rule_and_how_near(void **state)
{
	CLEANUP(buf_deinit) struct buf members = BUF_INIT(ENTRY_MAX);
	const struct audit_refusal refusal = {.who = get_who(),
		.connection = 1,
		.request = 2,
		.rule = "audience",
		.nearest = "login",
		.key = "seal",
		.profile = "dsgo-auth",
		.audience = "did:y",
		.status = STATUS_DENIED};

	(void)state;
	assert_int_equal(audit_line_refusal(&members, &refusal), STATUS_OK);
	assert_members(&members,
		",\"req\":\"1.2\",\"client\":\"api\",\"uid\":1000,\"pid\":42,"
		"\"unit\":\"api.service\",\"status\":\"DENIED\",\"rule\":\"audience\","
		"\"nearest\":\"login\",\"key\":\"seal\",\"profile\":\"dsgo-auth\","
		"\"aud\":\"did:y\"");
}

static void a_flood_is_summed_up_by_status(void **state)
{
	CLEANUP(buf_deinit) struct buf members = BUF_INIT(ENTRY_MAX);
	uint64_t n_by_status[REFUSALS_STATUSES_MAX] = {0};
	const struct audit_flood flood = {.client = "",
		.uid = (uid_t)-1,
		.since_s = 100,
		.n_by_status = n_by_status};

	(void)state;
	n_by_status[STATUS_DENIED] = 3;
	n_by_status[STATUS_BUSY] = UINT64_C(5000000000);
	assert_int_equal(audit_line_flood(&members, &flood), STATUS_OK);
	assert_members(&members,
		",\"client\":\"\",\"uid\":4294967295,\"n\":5000000003,\"since\":100,"
		"\"by\":{\"DENIED\":3,\"BUSY\":5000000000}");
}

static void a_peer_and_an_officer_are_named_by_their_numbers(void **state)
{
	CLEANUP(buf_deinit) struct buf members = BUF_INIT(ENTRY_MAX);
	struct audit_peer_event event = {.event = "peer-changed",
		.who = get_who(),
		.has_other = true,
		.other = 1001};
	struct audit_act act = {
		.act = "reload", .uid = 1, .pid = 2, .status = STATUS_BAD_CONFIG};

	(void)state;
	assert_int_equal(audit_line_peer(&members, &event), STATUS_OK);
	event.has_other = false;
	assert_int_equal(audit_line_peer(&members, &event), STATUS_OK);
	assert_members(&members,
		",\"event\":\"peer-changed\",\"client\":\"api\",\"uid\":1000,"
		"\"pid\":42,\"unit\":\"api.service\",\"other_uid\":1001"
		",\"event\":\"peer-changed\",\"client\":\"api\",\"uid\":1000,"
		"\"pid\":42,\"unit\":\"api.service\"");
	buf_clear(&members);
	assert_int_equal(audit_line_act(&members, &act), STATUS_OK);
	act.config_hash = get_hash();
	assert_int_equal(audit_line_act(&members, &act), STATUS_OK);
	assert_members(&members,
		",\"act\":\"reload\",\"uid\":1,\"pid\":2,\"status\":\"BAD_CONFIG\""
		",\"act\":\"reload\",\"uid\":1,\"pid\":2,\"status\":\"BAD_CONFIG\","
		"\"config\":\"009aff\"");
}

static void foreign_bytes_are_escaped(void **state)
{
	static const struct {
		struct bytes raw;
		const char *expected;
	} rows[] = {
#define RAW(text) {(const uint8_t *)(text), sizeof(text) - 1}
		{RAW(""), "\"\""},
		{RAW("plain text ~"), "\"plain text ~\""},
		{RAW("a\"b\\c"), "\"a\\u0022b\\u005cc\""},
		{RAW("\n\r\t\x1b[31m"), "\"\\u000a\\u000d\\u0009\\u001b[31m\""},
		{RAW("\0x"), "\"\\u0000x\""},
		{RAW("\x7f\x85\xff"), "\"\\u007f\\u0085\\u00ff\""},
		/* U+2028 and U+202E, byte for byte */
		{RAW("\xe2\x80\xa8\xe2\x80\xae"),
			"\"\\u00e2\\u0080\\u00a8\\u00e2\\u0080\\u00ae\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_deinit) struct buf out = BUF_INIT(1024);

		assert_int_equal(audit_line_append_text(&out, rows[i].raw), STATUS_OK);
		assert_members(&out, rows[i].expected);
	}
}

/* An attempt and a refusal in which every text is this one. */
static struct audit_attempt fill_attempt(const char *text, struct bytes hash)
{
	return (struct audit_attempt){.who = {.client = text,
					      .uid = (uid_t)-1,
					      .pid = INT32_MAX,
					      .unit = text},
		.connection = UINT64_MAX,
		.request = UINT64_MAX,
		.number = UINT32_MAX,
		.rule = text,
		.key = text,
		.profile = text,
		.algorithm = text,
		.digest = hash,
		.jti = text,
		.audience = text,
		.certificate = hash,
		.token = text};
}

static struct audit_refusal fill_refusal(const char *text)
{
	return (struct audit_refusal){.who = {.client = text,
					      .uid = (uid_t)-1,
					      .pid = INT32_MAX,
					      .unit = text},
		.connection = UINT64_MAX,
		.request = UINT64_MAX,
		.rule = text,
		.nearest = text,
		.key = text,
		.profile = text,
		.audience = text,
		.status = STATUS_DENIED};
}

/* The members as a line; it must be printable ASCII with one newline, at its end. */
static void append_line(struct buf *line, struct bytes members)
{
	CLEANUP(entry_hasher_deinit) struct entry_hasher hasher = ENTRY_HASHER_INIT;
	struct entry_head head = {.seq = 0};
	const struct entry_front front = {.time_us = 0, .kind = AUDIT_KIND_UNDELIVERED};

	assert_int_equal(entry_hasher_init(&hasher), STATUS_OK);
	assert_int_equal(
		entry_append(line, &hasher, &head, &front, members), STATUS_OK);
	for (size_t i = 0; i + 1 < line->len; i++)
		assert_in_range(line->p[i], 0x20, 0x7e);
	assert_int_equal(line->p[line->len - 1], '\n');
}

static void the_longest_texts_fit_into_a_line(void **state)
{
	CLEANUP(buf_deinit) struct buf members = BUF_INIT(ENTRY_MAX);
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(ENTRY_MAX);
	char text[4 * TEXT_KEPT];
	uint8_t hash[64];
	struct audit_refusal refusal;

	(void)state;
	memset(text, 0xff, sizeof(text));
	memset(hash, 0xff, sizeof(hash));
	text[sizeof(text) - 1] = '\0';
	refusal = fill_refusal(text);
	assert_int_equal(audit_line_refusal(&members, &refusal), STATUS_OK);
	append_line(&line, buf_get(&members));
}

static void the_longest_attempt_fits_into_a_line(void **state)
{
	CLEANUP(buf_deinit) struct buf members = BUF_INIT(ENTRY_MAX);
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(ENTRY_MAX);
	char text[4 * TEXT_KEPT];
	uint8_t hash[64];
	struct audit_attempt attempt;

	(void)state;
	memset(text, 0xff, sizeof(text));
	memset(hash, 0xff, sizeof(hash));
	text[sizeof(text) - 1] = '\0';
	attempt = fill_attempt("", (struct bytes){hash, sizeof(hash)});
	/* What a peer and a client say; the other texts are names, or made by us. */
	attempt.who.unit = text;
	attempt.audience = text;
	attempt.jti = text;
	attempt.token = text;
	assert_int_equal(audit_line_attempt(&members, &attempt), STATUS_OK);
	append_line(&line, buf_get(&members));
}

/* Bytes as they are, to what JSON says of them: each byte is one character. */
static void assert_says(const json_t *value, const char *text)
{
	CLEANUP(buf_deinit) struct buf expected = BUF_INIT(2 * TEXT_KEPT);

	for (size_t i = 0; text[i] != '\0' && i < TEXT_KEPT; i++) {
		const uint8_t c = (uint8_t)text[i];
		const uint8_t utf8[] = {
			(uint8_t)(0xc0 | c >> 6), (uint8_t)(0x80 | (c & 0x3f))};

		assert_int_equal(
			buf_append(&expected, c < 0x80 ? (struct bytes){&c, 1}
						       : (struct bytes){utf8, 2}),
			STATUS_OK);
	}
	assert_non_null(value);
	assert_true(bytes_is_equal(buf_get(&expected),
		(struct bytes){(const uint8_t *)json_string_value(value),
			json_string_length(value)}));
}

static void no_text_makes_a_line_that_json_does_not_read_back(void **state)
{
	(void)state;
	srand(SEED);
	for (size_t i = 0; i < NASTY; i++) {
		CLEANUP(buf_deinit) struct buf members = BUF_INIT(ENTRY_MAX);
		CLEANUP(buf_deinit) struct buf line = BUF_INIT(ENTRY_MAX);
		char text[TEXT_KEPT + 8] = "";
		struct audit_refusal refusal;
		json_t *object;

		for (size_t at = 0; at < (size_t)(rand() % (TEXT_KEPT + 7)); at++)
			text[at] = (char)(rand() % 255 + 1);
		refusal = fill_refusal(text);
		assert_int_equal(audit_line_refusal(&members, &refusal), STATUS_OK);
		append_line(&line, buf_get(&members));
		object = json_loadb(
			(const char *)line.p, line.len, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(object);
		assert_says(json_object_get(object, "unit"), text);
		assert_says(json_object_get(object, "aud"), text);
		json_decref(object);
	}
}

static void an_attempt_is_found_in_the_lines_about_it(void **state)
{
	static const struct {
		const char *members;
		bool is_found;
	} rows[] = {
		{",\"attempt\":123", true},
		{",\"attempt\":123,\"status\":\"OK\"", true},
		{",\"attempt\":9223372036854775807", true},
		{",\"attempt\":9223372036854775808", false},
		{",\"attempt\":999999999999999999999999999999", false},
		{",\"attempt\":\"123\"", false},
		{",\"status\":\"OK\",\"attempt\":123", false},
		{"", false},
	};
	CLEANUP(entry_hasher_deinit) struct entry_hasher hasher = ENTRY_HASHER_INIT;

	(void)state;
	assert_int_equal(entry_hasher_init(&hasher), STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_deinit) struct buf line = BUF_INIT(ENTRY_MAX);
		struct entry entry;
		const char *why = "";
		uint64_t attempt = 1;
		struct bytes whole;

		append_line(&line, bytes_from_text(rows[i].members));
		whole = (struct bytes){line.p, line.len - 1};
		assert_int_equal(entry_read(&hasher, whole, &entry, &why), STATUS_OK);
		assert_int_equal(audit_line_get_attempt(&entry, whole, &attempt),
			rows[i].is_found);
		if (i < 2)
			assert_int_equal(attempt, 123);
	}
}

/* Each kind of line, into a buf that is too small by less and less. */
static enum status append_any(struct buf *out, size_t kind)
{
	static const uint64_t n_by_status[REFUSALS_STATUSES_MAX] = {1, 1};
	const struct audit_start start = {
		.version = "v", .config_hash = get_hash(), .after = "new"};
	const struct audit_attempt attempt = fill_attempt("\n", get_hash());
	const struct audit_outcome outcome = {.status = "OK", .seal = get_hash()};
	const struct audit_refusal refusal = fill_refusal("x");
	const struct audit_flood flood = {.client = "c", .n_by_status = n_by_status};
	const struct audit_peer_event event = {
		.event = "e", .who = get_who(), .has_other = true};
	const struct audit_act act = {.act = "a", .config_hash = get_hash()};

	switch (kind) {
	case 0:
		return audit_line_start(out, &start);
	case 1:
		return audit_line_attempt(out, &attempt);
	case 2:
		return audit_line_outcome(out, &outcome);
	case 3:
		return audit_line_refusal(out, &refusal);
	case 4:
		return audit_line_flood(out, &flood);
	case 5:
		return audit_line_peer(out, &event);
	case 6:
		return audit_line_act(out, &act);
	case 7:
		return audit_line_undelivered(out, 1, "x");
	default:
		return audit_line_rotate(out, "x");
	}
}

static void a_line_that_does_not_fit_says_so_wherever_it_ends(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < 9; kind++) {
		CLEANUP(buf_deinit) struct buf whole = BUF_INIT(ENTRY_MAX);

		assert_int_equal(append_any(&whole, kind), STATUS_OK);
		for (size_t max = 0; max < whole.len; max++) {
			CLEANUP(buf_deinit) struct buf out = BUF_INIT(max);

			assert_int_equal(append_any(&out, kind), STATUS_NO_MEMORY);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_says_with_what_and_after_what),
		cmocka_unit_test(an_attempt_says_who_wants_what),
		cmocka_unit_test(an_outcome_shows_its_seal_only_when_there_is_one),
		cmocka_unit_test(the_short_lines_say_what_they_must),
		cmocka_unit_test(a_refusal_says_which_rule_and_how_near),
		cmocka_unit_test(a_flood_is_summed_up_by_status),
		cmocka_unit_test(a_peer_and_an_officer_are_named_by_their_numbers),
		cmocka_unit_test(foreign_bytes_are_escaped),
		cmocka_unit_test(the_longest_texts_fit_into_a_line),
		cmocka_unit_test(the_longest_attempt_fits_into_a_line),
		cmocka_unit_test(no_text_makes_a_line_that_json_does_not_read_back),
		cmocka_unit_test(an_attempt_is_found_in_the_lines_about_it),
		cmocka_unit_test(a_line_that_does_not_fit_says_so_wherever_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
