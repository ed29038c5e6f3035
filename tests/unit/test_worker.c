/* SPDX-License-Identifier: Apache-2.0 */
/* zegel-token as a process, on SoftHSM: what it does when all goes well. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/buf.h"
#include "util/fd.h"
#include "worker_fixture.h"

enum {
	MANY_JOBS = 400,
	IN_FLIGHT = 8,
};

static const struct order usual = {
	.pin = PIN,
	.keys = {"pkcs11:object=rsa", "pkcs11:object=p256;type=private",
		"pkcs11:token=desk;object=p384"},
};

static void worker_signs_every_operation_with_every_key(void **state)
{
	static const struct {
		enum desk_key key;
		enum job_operation operation;
	} acts[] = {
		{DESK_RSA, JOB_RSA_PKCS1_SHA256},
		{DESK_RSA, JOB_RSA_PKCS1_SHA384},
		{DESK_RSA, JOB_RSA_PKCS1_SHA512},
		{DESK_RSA, JOB_RSA_PSS_SHA256},
		{DESK_RSA, JOB_RSA_PSS_SHA384},
		{DESK_RSA, JOB_RSA_PSS_SHA512},
		{DESK_P256, JOB_ECDSA},
		{DESK_P384, JOB_ECDSA},
	};
	CLEANUP(run_deinit) struct run run = run_start(*state);
	union job_message message;

	run_ready(&run, &usual);
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		const struct token_job job =
			run_job(acts[i].key, acts[i].operation, i + 1);

		run_sign(&run, &job);
		run_expect(&run, JOB_SIGNED, &message);
		assert_int_equal(message.result.job_id, i + 1);
		assert_int_equal(message.result.outcome, JOB_DONE);
		assert_true(run_is_good(*state, &job, &message.result));
	}
	run_close(&run, 0);
}

static void worker_shows_the_token_and_its_public_keys(void **state)
{
	static const uint32_t public_len[] = {256, 65, 97};
	struct desk *desk = *state;
	CLEANUP(run_deinit) struct run run = run_start(desk);
	union job_message message;

	run_order(&run, &usual);
	run_expect(&run, JOB_FOUND, &message);
	assert_string_equal(message.found.label, "desk");
	assert_string_equal(message.found.manufacturer, "SoftHSM project");
	assert_non_null(strstr(desk->uri, message.found.serial));
	assert_int_equal(message.found.has_login_required, 1);
	run_expect(&run, JOB_MAY_LOGIN, &message);
	run_send_message(&run,
		&(union job_message){
			.login = {.head = {JOB_LOGIN, JOB_LAYOUT}, .may_login = 1}});
	run_expect(&run, JOB_LOGGED_IN, &message);
	for (uint32_t i = 0; i < ARRAY_LEN(public_len); i++) {
		CLEANUP(freep) uint8_t *expected = NULL;
		size_t len = 0;

		run_expect(&run, JOB_KEY_IS, &message);
		assert_int_equal(message.key_is.public_len, public_len[i]);
		if (i == DESK_RSA)
			continue;
		len = EVP_PKEY_get1_encoded_public_key(desk->keys[i], &expected);
		assert_int_equal(len, public_len[i]);
		assert_memory_equal(message.key_is.public_key, expected, len);
	}
}

static void worker_answers_every_job_once_from_many_sessions(void **state)
{
	CLEANUP(run_deinit) struct run run = run_start(*state);
	struct order order = usual;
	union job_message message;
	uint8_t n_answers[MANY_JOBS] = {0};
	uint32_t seen = 0;

	order.n_sessions = 4;
	run_ready(&run, &order);
	for (uint64_t sent = 0, done = 0; done < MANY_JOBS; done++) {
		struct token_job job;

		for (; sent < MANY_JOBS && sent < done + IN_FLIGHT; sent++) {
			job = run_job(sent % 2 == 0 ? DESK_RSA : DESK_P256,
				sent % 2 == 0 ? JOB_RSA_PKCS1_SHA256 : JOB_ECDSA, sent);
			run_sign(&run, &job);
		}
		run_expect(&run, JOB_SIGNED, &message);
		assert_int_equal(message.result.outcome, JOB_DONE);
		assert_true(message.result.job_id < MANY_JOBS);
		assert_int_equal(n_answers[message.result.job_id]++, 0);
		job = run_job(message.result.job_id % 2 == 0 ? DESK_RSA : DESK_P256,
			message.result.job_id % 2 == 0 ? JOB_RSA_PKCS1_SHA256
						       : JOB_ECDSA,
			message.result.job_id);
		assert_true(run_is_good(*state, &job, &message.result));
		seen |= 1U << message.result.session_id;
	}
	/* More than one session did the work. */
	assert_true((seen & (seen - 1)) != 0);
	run_close(&run, 0);
}

