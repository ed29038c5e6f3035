/* SPDX-License-Identifier: Apache-2.0 */
/* zegel-token on a module that breaks on command: what it mends and when it ends. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "worker_fixture.h"

static struct order order_with(const char *call, const char *rv, const char *count)
{
	return (struct order){
		.pin = PIN,
		.keys = {"pkcs11:object=rsa"},
		.variables = {call, rv, "FAULT_FROM=1", count},
	};
}

static void sign_one(const struct run *run, uint64_t id, union job_message *message)
{
	const struct token_job job = run_job(DESK_RSA, JOB_RSA_PKCS1_SHA256, id);

	run_sign(run, &job);
	run_expect(run, JOB_SIGNED, message);
	assert_int_equal(message->result.job_id, id);
	if (message->result.outcome == JOB_DONE)
		assert_true(run_is_good(run->desk, &job, &message->result));
	else
		assert_int_equal(message->result.signature_len, 0);
}

struct fault {
	const char *rv;
	const char *count; /* how many times in a row */
	enum job_outcome outcome;
	bool is_end;
};

/* What a signature that failed does to the process. */
static const struct fault faults[] = {
	/* the session's fault: another one is opened */
	{"FAULT_RV=b3", "FAULT_COUNT=1", JOB_GONE, false}, /* SESSION_HANDLE_INVALID */
	{"FAULT_RV=b0", "FAULT_COUNT=1", JOB_GONE, false}, /* SESSION_CLOSED */
	{"FAULT_RV=82", "FAULT_COUNT=1", JOB_GONE, false}, /* OBJECT_HANDLE_INVALID */
	{"FAULT_RV=60", "FAULT_COUNT=1", JOB_GONE, false}, /* KEY_HANDLE_INVALID */
	{"FAULT_RV=90", "FAULT_COUNT=1", JOB_BROKEN, false}, /* OPERATION_ACTIVE */
	{"FAULT_RV=91", "FAULT_COUNT=1", JOB_BROKEN, false},
	/* perhaps chance, perhaps not */
	{"FAULT_RV=5", "FAULT_COUNT=1", JOB_BROKEN, false},  /* GENERAL_ERROR */
	{"FAULT_RV=30", "FAULT_COUNT=1", JOB_BROKEN, false}, /* DEVICE_ERROR */
	{"FAULT_RV=2", "FAULT_COUNT=2", JOB_BROKEN, true},   /* HOST_MEMORY */
	{"FAULT_RV=6", "FAULT_COUNT=2", JOB_BROKEN, true},   /* FUNCTION_FAILED */
	{"FAULT_RV=80000001", "FAULT_COUNT=2", JOB_BROKEN, true},
	{"FAULT_HOW=short", "FAULT_COUNT=1", JOB_BROKEN, false},
	{"FAULT_HOW=long", "FAULT_COUNT=2", JOB_BROKEN, true},
	/* only a new process helps */
	{"FAULT_RV=32", "FAULT_COUNT=1", JOB_GONE, true},  /* DEVICE_REMOVED */
	{"FAULT_RV=e0", "FAULT_COUNT=1", JOB_GONE, true},  /* TOKEN_NOT_PRESENT */
	{"FAULT_RV=101", "FAULT_COUNT=1", JOB_GONE, true}, /* USER_NOT_LOGGED_IN */
	{"FAULT_RV=190", "FAULT_COUNT=1", JOB_BROKEN, true},
	/* this job cannot be done, others can */
	{"FAULT_RV=70", "FAULT_COUNT=5", JOB_BROKEN, false}, /* MECHANISM_INVALID */
};

