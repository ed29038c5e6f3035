/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "token/job.h"

#define HEAD(kind)                                                                     \
	{                                                                              \
		(kind), JOB_LAYOUT                                                     \
	}

/* One good message of each kind; tails are filled in part, so that the end is near. */
static const union job_message good[] = {
	{.open = {.head = HEAD(JOB_OPEN),
		 .n_sessions = 2,
		 .n_keys = 1,
		 .deadline_ms = 5000,
		 .n_environment = 1,
		 .has_pin = 1,
		 .module = "/usr/lib/module.so",
		 .uri = "pkcs11:token=a",
		 .environment = {"A=b"}}},
	{.key = {.head = HEAD(JOB_KEY), .key_id = 3, .uri = "pkcs11:object=k"}},
	{.login = {.head = HEAD(JOB_LOGIN), .may_login = 1}},
	{.job = {.head = HEAD(JOB_SIGN),
		 .job_id = 7,
		 .operation = JOB_RSA_PSS_SHA384,
		 .data_len = 48}},
	{.found = {.head = HEAD(JOB_FOUND), .label = "a", .serial = "1"}},
	{.may_login = {.head = HEAD(JOB_MAY_LOGIN)}},
	{.logged_in = {.head = HEAD(JOB_LOGGED_IN),
		 .outcome = JOB_REFUSED,
		 .rv = 0xa0}},
	{.key_is = {.head = HEAD(JOB_KEY_IS),
		 .type = JOB_KEY_RSA,
		 .public_len = 256,
		 .attribute = ""}},
	{.session_up = {.head = HEAD(JOB_SESSION_UP), .session_id = 63}},
	{.result = {.head = HEAD(JOB_SIGNED), .signature_len = 512}},
	{.failed = {.head = HEAD(JOB_FAILED),
		 .outcome = JOB_BROKEN,
		 .call = "C_Sign",
		 .text = "why"}},
};

/* On the heap and no longer than len, so that a sanitizer sees a look too far. */
static bool is_whole_alone(const union job_message *message, size_t len)
{
	CLEANUP(freep) void *copy = malloc(len == 0 ? 1 : len);

	assert_non_null(copy);
	memcpy(copy, message, len);
	return job_is_whole(copy, len);
}

static void job_takes_what_it_has_measured(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(is_whole_alone(&good[i], job_length(&good[i])));
}

static void job_refuses_every_other_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const size_t right = job_length(&good[i]);

		for (size_t len = 0; len <= sizeof(good[i]); len++)
			assert_int_equal(is_whole_alone(&good[i], len), len == right);
	}
}

struct edit {
	enum job_kind kind;
	size_t at;
	uint32_t value;
	bool is_good;
};

#define EDIT(kind, type, field, value, is_good)                                        \
	{                                                                              \
		(kind), offsetof(struct type, field), (value), (is_good)               \
	}

