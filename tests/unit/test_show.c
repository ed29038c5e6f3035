/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "record_fixture.h"
#include "show.h"

enum {
	SHOWN_MAX = 1 << 26,
	N_NASTY = 100000,
	A_BATCH = 500,
	N_LINES = 2000,
};

#define WHO                                                                            \
	",\"client\":\"planning\",\"uid\":1000,\"pid\":7,\"unit\":\"\",\"rule\":"      \
	"\"login\",\"key\":\"bouw\",\"profile\":\"dsgo-auth\""
#define ATTEMPT(client, aud, jti)                                                      \
	"attempt", ",\"client\":\"" client "\",\"key\":\"bouw\",\"jti\":\"" jti        \
		   "\",\"aud\":\"" aud "\""
#define OUTCOME(attempt, status)                                                       \
	"outcome", ",\"attempt\":" attempt ",\"status\":\"" status "\""

struct step {
	const char *kind; /* NULL: the end */
	const char *members;
};

/* Line n is written at second n of 2026-11-24T08:05. */
static void write_steps(const struct step *steps, struct buf *out)
{
	CLEANUP(entry_hasher_deinit) struct entry_hasher hasher = ENTRY_HASHER_INIT;
	struct entry_head head = {.seq = 0};

	assert_int_equal(entry_hasher_init(&hasher), STATUS_OK);
	for (const struct step *step = steps; step->kind != NULL; step++) {
		const struct entry_front front = {
			.time_us =
				(INT64_C(1795507500) + (int64_t)head.seq + 1) * 1000000,
			.kind = step->kind};

		assert_int_equal(entry_append(out, &hasher, &head, &front,
					 bytes_from_text(step->members)),
			STATUS_OK);
	}
}

static void on_row(void *context, struct bytes text)
{
	assert_true(text.len > 0 && text.p[text.len - 1] == '\n');
	assert_int_equal(buf_append(context, text), STATUS_OK);
}

static uint64_t show_record(
	const struct record *record, const struct show_spec *spec, struct buf *out)
{
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	CLEANUP(walk_deinit) struct walk walk = WALK_INIT;
	CLEANUP(show_freep) struct show *show = NULL;
	struct walk_line line;

	buf_clear(out);
	record_open(record, &sources);
	assert_int_equal(walk_init(&walk, &sources), STATUS_OK);
	assert_int_equal(show_new(spec, on_row, out, &show), STATUS_OK);
	while (walk_next(&walk, &line) == STATUS_OK)
		assert_int_equal(show_add(show, &line), STATUS_OK);
	assert_int_equal(walk.at, sources.n);
	assert_int_equal(show_finish(show), STATUS_OK);
	return show_get_n_bad(show);
}

static uint64_t show_file(
	struct buf content, const struct show_spec *spec, struct buf *out)
{
	struct record record = {
		.files[0] = {.name = "audit.jsonl", .content = content}, .n = 1};

	return show_record(&record, spec, out);
}

static size_t count_lines(const struct buf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->p[i] == '\n';
	return n;
}

static bool has_text(struct buf *buf, const char *text)
{
	const char *all = NULL;

	assert_int_equal(buf_get_text(buf, &all), STATUS_OK);
	return strstr(all, text) != NULL;
}

static const struct step day[] = {
	{"start", ",\"version\":\"0.1.0\",\"after\":\"new\""},               /* 1 */
	{ATTEMPT("planning", "did:a", "j2")},                                /* 2 */
	{ATTEMPT("archief", "did:b", "j3")},                                 /* 3 */
	{OUTCOME("3", "TIMEOUT")},                                           /* 4 */
	{OUTCOME("2", "OK")},                                                /* 5 */
	{"refusal", WHO ",\"status\":\"DENIED\",\"aud\":\"did:c\""},         /* 6 */
	{"undelivered", ",\"attempt\":2,\"status\":\"STOPPING\""},           /* 7 */
	{"refusals", ",\"client\":\"archief\",\"n\":3,\"by\":{\"BUSY\":3}"}, /* 8 */
	{ATTEMPT("planning", "did:b", "j9")},                                /* 9 */
	{ATTEMPT("archief", "did:a", "j10")},                                /* 10 */
	{"orphan", ",\"attempt\":9"},                                        /* 11 */
	{"new-kind", ",\"what\":{\"a\":[1,null]},\"aud\":\"did:a\""},        /* 12 */
	{NULL, NULL},
};

