/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "entry_fixture.h"

enum {
	TAIL_LEN = 75, /* ,"hash":"<64>"} */
};

static void entry_read_gives_what_was_appended(void **state)
{
	static const char *const members[] = {
		"", ",\"attempt\":1", ",\"a\":\"\\u0000\\\"\"", ",\"hash\":\"x\""};
	CLEANUP(entry_pen_deinit) struct entry_pen pen;
	struct entry_head head = {.seq = 0};
	size_t at = 0;

	(void)state;
	entry_pen_init(&pen);
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		entry_pen_append(&pen, "peer-x", members[i]);
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		struct entry entry;
		const char *why = NULL;

		assert_int_equal(entry_read(&pen.hasher, entry_pen_next(&pen.out, &at),
					 &entry, &why),
			STATUS_OK);
		assert_int_equal(entry.seq, i + 1);
		assert_int_equal(entry.open, i + 1);
		assert_true(bytes_is_equal(entry.kind, bytes_from_text("peer-x")));
		assert_true(bytes_is_equal(entry.members, bytes_from_text(members[i])));
		assert_true(bytes_is_equal(
			entry.time, bytes_from_text("2026-11-24T08:05:03.123456Z")));
		assert_int_equal(entry_follow(&head, &entry, &why), STATUS_OK);
		assert_null(why);
	}
	assert_int_equal(at, pen.out.len);
	assert_int_equal(head.seq, pen.head.seq);
	assert_memory_equal(head.hash, pen.head.hash, ENTRY_HASH_LEN);
}

/* A line in which from is to, with the hash that its bytes then have. */
static void put_changed(
	struct entry_pen *pen, const char *from, const char *to, struct buf *out)
{
	const char *text;
	const char *found;
	size_t before;
	EVP_MD_CTX *ctx = pen->hasher.ctx;
	uint8_t hash[ENTRY_HASH_LEN];

	assert_int_equal(buf_get_text(&pen->out, &text), STATUS_OK);
	found = strstr(text, from);
	assert_non_null(found);
	before = (size_t)(found - text);
	assert_int_equal(
		buf_append(out, (struct bytes){pen->out.p, before}), STATUS_OK);
	assert_int_equal(buf_append_text(out, to), STATUS_OK);
	assert_int_equal(
		buf_append(out,
			(struct bytes){pen->out.p + before + strlen(from),
				pen->out.len - 1 - TAIL_LEN - before - strlen(from)}),
		STATUS_OK);
	assert_int_equal(EVP_DigestInit_ex2(ctx, pen->hasher.md, NULL), 1);
	assert_int_equal(EVP_DigestUpdate(ctx, out->p, out->len), 1);
	assert_int_equal(EVP_DigestFinal_ex(ctx, hash, NULL), 1);
	assert_int_equal(buf_append_text(out, ",\"hash\":\""), STATUS_OK);
	assert_int_equal(
		entry_append_hex(out, (struct bytes){hash, sizeof(hash)}), STATUS_OK);
	assert_int_equal(buf_append_text(out, "\"}"), STATUS_OK);
}

struct change {
	const char *from;
	const char *to;
	const char *why; /* NULL: it is still a line of a record */
};

#define BEGIN   "it does not begin as a line of a record"
#define MEMBERS "its members are not those of a line of a record"