static void worker_lets_a_module_see_only_the_listed_variables(void **state)
{
	struct desk *desk = *state;
	CLEANUP(run_deinit) struct run run = run_start(desk);
	CLEANUP(buf_deinit) struct buf dump = BUF_INIT(4096);
	struct order order = usual;
	char variable[JOB_VARIABLE_MAX];
	char expected[1024];
	const char *seen = NULL;

	(void)snprintf(variable, sizeof(variable), "FAULT_DUMP=%s", desk->dump);
	order.variables[0] = variable;
	run_ready(&run, &order);
	assert_int_equal(fd_read_file(desk->dump, &dump), STATUS_OK);
	assert_int_equal(buf_get_text(&dump, &seen), STATUS_OK);
	(void)snprintf(expected, sizeof(expected),
		"PATH=/usr/bin:/bin\nOPENSSL_CONF=/dev/null\nTZ=Europe/Amsterdam\n"
		"%s\nFAULT_TALLY=%s\n%s\n",
		desk->softhsm, desk->tally, variable);
	assert_string_equal(seen, expected);
}

static void worker_lets_the_order_choose_openssl_conf(void **state)
{
	struct desk *desk = *state;
	CLEANUP(run_deinit) struct run run = run_start(desk);
	CLEANUP(buf_deinit) struct buf dump = BUF_INIT(4096);
	struct order order = usual;
	char variable[JOB_VARIABLE_MAX];
	const char *seen = NULL;

	(void)snprintf(variable, sizeof(variable), "FAULT_DUMP=%s", desk->dump);
	order.variables[0] = variable;
	order.variables[1] = "OPENSSL_CONF=/dev/zero";
	run_ready(&run, &order);
	assert_int_equal(fd_read_file(desk->dump, &dump), STATUS_OK);
	assert_int_equal(buf_get_text(&dump, &seen), STATUS_OK);
	assert_non_null(strstr(seen, "\nOPENSSL_CONF=/dev/zero\n"));
	assert_null(strstr(seen, "/dev/null"));
}

static void worker_ends_when_the_broker_is_gone(void **state)
{
	struct order order = usual;
	CLEANUP(run_deinit) struct run silent = run_start(*state);
	CLEANUP(run_deinit) struct run asked = run_start(*state);
	union job_message message;

	run_close(&silent, 0);
	order.n_sessions = 3;
	run_order(&asked, &order);
	run_expect(&asked, JOB_FOUND, &message);
	run_expect(&asked, JOB_MAY_LOGIN, &message);
	fd_closep(&asked.fd);
	run_expect_end(&asked, 0);
	assert_int_equal(desk_count(*state, "C_Login"), 0);
}

static void worker_takes_one_connection_from_a_listening_socket(void **state)
{
	const struct token_job job = run_job(DESK_RSA, JOB_RSA_PKCS1_SHA256, 1);
	CLEANUP(run_deinit) struct run run = run_start_listening(*state);
	union job_message message;

	run_ready(&run, &usual);
	run_sign(&run, &job);
	run_expect(&run, JOB_SIGNED, &message);
	assert_true(run_is_good(*state, &job, &message.result));
	run_close(&run, 0);
}

static void worker_keeps_a_chatting_module_off_standard_output(void **state)
{
	struct desk *desk = *state;
	CLEANUP(run_deinit) struct run run = run_start(desk);
	CLEANUP(buf_deinit) struct buf printed = BUF_INIT(4096);

	run_ready(&run, &usual);
	run_close(&run, 0);
	assert_int_equal(fd_read_file(desk->printed, &printed), STATUS_OK);
	assert_int_equal(printed.len, 0);
}

static void worker_does_not_take_an_empty_slot_for_a_token(void **state)
{
	CLEANUP(run_deinit) struct run run = run_start(*state);
	struct order order = usual;

	/* SoftHSM always shows one slot more, uninitialised. */
	order.uri = "pkcs11:manufacturer=SoftHSM%20project";
	run_ready(&run, &order);
	run_close(&run, 0);
}

static void worker_goes_on_without_a_pin(void **state)
{
	CLEANUP(run_deinit) struct run run = run_start(*state);
	struct order order = usual;
	union job_message message;

	order.pin = NULL;
	run_order(&run, &order);
	run_expect(&run, JOB_FOUND, &message);
	for (size_t i = 0; i < DESK_KEYS; i++) {
		run_expect(&run, JOB_KEY_IS, &message);
		assert_int_equal(message.key_is.state, JOB_KEY_NOT_FOUND);
	}
	run_expect(&run, JOB_SESSION_UP, &message);
	run_close(&run, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_signs_every_operation_with_every_key),
		cmocka_unit_test(worker_shows_the_token_and_its_public_keys),
		cmocka_unit_test(worker_answers_every_job_once_from_many_sessions),
		cmocka_unit_test(worker_lets_a_module_see_only_the_listed_variables),
		cmocka_unit_test(worker_lets_the_order_choose_openssl_conf),
		cmocka_unit_test(worker_ends_when_the_broker_is_gone),
		cmocka_unit_test(worker_takes_one_connection_from_a_listening_socket),
		cmocka_unit_test(worker_keeps_a_chatting_module_off_standard_output),
		cmocka_unit_test(worker_does_not_take_an_empty_slot_for_a_token),
		cmocka_unit_test(worker_goes_on_without_a_pin),
	};

	return cmocka_run_group_tests(tests, desk_setup, desk_teardown);
}