static void worker_reports_a_failed_signature_and_never_repeats_it(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		const struct fault *fault = &faults[i];
		const struct order order =
			order_with("FAULT_CALL=C_Sign", fault->rv, fault->count);
		const size_t n = (size_t)(strchr(fault->count, '=')[1] - '0');
		CLEANUP(run_deinit) struct run run = run_start(*state);
		union job_message message;

		run_ready(&run, &order);
		for (size_t job = 1; job <= n; job++) {
			sign_one(&run, job, &message);
			assert_int_equal(message.result.outcome, fault->outcome);
			assert_int_equal(desk_count(*state, "C_Sign"), job);
		}
		if (fault->is_end) {
			run_expect(&run, JOB_FAILED, &message);
			assert_string_equal(message.failed.call, "C_Sign");
			run_expect_end(&run, 69);
			continue;
		}
		sign_one(&run, n + 1, &message);
		assert_int_equal(message.result.outcome, JOB_DONE);
		assert_int_equal(desk_count(*state, "C_Login"), 1);
		run_close(&run, 0);
	}
}

static void worker_forgives_single_errors_between_good_signatures(void **state)
{
	const struct order order =
		order_with("FAULT_CALL=C_Sign", "FAULT_RV=5", "FAULT_EVERY=2");
	CLEANUP(run_deinit) struct run run = run_start(*state);
	union job_message message;

	run_ready(&run, &order);
	for (uint64_t id = 1; id <= 9; id++) {
		sign_one(&run, id, &message);
		assert_int_equal(
			message.result.outcome, id % 2 == 0 ? JOB_BROKEN : JOB_DONE);
	}
	run_close(&run, 0);
}

static void worker_goes_on_with_fewer_sessions(void **state)
{
	/* The second session: the first is the one that stands. */
	struct order order = {.pin = PIN,
		.keys = {"pkcs11:object=rsa"},
		.n_sessions = 2,
		.variables = {"FAULT_CALL=C_OpenSession", "FAULT_RV=b1", "FAULT_FROM=2",
			"FAULT_COUNT=99"}};
	CLEANUP(run_deinit) struct run run = run_start(*state);
	union job_message message;

	run_order(&run, &order);
	run_login(&run, JOB_DONE);
	run_expect(&run, JOB_KEY_IS, &message);
	run_expect(&run, JOB_SESSION_UP, &message);
	assert_int_equal(message.session_up.outcome, JOB_DONE);
	run_expect(&run, JOB_SESSION_UP, &message);
	assert_int_equal(message.session_up.session_id, 1);
	assert_int_equal(message.session_up.outcome, JOB_BROKEN);
	assert_int_equal(message.session_up.rv, 0xb1);
	/* Fewer sessions still sign. */
	sign_one(&run, 1, &message);
	assert_int_equal(message.result.outcome, JOB_DONE);
	run_close(&run, 0);
}

/* The worker says this at once and ends; nothing may have been signed. */
static void expect_end(void **state, struct order order, const char *call)
{
	CLEANUP(run_deinit) struct run run = run_start(*state);
	union job_message message;

	order.pin = NULL;
	run_order(&run, &order);
	do {
		const ssize_t n = recv(run.fd, &message, sizeof(message), 0);

		assert_true(n > 0 && job_is_whole(&message, (size_t)n));
	} while (message.head.kind != JOB_FAILED);
	assert_string_equal(message.failed.call, call);
	run_expect_end(&run, 69);
}

static void worker_names_the_call_that_failed_at_the_start(void **state)
{
	expect_end(state,
		order_with("FAULT_CALL=C_Initialize", "FAULT_RV=5", "FAULT_COUNT=1"),
		"C_Initialize");
	expect_end(state,
		order_with("FAULT_CALL=C_OpenSession", "FAULT_RV=b1", "FAULT_COUNT=1"),
		"C_OpenSession");
}