struct view {
	struct show_spec spec;
	const char *seqs; /* of the rows, or lines, that come out */
};

static const struct view views[] = {
	{{.last = 0}, "1 2 3 6 7 8 9 10 12"},
	{{.is_json = true}, "1 2 3 4 5 6 7 8 9 10 11 12"},
	{{.filter.kind = "outcome"}, "4 5"},
	{{.filter.kind = "attempt"}, "2 3 9 10"},
	{{.filter.kind = "nothing"}, ""},
	{{.filter.status = "OK"}, "2"},
	{{.filter.status = "OK", .is_json = true}, "2 5"},
	{{.filter.status = "TIMEOUT", .is_json = true}, "3 4"},
	{{.filter.status = "DENIED"}, "6"},
	{{.filter.status = "BUSY"}, "8"},
	{{.filter.status = "STOPPING"}, "7"},
	{{.filter.status = "OPEN"}, "10"},
	{{.filter.status = "ORPHAN"}, "9"},
	{{.filter.status = "ORPHAN", .is_json = true}, "9 11"},
	{{.filter.members[FILTER_CLIENT] = "planning"}, "2 6 7 9"},
	{{.filter.members[FILTER_CLIENT] = "planning", .is_json = true},
		"2 5 6 7 9 11"},
	{{.filter.members[FILTER_CLIENT] = "plan"}, ""},
	{{.filter.members[FILTER_CLIENT] = "did:a"}, ""},
	{{.filter.members[FILTER_AUD] = "did:a"}, "2 7 10 12"},
	{{.filter.members[FILTER_JTI] = "j3", .is_json = true}, "3 4"},
	{{.filter.members[FILTER_KEY] = "bouw", .filter.status = "OK"}, "2"},
	{{.filter.members[FILTER_CLIENT] = "planning",
		 .filter.members[FILTER_AUD] = "did:b"},
		"9"},
	{{.filter.has_since = true, .filter.since = "2026-11-24T08:05:03.000000Z"},
		"3 5 6 7 8 9 10 12"},
	{{.filter.has_until = true, .filter.until = "2026-11-24T08:05:03.000000Z"},
		"1 2"},
	/* The outcome comes later than what is wanted: its row has it all the same. */
	{{.filter.has_until = true,
		 .filter.until = "2026-11-24T08:05:03.000000Z",
		 .filter.status = "OK"},
		"2"},
	{{.last = 2}, "10 12"},
	{{.last = 10000}, "1 2 3 6 7 8 9 10 12"},
	{{.last = 1, .is_json = true}, "12"},
	{{.last = 1, .filter.status = "OK"}, "2"},
};

/* The numbers of the rows: the second word, or what "seq" says. */
static void read_seqs(struct buf *shown, bool is_json, char *out, size_t max)
{
	const char *text = NULL;
	const char *at;

	out[0] = '\0';
	assert_int_equal(buf_get_text(shown, &text), STATUS_OK);
	at = text;
	while (*at != '\0') {
		const char *end = strchr(at, '\n');
		unsigned seq = 0;
		const int n = is_json ? sscanf(at, "{\"seq\":%u,", &seq)
				      : sscanf(at, "  2026-%*s %u", &seq);

		if (n == 1)
			(void)snprintf(out + strlen(out), max - strlen(out), "%s%u",
				out[0] == '\0' ? "" : " ", seq);
		at = end + 1;
	}
}

