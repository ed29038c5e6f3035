/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "entry_fixture.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

enum {
	STOPPED = 128 + SIGABRT, /* of a child that met a fault */
};

/*
 * OpenSSL's calls, of which one fails when it is told to: the linker puts these in front
 * (-Wl,--wrap).
 */
enum evp_call {
	EVP_NONE,
	EVP_FETCH,
	EVP_NEW,
	EVP_INIT,
	EVP_UPDATE,
	EVP_FINAL,
};

static enum evp_call *failing(void)
{
	static enum evp_call call = EVP_NONE;

	return &call;
}

EVP_MD *__real_EVP_MD_fetch(
	OSSL_LIB_CTX *context, const char *name, const char *properties);
EVP_MD *__wrap_EVP_MD_fetch(
	OSSL_LIB_CTX *context, const char *name, const char *properties);
EVP_MD_CTX *__real_EVP_MD_CTX_new(void);
EVP_MD_CTX *__wrap_EVP_MD_CTX_new(void);
int __real_EVP_DigestInit_ex2(
	EVP_MD_CTX *context, const EVP_MD *type, const OSSL_PARAM params[]);
int __wrap_EVP_DigestInit_ex2(
	EVP_MD_CTX *context, const EVP_MD *type, const OSSL_PARAM params[]);
int __real_EVP_DigestUpdate(EVP_MD_CTX *context, const void *p, size_t len);
int __wrap_EVP_DigestUpdate(EVP_MD_CTX *context, const void *p, size_t len);
int __real_EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *out, unsigned *len);
int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *out, unsigned *len);

EVP_MD *__wrap_EVP_MD_fetch(
	OSSL_LIB_CTX *context, const char *name, const char *properties)
{
	return *failing() == EVP_FETCH ? NULL
				       : __real_EVP_MD_fetch(context, name, properties);
}

EVP_MD_CTX *__wrap_EVP_MD_CTX_new(void)
{
	return *failing() == EVP_NEW ? NULL : __real_EVP_MD_CTX_new();
}

int __wrap_EVP_DigestInit_ex2(
	EVP_MD_CTX *context, const EVP_MD *type, const OSSL_PARAM params[])
{
	return *failing() == EVP_INIT
		       ? 0
		       : __real_EVP_DigestInit_ex2(context, type, params);
}

int __wrap_EVP_DigestUpdate(EVP_MD_CTX *context, const void *p, size_t len)
{
	return *failing() == EVP_UPDATE ? 0 : __real_EVP_DigestUpdate(context, p, len);
}

int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *out, unsigned *len)
{
	return *failing() == EVP_FINAL ? 0
				       : __real_EVP_DigestFinal_ex(context, out, len);
}

static void entry_append_writes_the_form_of_its_header(void **state)
{
	static const char wanted[] =
		"{\"seq\":1,\"time\":\"2026-11-24T08:05:03.123456Z\",\"open\":1,"
		"\"prev\":\"" ZEROS "\",\"kind\":\"start\",\"version\":\"0.1.0\","
		"\"hash\":\""
		"bf726930d6bdd2755c66f18046c7d7cc5706a37fb31d453c00ff7e5a6672149f\"}\n";
	CLEANUP(entry_pen_deinit) struct entry_pen pen;

	(void)state;
	entry_pen_init(&pen);
	entry_pen_append(&pen, "start", ",\"version\":\"0.1.0\"");
	assert_int_equal(pen.out.len, sizeof(wanted) - 1);
	assert_memory_equal(pen.out.p, wanted, sizeof(wanted) - 1);
}

static void entry_append_names_the_oldest_open_attempt(void **state)
{
	const struct entry_front front = {.time_us = 0, .open = 2, .kind = "a"};
	CLEANUP(entry_pen_deinit) struct entry_pen pen;
	struct entry entry;
	const char *why = NULL;
	size_t at = 0;

	(void)state;
	entry_pen_init(&pen);
	pen.head.seq = 6;
	assert_int_equal(entry_append(&pen.out, &pen.hasher, &pen.head, &front,
				 (struct bytes){NULL, 0}),
		STATUS_OK);
	assert_int_equal(
		entry_read(&pen.hasher, entry_pen_next(&pen.out, &at), &entry, &why),
		STATUS_OK);
	assert_int_equal(entry.seq, 7);
	assert_int_equal(entry.open, 2);
	assert_true(bytes_is_equal(
		entry.time, bytes_from_text("1970-01-01T00:00:00.000000Z")));
}