static void worker_takes_any_error_of_a_login_for_a_refusal(void **state)
{
	static const struct {
		const char *rv;
		enum job_outcome outcome;
	} cases[] = {
		{"FAULT_RV=a0", JOB_REFUSED}, /* PIN_INCORRECT */
		{"FAULT_RV=5", JOB_REFUSED},  /* so says a token of the field */
		{"FAULT_RV=30", JOB_REFUSED}, /* DEVICE_ERROR */
		{"FAULT_RV=100", JOB_DONE},   /* USER_ALREADY_LOGGED_IN */
		{"FAULT_RV=32", JOB_GONE},    /* DEVICE_REMOVED */
		{"FAULT_RV=e0", JOB_GONE},    /* TOKEN_NOT_PRESENT */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct order order =
			order_with("FAULT_CALL=C_Login", cases[i].rv, "FAULT_COUNT=99");
		CLEANUP(run_deinit) struct run run = run_start(*state);
		union job_message message;

		run_order(&run, &order);
		run_login(&run, cases[i].outcome);
		if (cases[i].outcome == JOB_GONE) {
			run_expect(&run, JOB_FAILED, &message);
			run_expect_end(&run, 69);
		} else {
			run_close(&run, 0);
		}
		assert_int_equal(desk_count(*state, "C_Login"), 1);
	}
}

static void worker_ends_itself_when_a_call_hangs(void **state)
{
	static const char *const calls[] = {"FAULT_CALL=C_Initialize",
		"FAULT_CALL=C_OpenSession", "FAULT_CALL=C_Login", "FAULT_CALL=C_Sign"};

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		struct order order =
			order_with(calls[i], "FAULT_HOW=hang", "FAULT_COUNT=1");
		const struct token_job job = run_job(DESK_RSA, JOB_RSA_PKCS1_SHA256, 1);
		CLEANUP(run_deinit) struct run run = run_start(*state);
		union job_message message = {.head = {JOB_OPEN, JOB_LAYOUT}};

		order.deadline_ms = 1500;
		run_order(&run, &order);
		while (message.head.kind != JOB_FAILED) {
			const ssize_t n = recv(run.fd, &message, sizeof(message), 0);

			assert_true(n > 0 && job_is_whole(&message, (size_t)n));
			if (message.head.kind == JOB_MAY_LOGIN)
				run_send_message(&run,
					&(union job_message){
						.login = {
							.head = {JOB_LOGIN, JOB_LAYOUT},
							.may_login = 1}});
			if (message.head.kind == JOB_SESSION_UP)
				run_sign(&run, &job);
		}
		assert_string_equal(message.failed.call, "deadline");
		assert_non_null(strstr(message.failed.text, "1500 ms"));
		run_expect_end(&run, 69);
	}
}

static void worker_that_hangs_ends_with_the_broker(void **state)
{
	struct order order = order_with(
		"FAULT_CALL=C_Initialize", "FAULT_HOW=hang", "FAULT_COUNT=1");
	CLEANUP(run_deinit) struct run run = run_start(*state);

	run_order(&run, &order);
	run_close(&run, 0);
}

static void worker_that_crashes_is_seen_as_end_of_file(void **state)
{
	const struct order order =
		order_with("FAULT_CALL=C_Sign", "FAULT_HOW=crash", "FAULT_COUNT=1");
	const struct token_job job = run_job(DESK_RSA, JOB_RSA_PKCS1_SHA256, 1);
	CLEANUP(run_deinit) struct run run = run_start(*state);
	union job_message message;
	int status = 0;

	run_ready(&run, &order);
	run_sign(&run, &job);
	assert_true(recv(run.fd, &message, sizeof(message), 0) <= 0);
	assert_int_equal(waitpid(run.pid, &status, 0), run.pid);
	run.pid = 0;
	assert_true(WIFSIGNALED(status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			worker_reports_a_failed_signature_and_never_repeats_it),
		cmocka_unit_test(worker_forgives_single_errors_between_good_signatures),
		cmocka_unit_test(worker_goes_on_with_fewer_sessions),
		cmocka_unit_test(worker_names_the_call_that_failed_at_the_start),
		cmocka_unit_test(worker_takes_any_error_of_a_login_for_a_refusal),
		cmocka_unit_test(worker_ends_itself_when_a_call_hangs),
		cmocka_unit_test(worker_that_hangs_ends_with_the_broker),
		cmocka_unit_test(worker_that_crashes_is_seen_as_end_of_file),
	};

	return cmocka_run_group_tests(tests, desk_setup, desk_teardown);
}