static void show_gives_what_the_filter_takes(void **state)
{
	CLEANUP(buf_deinit) struct buf content = BUF_INIT(SHOWN_MAX);
	CLEANUP(buf_deinit) struct buf shown = BUF_INIT(SHOWN_MAX);

	(void)state;
	write_steps(day, &content);
	for (size_t i = 0; i < ARRAY_LEN(views); i++) {
		char seqs[128];

		assert_int_equal(show_file(content, &views[i].spec, &shown), 0);
		read_seqs(&shown, views[i].spec.is_json, seqs, sizeof(seqs));
		if (strcmp(seqs, views[i].seqs) != 0)
			fail_msg("view %zu: %s, wanted %s", i, seqs, views[i].seqs);
	}
}

static void a_row_has_the_outcome_of_its_attempt(void **state)
{
	static const struct show_spec all = {.last = 0};
	CLEANUP(buf_deinit) struct buf content = BUF_INIT(SHOWN_MAX);
	CLEANUP(buf_deinit) struct buf shown = BUF_INIT(SHOWN_MAX);

	(void)state;
	write_steps(day, &content);
	assert_int_equal(show_file(content, &all, &shown), 0);
	assert_true(has_text(&shown,
		"  2026-11-24T08:05:02.000000Z        2  attempt     OK           "
		"planning         bouw           -         did:a                      "
		"        jti=j2\n"));
	assert_true(has_text(&shown, "3  attempt     TIMEOUT      archief"));
	assert_true(has_text(&shown, "9  attempt     ORPHAN       planning"));
	assert_true(has_text(&shown, "10  attempt     OPEN         archief"));
	assert_true(has_text(&shown, "7  undelivered STOPPING     attempt=2\n"));
	assert_true(has_text(&shown, "what={\\\"a\\\":[1,null]} aud=did:a\n"));
}

/* Every line of a record is in some row, and as JSON it is there as it stands. */
static void show_without_a_filter_leaves_nothing_out(void **state)
{
	static const struct record_maker_spec spec = {
		.seed = 35, .n_lines = N_LINES, .a_file = 300};
	static const struct show_spec as_json = {.is_json = true};
	static const struct show_spec as_rows = {.last = 0};
	CLEANUP(record_deinit) struct record record = {.n = 0};
	CLEANUP(buf_deinit) struct buf whole = BUF_INIT(SHOWN_MAX);
	CLEANUP(buf_deinit) struct buf shown = BUF_INIT(SHOWN_MAX);
	size_t n_closing = 0;

	(void)state;
	record_make(&spec, &record);
	for (size_t i = 0; i < record.n; i++)
		assert_int_equal(buf_append(&whole, buf_get(&record.files[i].content)),
			STATUS_OK);
	assert_int_equal(show_record(&record, &as_json, &shown), 0);
	assert_true(bytes_is_equal(buf_get(&whole), buf_get(&shown)));
	for (size_t i = 0; i + 20 < whole.len; i++)
		n_closing += memcmp(whole.p + i, "\"kind\":\"outcome\"", 16) == 0 ||
			     memcmp(whole.p + i, "\"kind\":\"orphan\"", 15) == 0;
	assert_int_equal(show_record(&record, &as_rows, &shown), 0);
	assert_int_equal(count_lines(&shown), 1 + N_LINES - n_closing);
}

static void a_bad_line_is_always_shown_and_marked(void **state)
{
	static const struct show_spec specs[] = {{.filter.kind = "nothing"},
		{.filter.kind = "nothing", .is_json = true}};
	CLEANUP(buf_deinit) struct buf content = BUF_INIT(SHOWN_MAX);
	CLEANUP(buf_deinit) struct buf shown = BUF_INIT(SHOWN_MAX);

	(void)state;
	write_steps(day, &content);
	/* The digit of the second line's aud: its own hash is wrong, and the next prev. */
	*(uint8_t *)memmem(content.p, content.len, "did:a", 5) = 'D';
	assert_int_equal(buf_append_text(&content, "{\"x\":\"\x1b[31m\"}"), STATUS_OK);
	assert_int_equal(show_file(content, &specs[0], &shown), 3);
	assert_true(has_text(&shown, "! audit.jsonl:2: its hash is not that of its "
				     "bytes: it was changed: "));
	assert_true(
		has_text(&shown, "! 2026-11-24T08:05:03.000000Z        3  attempt"));
	assert_true(has_text(&shown, "unverified=\"its seq does not follow"));
	assert_true(has_text(&shown, "! audit.jsonl:13: the file ends in the middle"));
	assert_true(has_text(&shown, "\\u001b[31m"));
	assert_int_equal(show_file(content, &specs[1], &shown), 3);
	assert_true(has_text(&shown, "{\"unverified\":\"its hash is not"));
	assert_int_equal(count_lines(&shown), 3);
	assert_false(has_text(&shown, "{\"seq\""));
}