static const struct edit edits[] = {
	{JOB_OPEN, offsetof(struct job_head, layout), JOB_LAYOUT + 1, false},
	{JOB_OPEN, offsetof(struct job_head, kind), 0, false},
	{JOB_OPEN, offsetof(struct job_head, kind), 5, false},
	{JOB_OPEN, offsetof(struct job_head, kind), 64, false},
	{JOB_OPEN, offsetof(struct job_head, kind), 72, false},
	{JOB_OPEN, offsetof(struct job_head, kind), UINT32_MAX, false},
	EDIT(JOB_OPEN, token_open, n_sessions, 0, false),
	EDIT(JOB_OPEN, token_open, n_sessions, JOB_SESSIONS_MAX, true),
	EDIT(JOB_OPEN, token_open, n_sessions, JOB_SESSIONS_MAX + 1, false),
	EDIT(JOB_OPEN, token_open, n_keys, 0, true),
	EDIT(JOB_OPEN, token_open, n_keys, JOB_KEYS_MAX, true),
	EDIT(JOB_OPEN, token_open, n_keys, JOB_KEYS_MAX + 1, false),
	EDIT(JOB_OPEN, token_open, deadline_ms, 0, false),
	EDIT(JOB_OPEN, token_open, deadline_ms, UINT32_MAX, false),
	EDIT(JOB_OPEN, token_open, n_environment, 0, false), /* one is still there */
	EDIT(JOB_OPEN, token_open, n_environment, 2, false), /* the second is empty */
	EDIT(JOB_OPEN, token_open, n_environment, JOB_ENVIRONMENT_MAX + 1, false),
	EDIT(JOB_OPEN, token_open, has_pin, 2, false),
	EDIT(JOB_OPEN, token_open, reserved, 1, false),
	EDIT(JOB_OPEN, token_open, module, 0, false), /* empty */
	EDIT(JOB_OPEN, token_open, uri, 0, false),
	EDIT(JOB_KEY, token_key, key_id, JOB_KEYS_MAX - 1, true),
	EDIT(JOB_KEY, token_key, key_id, JOB_KEYS_MAX, false),
	EDIT(JOB_KEY, token_key, reserved, 1, false),
	EDIT(JOB_KEY, token_key, uri, 0, false),
	EDIT(JOB_LOGIN, token_login, may_login, 0, true),
	EDIT(JOB_LOGIN, token_login, may_login, 2, false),
	EDIT(JOB_LOGIN, token_login, reserved, 1, false),
	EDIT(JOB_SIGN, token_job, key_id, JOB_KEYS_MAX, false),
	EDIT(JOB_SIGN, token_job, operation, 0, false),
	EDIT(JOB_SIGN, token_job, operation, JOB_RSA_PSS_SHA256, false),
	EDIT(JOB_SIGN, token_job, operation, JOB_RSA_PSS_SHA512, false),
	EDIT(JOB_SIGN, token_job, operation, JOB_RSA_PKCS1_SHA384, true),
	EDIT(JOB_SIGN, token_job, operation, JOB_ECDSA, true),
	EDIT(JOB_SIGN, token_job, operation, JOB_ECDSA + 1, false),
	EDIT(JOB_SIGN, token_job, data_len, UINT32_MAX, false),
	EDIT(JOB_SIGN, token_job, data_len, JOB_DATA_MAX + 1, false),
	EDIT(JOB_SIGN, token_job, reserved, 1, false),
	EDIT(JOB_FOUND, token_found, has_login_required, 2, false),
	EDIT(JOB_FOUND, token_found, is_pin_count_low, 2, false),
	EDIT(JOB_FOUND, token_found, is_pin_final_try, 2, false),
	EDIT(JOB_FOUND, token_found, is_pin_locked, 2, false),
	EDIT(JOB_LOGGED_IN, token_logged_in, outcome, JOB_SKIPPED, true),
	EDIT(JOB_LOGGED_IN, token_logged_in, outcome, JOB_SKIPPED + 1, false),
	EDIT(JOB_LOGGED_IN, token_logged_in, reserved, 1, false),
	EDIT(JOB_KEY_IS, token_key_is, key_id, JOB_KEYS_MAX, false),
	EDIT(JOB_KEY_IS, token_key_is, state, JOB_KEY_ERROR, true),
	EDIT(JOB_KEY_IS, token_key_is, state, JOB_KEY_ERROR + 1, false),
	EDIT(JOB_KEY_IS, token_key_is, type, JOB_KEY_UNKNOWN, false), /* yet usable */
	EDIT(JOB_KEY_IS, token_key_is, type, JOB_KEY_EC + 1, false),
	EDIT(JOB_KEY_IS, token_key_is, public_len, JOB_PUBLIC_MAX + 1, false),
	EDIT(JOB_SESSION_UP, token_session_up, session_id, JOB_SESSIONS_MAX, false),
	EDIT(JOB_SESSION_UP, token_session_up, outcome, JOB_SKIPPED + 1, false),
	EDIT(JOB_SIGNED, token_result, session_id, JOB_SESSIONS_MAX, false),
	EDIT(JOB_SIGNED, token_result, outcome, JOB_BROKEN,
		false), /* with a signature */
	EDIT(JOB_SIGNED, token_result, outcome, JOB_SKIPPED + 1, false),
	EDIT(JOB_SIGNED, token_result, signature_len, JOB_SIGNATURE_MAX + 1, false),
	EDIT(JOB_SIGNED, token_result, reserved, 1, false),
	EDIT(JOB_FAILED, token_failed, outcome, JOB_DONE, false),
	EDIT(JOB_FAILED, token_failed, outcome, JOB_SKIPPED + 1, false),
	EDIT(JOB_FAILED, token_failed, reserved, 1, false),
};