static const struct change changes[] = {
	{"1,", "1,", NULL},
	{"\"seq\":1", "\"seq\":2", NULL},
	{"\"seq\":1", "\"seq\":999999999999999", NULL},
	{"\"seq\":1", "\"seq\":1000000000000000", BEGIN},
	{"\"seq\":1", "\"seq\":18446744073709551617", BEGIN},
	{"\"seq\":1", "\"seq\":0", BEGIN},
	{"\"seq\":1", "\"seq\":01", BEGIN},
	{"\"seq\":1", "\"seq\":-1", BEGIN},
	{"\"seq\":1", "\"seq\":", BEGIN},
	{"\"seq\":1", "\"seq\": 1", BEGIN},
	{"\"seq\":1", "\"seq\":1.0", BEGIN},
	{"\"seq\":1", "\"seq\":/", BEGIN},
	{"\"seq\":1", "\"seq\"::", BEGIN},
	{"{\"seq\"", " {\"seq\"", BEGIN},
	{"{\"seq\"", "\xef\xbb\xbf{\"seq\"", BEGIN},
	{"{\"seq\"", "{\"Seq\"", BEGIN},
	{"\"open\":1", "\"open\":2", BEGIN},
	{"\"open\":1", "\"open\":0", BEGIN},
	{"\"open\":1", "\"open\":\"1\"", BEGIN},
	{",\"open\":1", "", BEGIN},
	{"2026-", "2O26-", BEGIN},
	{"2026-", "2026/", BEGIN},
	{"T08", "t08", BEGIN},
	{"T08", " 08", BEGIN},
	{"Z\"", "z\"", BEGIN},
	{"Z\"", "+00:00\"", BEGIN},
	{".123456Z", "Z", BEGIN},
	{".123456Z", ".1234567Z", BEGIN},
	{"\"prev\":\"0", "\"prev\":\"1", NULL},
	{"\"prev\":\"0", "\"prev\":\"a", NULL},
	{"\"prev\":\"0", "\"prev\":\"f", NULL},
	{"\"prev\":\"0", "\"prev\":\"A", BEGIN},
	{"\"prev\":\"0", "\"prev\":\"g", BEGIN},
	{"\"prev\":\"00", "\"prev\":\"0`", BEGIN},
	{"\"prev\":\"0", "\"prev\":\"/", BEGIN},
	{"\"prev\":\"0", "\"prev\":\":", BEGIN},
	{"\"prev\":\"0", "\"prev\":\"", BEGIN},
	{"\"prev\":\"0", "\"prev\":\"00", BEGIN},
	{"start", "z-a", NULL},
	{"start", "abcdefghijklmnopqrstuvwx", NULL},
	{"start", "abcdefghijklmnopqrstuvwxy", BEGIN},
	{"start", "", BEGIN},
	{"start", "Start", BEGIN},
	{"start", "st{rt", BEGIN},
	{"start", "st\\u0061rt", BEGIN},
	{"start\"", "start", BEGIN},
	{",\"version\":\"0.1.0\"", "", NULL},
	{",\"version\":\"0.1.0\"", ",\"", NULL},
	{",\"version\":\"0.1.0\"", ",", MEMBERS},
	{",\"version\":\"0.1.0\"", "x", MEMBERS},
	{",\"version\":", ", \"version\":", MEMBERS},
	{",\"version\":", " \"version\":", MEMBERS},
	{"0.1.0", " ~", NULL},
	{"0.1.0", "\n", MEMBERS},
	{"0.1.0", "\r", MEMBERS},
	{"0.1.0", "\x1b[2J", MEMBERS},
	{"0.1.0", "\x1f", MEMBERS},
	{"0.1.0", "\x7f", MEMBERS},
	{"0.1.0", "\x80", MEMBERS},
	{"0.1.0", "\xff", MEMBERS},
	{"0.1.0", "\xe2\x80\xae", MEMBERS},
};

static void entry_read_takes_the_form_to_the_byte(void **state)
{
	CLEANUP(entry_pen_deinit) struct entry_pen pen;

	(void)state;
	entry_pen_init(&pen);
	entry_pen_append(&pen, "start", ",\"version\":\"0.1.0\"");
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		CLEANUP(buf_deinit) struct buf line = BUF_INIT(ENTRY_MAX);
		struct entry entry;
		const char *why = NULL;
		enum status status;

		put_changed(&pen, changes[i].from, changes[i].to, &line);
		status = entry_read(&pen.hasher, buf_get(&line), &entry, &why);
		if (changes[i].why == NULL) {
			assert_int_equal(status, STATUS_OK);
			assert_null(why);
			continue;
		}
		assert_int_equal(status, STATUS_BAD_FILE);
		assert_string_equal(why, changes[i].why);
	}
}

static void entry_read_refuses_a_line_cut_anywhere(void **state)
{
	CLEANUP(entry_pen_deinit) struct entry_pen pen;
	struct entry entry;
	const char *why = NULL;

	(void)state;
	entry_pen_init(&pen);
	entry_pen_append(&pen, "start", ",\"version\":\"0.1.0\"");
	for (size_t len = 0; len < pen.out.len - 1; len++) {
		/* A copy as long as it is, so that AddressSanitizer sees one too many. */
		CLEANUP(freep) uint8_t *copy = malloc(len + (len == 0));

		assert_non_null(copy);
		memcpy(copy, pen.out.p, len);
		assert_int_equal(entry_read(&pen.hasher, (struct bytes){copy, len},
					 &entry, &why),
			STATUS_BAD_FILE);
	}
	assert_int_equal(
		entry_read(&pen.hasher, (struct bytes){pen.out.p, pen.out.len - 1},
			&entry, &why),
		STATUS_OK);
}