/* Their hash is right and they are in the chain, but two readers would read two things. */
static void a_line_that_is_no_json_object_is_marked(void **state)
{
	static const char *const members[] = {",\"a\":1,\"a\":2", ",\"seq\":9",
		",\"kind\":\"refusal\"", ",\"", ",\"a\"",
		",\"a\":", ",\"a\":\"\\ud800\"", ",\"a\":1},{\"b\":1"};
	static const struct show_spec specs[] = {{.last = 0}, {.is_json = true}};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(members); i++) {
		const struct step steps[] = {
			{"start", ""}, {"peer", members[i / 2]}, {NULL, NULL}};
		CLEANUP(buf_deinit) struct buf content = BUF_INIT(SHOWN_MAX);
		CLEANUP(buf_deinit) struct buf shown = BUF_INIT(SHOWN_MAX);

		write_steps(steps, &content);
		assert_int_equal(show_file(content, &specs[i % 2], &shown), 1);
		assert_true(has_text(&shown, "it is not one JSON object"));
	}
}

static void an_attempt_does_not_hold_up_the_rest_for_ever(void **state)
{
	static const struct show_spec all = {.last = 0};
	CLEANUP(buf_deinit) struct buf content = BUF_INIT(SHOWN_MAX);
	CLEANUP(buf_deinit) struct buf shown = BUF_INIT(SHOWN_MAX);
	struct step *steps = calloc(2 * SHOW_WAITING_MAX + 3, sizeof(*steps));

	(void)state;
	assert_non_null(steps);
	steps[0] = (struct step){ATTEMPT("planning", "did:a", "j")};
	for (size_t i = 1; i <= 2 * SHOW_WAITING_MAX; i++)
		steps[i] = (struct step){"stop", ""};
	steps[2 * SHOW_WAITING_MAX + 1] = (struct step){OUTCOME("1", "OK")};
	write_steps(steps, &content);
	free(steps);
	assert_int_equal(show_file(content, &all, &shown), 0);
	assert_int_equal(count_lines(&shown), 2 * SHOW_WAITING_MAX + 3);
	assert_true(has_text(&shown, "1  attempt     OPEN         planning"));
	assert_true(has_text(&shown, "outcome     OK           attempt=1\n"));
}

/* Nasty values as JSON: bytes, characters of any kind, halves of them escaped. */
static void append_nasty(struct buf *out)
{
	static const uint32_t favourites[] = {0, 7, 8, 9, 10, 13, 0x1b, 0x7f, 0x80,
		0x85, 0x9b, 0x9d, 0xa0, 0xad, 0x61c, 0x180e, 0x200b, 0x200e, 0x200f,
		0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069, 0xfeff, 0xfff9, 0xe0001,
		0x10ffff, '"', '\\', ' ', '=', '[', ';', '%', '!'};
	const size_t len = (size_t)random() % 40;

	for (size_t i = 0; i < len; i++) {
		const uint32_t any = (uint32_t)random();
		const uint32_t c =
			any % 3 == 0 ? any / 3 % 0xd800
				     : favourites[any / 3 % ARRAY_LEN(favourites)];

		if (c > 0xffff)
			assert_int_equal(buf_append_format(out, "\\u%04x\\u%04x",
						 0xd800 + ((c - 0x10000) >> 10),
						 0xdc00 + ((c - 0x10000) & 0x3ff)),
				STATUS_OK);
		else
			assert_int_equal(
				buf_append_format(out, "\\u%04x", c), STATUS_OK);
	}
}