static union job_message copy_good(enum job_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (good[i].head.kind == kind)
			return good[i];
	}
	fail();
	return good[0];
}

static void job_holds_every_field_against_its_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		union job_message message = copy_good(edits[i].kind);
		const size_t len = job_length(&message);

		memcpy((uint8_t *)&message + edits[i].at, &edits[i].value,
			sizeof(edits[i].value));
		if (job_is_whole(&message, len) != edits[i].is_good)
			fail_msg("edit %zu: kind %d, offset %zu, value %u", i,
				(int)edits[i].kind, edits[i].at, edits[i].value);
	}
}

struct field {
	enum job_kind kind;
	size_t at;
	size_t room;
};

#define FIELD(kind, type, field)                                                       \
	{                                                                              \
		(kind), offsetof(struct type, field),                                  \
			sizeof(((struct type *)0)->field)                              \
	}

static const struct field texts[] = {
	FIELD(JOB_OPEN, token_open, module),
	FIELD(JOB_OPEN, token_open, uri),
	FIELD(JOB_OPEN, token_open, environment[0]),
	FIELD(JOB_KEY, token_key, uri),
	FIELD(JOB_FOUND, token_found, label),
	FIELD(JOB_FOUND, token_found, serial),
	FIELD(JOB_FOUND, token_found, model),
	FIELD(JOB_FOUND, token_found, manufacturer),
	FIELD(JOB_KEY_IS, token_key_is, attribute),
	FIELD(JOB_FAILED, token_failed, call),
	FIELD(JOB_FAILED, token_failed, text),
};

static void job_refuses_a_text_without_its_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		union job_message message = copy_good(texts[i].kind);
		uint8_t *text = (uint8_t *)&message + texts[i].at;
		const size_t len = job_length(&message);

		memset(text, 'x', texts[i].room);
		text[1] = '=';
		assert_false(job_is_whole(&message, len));
		text[texts[i].room - 1] = '\0';
		assert_true(job_is_whole(&message, len));
	}
}

static void job_refuses_a_variable_without_a_name(void **state)
{
	static const char *const bad[] = {"=", "=value", "name", ""};
	union job_message message = good[0];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		(void)snprintf(
			message.open.environment[0], JOB_VARIABLE_MAX, "%s", bad[i]);
		assert_false(job_is_whole(&message, job_length(&message)));
	}
}

static void job_refuses_a_digest_of_another_hash(void **state)
{
	static const uint32_t digest_len[] = {0, 32, 48, 64, 32, 48, 64};
	union job_message message = copy_good(JOB_SIGN);

	(void)state;
	for (uint32_t operation = JOB_RSA_PKCS1_SHA256; operation <= JOB_ECDSA;
		operation++) {
		for (uint32_t len = 0; len <= 100; len++) {
			const bool is_any = len == 32 || len == 48 || len == 64;

			message.job.operation = operation;
			message.job.data_len = len;
			assert_int_equal(job_is_whole(&message, job_length(&message)),
				operation == JOB_ECDSA ? is_any
						       : len == digest_len[operation]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(job_takes_what_it_has_measured),
		cmocka_unit_test(job_refuses_every_other_length),
		cmocka_unit_test(job_holds_every_field_against_its_table),
		cmocka_unit_test(job_refuses_a_text_without_its_end),
		cmocka_unit_test(job_refuses_a_variable_without_a_name),
		cmocka_unit_test(job_refuses_a_digest_of_another_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