static void entry_append_that_does_not_fit_changes_nothing(void **state)
{
	const struct entry_front front = {
		.time_us = ENTRY_PEN_TIME_US, .kind = "attempt"};
	CLEANUP(entry_pen_deinit) struct entry_pen pen;
	size_t whole;

	(void)state;
	entry_pen_init(&pen);
	entry_pen_append(&pen, "attempt", ",\"a\":1");
	whole = pen.out.len;
	for (size_t max = 0; max < whole; max++) {
		CLEANUP(buf_deinit) struct buf small = BUF_INIT(max + 3);
		struct entry_head head = {.seq = 0};

		assert_int_equal(buf_append_text(&small, "abc"), STATUS_OK);
		assert_int_equal(entry_append(&small, &pen.hasher, &head, &front,
					 bytes_from_text(",\"a\":1")),
			STATUS_NO_MEMORY);
		assert_true(bytes_is_equal(buf_get(&small), bytes_from_text("abc")));
		assert_int_equal(head.seq, 0);
	}
}

/* ,"a":"xxx…" so that the line with its newline has so many bytes. */
static enum status append_of_length(struct entry_pen *pen, size_t len)
{
	const struct entry_front front = {.time_us = ENTRY_PEN_TIME_US, .kind = "a"};
	CLEANUP(buf_deinit) struct buf members = BUF_INIT(2 * (size_t)ENTRY_MAX);
	size_t base;

	buf_clear(&pen->out);
	pen->head = (struct entry_head){.seq = 0};
	entry_pen_append(pen, "a", ",\"a\":\"\"");
	base = pen->out.len;
	buf_clear(&pen->out);
	pen->head = (struct entry_head){.seq = 0};
	assert_int_equal(buf_append_text(&members, ",\"a\":\""), STATUS_OK);
	while (base + members.len - strlen(",\"a\":\"") < len)
		assert_int_equal(buf_append_text(&members, "x"), STATUS_OK);
	assert_int_equal(buf_append_text(&members, "\""), STATUS_OK);
	return entry_append(
		&pen->out, &pen->hasher, &pen->head, &front, buf_get(&members));
}

static void entry_takes_lines_up_to_the_longest(void **state)
{
	CLEANUP(entry_pen_deinit) struct entry_pen pen;
	struct entry entry;
	const char *why = NULL;
	size_t at = 0;

	(void)state;
	entry_pen_init(&pen);
	assert_int_equal(append_of_length(&pen, ENTRY_MAX), STATUS_OK);
	assert_int_equal(pen.out.len, ENTRY_MAX);
	assert_int_equal(
		entry_read(&pen.hasher, entry_pen_next(&pen.out, &at), &entry, &why),
		STATUS_OK);
	/* Here with the newline, so it is one byte too long. */
	assert_int_equal(entry_read(&pen.hasher, buf_get(&pen.out), &entry, &why),
		STATUS_BAD_FILE);
	assert_string_equal(why, "it is longer than any line of a record");
	assert_int_equal(append_of_length(&pen, ENTRY_MAX + 1), STATUS_NO_MEMORY);
}

static void entry_append_ends_at_the_last_seq(void **state)
{
	const struct entry_front front = {.time_us = ENTRY_PEN_TIME_US, .kind = "a"};
	CLEANUP(entry_pen_deinit) struct entry_pen pen;
	struct entry entry;
	const char *why = NULL;
	size_t at = 0;

	(void)state;
	entry_pen_init(&pen);
	pen.head.seq = ENTRY_SEQ_MAX - 1;
	entry_pen_append(&pen, "a", "");
	assert_int_equal(
		entry_read(&pen.hasher, entry_pen_next(&pen.out, &at), &entry, &why),
		STATUS_OK);
	assert_int_equal(entry.seq, ENTRY_SEQ_MAX);
	assert_int_equal(entry_append(&pen.out, &pen.hasher, &pen.head, &front,
				 (struct bytes){NULL, 0}),
		STATUS_NO_MEMORY);
	assert_int_equal(pen.out.len, at);
}