static void entry_read_finds_every_flipped_bit(void **state)
{
	CLEANUP(entry_pen_deinit) struct entry_pen pen;
	struct entry entry;
	const char *why = NULL;

	(void)state;
	entry_pen_init(&pen);
	entry_pen_append(&pen, "start", ",\"version\":\"0.1.0\"");
	for (size_t bit = 0; bit < 8 * (pen.out.len - 1); bit++) {
		pen.out.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(entry_read(&pen.hasher,
					 (struct bytes){pen.out.p, pen.out.len - 1},
					 &entry, &why),
			STATUS_BAD_FILE);
		pen.out.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void entry_read_wants_its_tail_to_the_byte(void **state)
{
	static const char end[] = "it does not end as a line of a record";
	CLEANUP(entry_pen_deinit) struct entry_pen pen;
	struct entry entry;
	const char *why = NULL;

	(void)state;
	entry_pen_init(&pen);
	entry_pen_append(&pen, "start", "");
	pen.out.len--;
	assert_int_equal(buf_append_text(&pen.out, " "), STATUS_OK);
	assert_int_equal(entry_read(&pen.hasher, buf_get(&pen.out), &entry, &why),
		STATUS_BAD_FILE);
	assert_string_equal(why, end);
	pen.out.p[pen.out.len - 3] = 'F';
	pen.out.len--;
	assert_int_equal(entry_read(&pen.hasher, buf_get(&pen.out), &entry, &why),
		STATUS_BAD_FILE);
	assert_string_equal(why, end);
	assert_int_equal(entry_read(&pen.hasher, (struct bytes){NULL, 0}, &entry, &why),
		STATUS_BAD_FILE);
}

static void entry_follow_takes_the_next_line_only(void **state)
{
	struct entry_head head = {.seq = 7, .hash = {1, 2, 3}};
	struct entry entry = {.seq = 8, .prev = {1, 2, 3}, .hash = {4}};
	const char *why = NULL;

	(void)state;
	entry.seq = 9;
	assert_int_equal(entry_follow(&head, &entry, &why), STATUS_BAD_FILE);
	assert_non_null(strstr(why, "its seq does not follow"));
	entry.seq = 7;
	assert_int_equal(entry_follow(&head, &entry, &why), STATUS_BAD_FILE);
	entry.seq = 8;
	entry.prev[31] = 1;
	assert_int_equal(entry_follow(&head, &entry, &why), STATUS_BAD_FILE);
	assert_non_null(strstr(why, "its prev is not the hash"));
	assert_int_equal(head.seq, 7);
	assert_int_equal(head.hash[0], 1);
	entry.prev[31] = 0;
	assert_int_equal(entry_follow(&head, &entry, &why), STATUS_OK);
	assert_int_equal(head.seq, 8);
	assert_int_equal(head.hash[0], 4);
}

static void entry_follow_lets_nothing_stand_before_line_1(void **state)
{
	struct entry_head head = {.seq = 0};
	struct entry entry = {.seq = 1, .prev = {1}};
	const char *why = NULL;

	(void)state;
	assert_int_equal(entry_follow(&head, &entry, &why), STATUS_BAD_FILE);
	entry.prev[0] = 0;
	assert_int_equal(entry_follow(&head, &entry, &why), STATUS_OK);
	/* In the middle nothing is known of the line before. */
	head = (struct entry_head){.seq = 0};
	entry = (struct entry){.seq = 2, .prev = {1}};
	assert_int_equal(entry_follow(&head, &entry, &why), STATUS_OK);
	assert_int_equal(head.seq, 2);
}

static void entry_get_attempt_reads_the_first_member_only(void **state)
{
	static const struct {
		const char *members;
		bool has_attempt;
		const char *rest;
	} cases[] = {
		{",\"attempt\":12", true, ""},
		{",\"attempt\":12,\"status\":\"OK\"", true, ",\"status\":\"OK\""},
		{"", false, NULL},
		{",\"status\":\"OK\",\"attempt\":12", false, NULL},
		{",\"attempt\":\"12\"", false, NULL},
		{",\"attempt\":012", false, NULL},
		{",\"attempt\":12.5", false, NULL},
		{",\"attempt\":1234567890123456", false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct entry entry = {
			.members = bytes_from_text(cases[i].members)};
		struct bytes rest;
		uint64_t attempt = 0;

		assert_int_equal(entry_get_attempt(&entry, &rest, &attempt),
			cases[i].has_attempt);
		if (!cases[i].has_attempt)
			continue;
		assert_int_equal(attempt, 12);
		assert_true(bytes_is_equal(rest, bytes_from_text(cases[i].rest)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_read_gives_what_was_appended),
		cmocka_unit_test(entry_read_takes_the_form_to_the_byte),
		cmocka_unit_test(entry_read_refuses_a_line_cut_anywhere),
		cmocka_unit_test(entry_read_finds_every_flipped_bit),
		cmocka_unit_test(entry_read_wants_its_tail_to_the_byte),
		cmocka_unit_test(entry_follow_takes_the_next_line_only),
		cmocka_unit_test(entry_follow_lets_nothing_stand_before_line_1),
		cmocka_unit_test(entry_get_attempt_reads_the_first_member_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