/* Each foreign field of a line at once, and a name of a member that nobody knows. */
static void append_nasty_line(
	struct buf *out, struct entry_hasher *hasher, struct entry_head *head)
{
	static const char *const names[] = {"client", "unit", "rule", "key", "profile",
		"aud", "jti", "token", "status", "why"};
	const struct entry_front front = {.time_us = 1, .kind = "refusal"};
	CLEANUP(buf_deinit) struct buf members = BUF_INIT(ENTRY_MAX);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(
			buf_append_format(&members, ",\"%s\":\"", names[i]), STATUS_OK);
		append_nasty(&members);
		assert_int_equal(buf_append_text(&members, "\""), STATUS_OK);
	}
	assert_int_equal(buf_append_text(&members, ",\"of\":[{\"x"), STATUS_OK);
	append_nasty(&members);
	assert_int_equal(buf_append_text(&members, "\":\""), STATUS_OK);
	append_nasty(&members);
	assert_int_equal(buf_append_text(&members, "\"}],\"name "), STATUS_OK);
	append_nasty(&members);
	assert_int_equal(buf_append_text(&members, "\":1"), STATUS_OK);
	assert_int_equal(
		entry_append(out, hasher, head, &front, buf_get(&members)), STATUS_OK);
}

static void append_nasty_bytes(struct buf *out)
{
	const size_t len = (size_t)random() % 200;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)random();

		c = c == '\n' ? 0x1b : c;
		assert_int_equal(buf_append(out, (struct bytes){&c, 1}), STATUS_OK);
	}
	assert_int_equal(buf_append_text(out, "\n"), STATUS_OK);
}

static void expect_printable(const struct buf *shown)
{
	for (size_t i = 0; i < shown->len; i++) {
		if (shown->p[i] != '\n')
			assert_in_range(shown->p[i], 0x20, 0x7e);
	}
}

static void expect_json_lines(const struct buf *shown)
{
	size_t at = 0;

	while (at < shown->len) {
		const uint8_t *end = memchr(shown->p + at, '\n', shown->len - at);
		json_t *line = json_loadb((const char *)shown->p + at,
			(size_t)(end - shown->p) - at,
			JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

		assert_true(json_is_object(line));
		json_decref(line);
		at = (size_t)(end + 1 - shown->p);
	}
}

/* A batch of lines with nasty values, and of lines that are nothing but nasty. */
static size_t show_nasty_batch(void)
{
	static const struct show_spec specs[] = {{.last = 0}, {.is_json = true}};
	CLEANUP(entry_hasher_deinit) struct entry_hasher hasher = ENTRY_HASHER_INIT;
	CLEANUP(buf_deinit) struct buf content = BUF_INIT(SHOWN_MAX);
	CLEANUP(buf_deinit) struct buf shown = BUF_INIT(SHOWN_MAX);
	struct entry_head head = {.seq = 0};

	assert_int_equal(entry_hasher_init(&hasher), STATUS_OK);
	for (size_t i = 0; i < A_BATCH; i++) {
		append_nasty_line(&content, &hasher, &head);
		append_nasty_bytes(&content);
	}
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		(void)show_file(content, &specs[i], &shown);
		expect_printable(&shown);
		assert_int_equal(
			count_lines(&shown), 2 * A_BATCH + (specs[i].is_json ? 0 : 1));
		if (specs[i].is_json)
			expect_json_lines(&shown);
	}
	return (size_t)A_BATCH * 13;
}

static void nothing_nasty_reaches_a_terminal(void **state)
{
	(void)state;
	srandom(22);
	for (size_t n = 0; n < N_NASTY; n += show_nasty_batch()) {
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(show_gives_what_the_filter_takes),
		cmocka_unit_test(a_row_has_the_outcome_of_its_attempt),
		cmocka_unit_test(show_without_a_filter_leaves_nothing_out),
		cmocka_unit_test(a_bad_line_is_always_shown_and_marked),
		cmocka_unit_test(a_line_that_is_no_json_object_is_marked),
		cmocka_unit_test(an_attempt_does_not_hold_up_the_rest_for_ever),
		cmocka_unit_test(nothing_nasty_reaches_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