/* What the process that would write it ends with; a fault ends in abort(). */
static int end_of_append(const struct entry_front *front, const char *members)
{
	const pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0) {
		struct entry_pen pen;

		entry_pen_init(&pen);
		(void)signal(SIGABRT, SIG_DFL); /* cmocka has one of its own */
		(void)!freopen("/dev/null", "w", stderr);
		if (entry_append(&pen.out, &pen.hasher, &pen.head, front,
			    bytes_from_text(members)) != STATUS_OK)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void entry_append_stops_at_bytes_that_could_forge_a_line(void **state)
{
	static const char *const forged[] = {
		"\"a\":1",
		"x",
		",a",
		",",
		",\"a\":\"\n\"",
		",\"a\":\"\x1b[2J\"",
		",\"a\":\"\x7f\"",
		",\"a\":\"\x80\"",
		",\"a\":\"\xc3\xa9\"",
		",\"a\":\"\t\"",
		" ,\"a\":1",
	};
	static const char *const kinds[] = {
		"", "A", "a b", "a\"", "a1", "abcdefghijklmnopqrstuvwxy"};
	struct entry_front front = {.time_us = ENTRY_PEN_TIME_US, .kind = "a"};

	(void)state;
	assert_int_equal(end_of_append(&front, ",\"a\":\" ~\""), 0);
	for (size_t i = 0; i < ARRAY_LEN(forged); i++)
		assert_int_equal(end_of_append(&front, forged[i]), STOPPED);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		front.kind = kinds[i];
		assert_int_equal(end_of_append(&front, ""), STOPPED);
	}
}

static void entry_append_stops_at_what_its_reader_would_refuse(void **state)
{
	static const struct entry_front fronts[] = {
		{.time_us = -1, .kind = "a"},
		{.time_us = INT64_C(253402300800000000), .kind = "a"},
		{.time_us = INT64_MAX, .kind = "a"},
		{.time_us = ENTRY_PEN_TIME_US, .open = 2, .kind = "a"},
	};
	const struct entry_front last = {
		.time_us = INT64_C(253402300799999999), .kind = "a"};

	(void)state;
	assert_int_equal(end_of_append(&last, ""), 0);
	for (size_t i = 0; i < ARRAY_LEN(fronts); i++)
		assert_int_equal(end_of_append(&fronts[i], ""), STOPPED);
}

static void every_failure_of_openssl_is_crypto(void **state)
{
	const struct entry_front front = {.time_us = ENTRY_PEN_TIME_US, .kind = "a"};
	CLEANUP(entry_pen_deinit) struct entry_pen pen;
	struct entry_hasher hasher = ENTRY_HASHER_INIT;
	struct entry entry;
	const char *why = NULL;
	size_t at = 0;

	(void)state;
	entry_pen_init(&pen);
	entry_pen_append(&pen, "a", "");
	for (enum evp_call call = EVP_FETCH; call <= EVP_NEW; call++) {
		*failing() = call;
		assert_int_equal(entry_hasher_init(&hasher), STATUS_CRYPTO);
		assert_null(hasher.md);
		assert_null(hasher.ctx);
	}
	for (enum evp_call call = EVP_INIT; call <= EVP_FINAL; call++) {
		at = 0;
		*failing() = call;
		assert_int_equal(entry_append(&pen.out, &pen.hasher, &pen.head, &front,
					 (struct bytes){NULL, 0}),
			STATUS_CRYPTO);
		assert_int_equal(pen.head.seq, 1);
		assert_int_equal(entry_read(&pen.hasher, entry_pen_next(&pen.out, &at),
					 &entry, &why),
			STATUS_CRYPTO);
		assert_int_equal(at, pen.out.len);
	}
	*failing() = EVP_NONE;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_append_writes_the_form_of_its_header),
		cmocka_unit_test(entry_append_names_the_oldest_open_attempt),
		cmocka_unit_test(entry_append_that_does_not_fit_changes_nothing),
		cmocka_unit_test(entry_takes_lines_up_to_the_longest),
		cmocka_unit_test(entry_append_ends_at_the_last_seq),
		cmocka_unit_test(entry_append_stops_at_bytes_that_could_forge_a_line),
		cmocka_unit_test(entry_append_stops_at_what_its_reader_would_refuse),
		cmocka_unit_test(every_failure_of_openssl_is_crypto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
