/* SPDX-License-Identifier: Apache-2.0 */
/* zegel-token: what it refuses, and what it says then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "util/buf.h"
#include "util/fd.h"
#include "worker_fixture.h"

static const struct order usual = {.pin = PIN, .keys = {"pkcs11:object=rsa"}};

/* The worker gives up at this step, with these words, and ends. */
static void expect_failure(
	void **state, const struct order *order, const char *call, const char *words)
{
	CLEANUP(run_deinit) struct run run = run_start(*state);
	union job_message message;

	run_order(&run, order);
	run_expect(&run, JOB_FAILED, &message);
	assert_string_equal(message.failed.call, call);
	if (strstr(message.failed.text, words) == NULL)
		fail_msg("expected \"%s\" in \"%s\"", words, message.failed.text);
	run_expect_end(&run, 69);
}

static void worker_names_what_is_wrong_with_a_module(void **state)
{
	static const struct {
		const char *module, *call, *words;
	} cases[] = {
		{"/nonexistent/module.so", "module file", "No such file"},
		{"libsofthsm2.so", "module file", "absolute path"},
		{"/usr/lib", "module file", "not a regular file"},
		{"/bin/true", "dlopen", ""},
		{"/etc/passwd", "dlopen", ""},
		{"/lib/x86_64-linux-gnu/libc.so.6", "dlopen", "C_GetFunctionList"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct order order = usual;

		if (i + 1 == ARRAY_LEN(cases) && access(cases[i].module, R_OK) != 0)
			continue;
		order.module = cases[i].module;
		expect_failure(state, &order, cases[i].call, cases[i].words);
	}
}

static void worker_loads_nothing_that_others_can_write(void **state)
{
	struct desk *desk = *state;
	char folder[PATH_MAX], path[PATH_MAX];
	struct order order = usual;

	assert_int_equal(chmod(desk->module, 0770), 0);
	order.module = desk->module;
	expect_failure(state, &order, "module file", "file can be written by others");
	assert_int_equal(chmod(desk->module, 0700), 0);
	(void)snprintf(folder, sizeof(folder), "%s/open", desk->folder);
	(void)snprintf(path, sizeof(path), "%s/open/m.so", desk->folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	/* A good file behind a link in a folder of others is judged where it stands. */
	assert_int_equal(symlink(desk->module, path), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	order.module = path;
	order.pin = NULL;
	{
		CLEANUP(run_deinit) struct run run = run_start(desk);
		union job_message message;

		run_order(&run, &order);
		run_expect(&run, JOB_FOUND, &message);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(desk->module, path), 0);
	expect_failure(state, &order, "module file", "folder can be written by others");
	assert_int_equal(rename(path, desk->module), 0);
}

static void worker_names_a_token_that_is_not_there(void **state)
{
	static const struct {
		const char *uri, *call, *words;
	} cases[] = {
		{"pkcs11:token=nobody", "find token", "no token fits"},
		{"pkcs11:serial=1", "find token", "no token fits"},
		{"pkcs12:token=desk", "token URI", "RFC 7512"},
		{"desk", "token URI", "RFC 7512"},
		{"pkcs11:token=desk;object=rsa", "token URI", "nothing else"},
		{"pkcs11:token=desk?pin-value=1", "token URI", "PIN"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct order order = usual;

		order.uri = cases[i].uri;
		expect_failure(state, &order, cases[i].call, cases[i].words);
	}
}

static void worker_tries_a_wrong_pin_once(void **state)
{
	CLEANUP(run_deinit) struct run run = run_start(*state);
	struct order order = usual;
	struct token_job job = run_job(DESK_RSA, JOB_RSA_PKCS1_SHA256, 1);
	union job_message message;

	order.pin = "000000";
	order.n_sessions = 3;
	run_order(&run, &order);
	run_login(&run, JOB_REFUSED);
	/* It waits to be ended and signs nothing. */
	run_sign(&run, &job);
	(void)usleep(300 * 1000);
	assert_int_equal(recv(run.fd, &message, sizeof(message), MSG_DONTWAIT), -1);
	assert_int_equal(desk_count(*state, "C_Login"), 1);
	run_close(&run, 0);
	assert_int_equal(desk_count(*state, "C_Sign"), 0);
}

static void worker_does_not_log_in_when_the_broker_says_no(void **state)
{
	CLEANUP(run_deinit) struct run run = run_start(*state);
	union job_message message;

	run_order(&run, &usual);
	run_expect(&run, JOB_FOUND, &message);
	run_expect(&run, JOB_MAY_LOGIN, &message);
	run_send_message(
		&run, &(union job_message){.login = {.head = {JOB_LOGIN, JOB_LAYOUT}}});
	run_expect(&run, JOB_LOGGED_IN, &message);
	assert_int_equal(message.logged_in.outcome, JOB_SKIPPED);
	run_close(&run, 0);
	assert_int_equal(desk_count(*state, "C_Login"), 0);
}

static void worker_does_not_spend_the_last_try(void **state)
{
	/* CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED */
	static const char *const flags[] = {"FAULT_FLAGS=20000", "FAULT_FLAGS=40000"};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		CLEANUP(run_deinit) struct run run = run_start(*state);
		struct order order = usual;
		union job_message message;

		order.variables[0] = flags[i];
		run_order(&run, &order);
		run_expect(&run, JOB_FOUND, &message);
		assert_int_equal(message.found.is_pin_final_try, i == 0);
		assert_int_equal(message.found.is_pin_locked, i == 1);
		run_expect(&run, JOB_LOGGED_IN, &message);
		assert_int_equal(message.logged_in.outcome, JOB_SKIPPED);
		run_close(&run, 0);
		assert_int_equal(desk_count(*state, "C_Login"), 0);
	}
}

static void worker_ends_at_what_is_no_message(void **state)
{
	union job_message login = {.login = {.head = {JOB_LOGIN, JOB_LAYOUT}}};
	uint8_t noise[sizeof(union job_message) + 1];

	memset(noise, 0x5a, sizeof(noise));
	for (size_t len = 1; len <= sizeof(noise); len = len * 3 + 1) {
		CLEANUP(run_deinit) struct run fresh = run_start(*state);
		CLEANUP(run_deinit) struct run ready = run_start(*state);

		run_send(&fresh, noise, len);
		run_expect_end(&fresh, 65);
		run_ready(&ready, &usual);
		run_send(&ready, noise, len);
		run_expect_end(&ready, 65);
		assert_int_equal(desk_count(*state, "C_Sign"), 0);
	}
	{
		CLEANUP(run_deinit) struct run run = run_start(*state);

		/* A good message at the wrong time is nonsense too. */
		run_send_message(&run, &login);
		run_expect_end(&run, 65);
	}
}

static void worker_signs_nothing_that_does_not_fit_the_key(void **state)
{
	CLEANUP(run_deinit) struct run run = run_start(*state);
	struct order order = {.pin = PIN,
		.keys = {"pkcs11:object=rsa", "pkcs11:object=p256",
			"pkcs11:object=p384"}};
	struct token_job jobs[4] = {
		run_job(DESK_RSA, JOB_ECDSA, 0),
		run_job(DESK_P256, JOB_RSA_PKCS1_SHA256, 1),
		run_job(DESK_P256, JOB_ECDSA, 2),
		run_job(DESK_RSA, JOB_RSA_PKCS1_SHA256, 3),
	};
	union job_message message;

	jobs[2].data_len = 64; /* more than the field */
	jobs[3].key_id = 9;
	run_ready(&run, &order);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		run_sign(&run, &jobs[i]);
		run_expect(&run, JOB_SIGNED, &message);
		assert_int_equal(message.result.job_id, i);
		assert_int_equal(message.result.outcome, JOB_BROKEN);
		assert_int_equal(message.result.signature_len, 0);
	}
	assert_int_equal(desk_count(*state, "C_Sign"), 0);
	run_close(&run, 0);
}

/* A key as an officer would bring it from a file: it may also decrypt. */
static bool import_key(const struct desk *desk, const char *label, const char *id)
{
	CLEANUP(freep) char *command = NULL;
	char path[PATH_MAX];
	EVP_PKEY *key = EVP_RSA_gen(2048);
	FILE *file;
	int status;

	(void)snprintf(path, sizeof(path), "%s/key.pem", desk->folder);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(
		PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(file);
	EVP_PKEY_free(key);
	assert_true(asprintf(&command,
			    "%s softhsm2-util --import %s --label %s --id %s --token "
			    "desk --pin " PIN " >/dev/null 2>&1",
			    desk->softhsm, path, label, id) > 0);
	status = system(command);
	(void)unlink(path);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void worker_uses_no_doubtful_key(void **state)
{
	static const struct {
		const char *uri;
		enum job_key_state state;
		const char *attribute;
	} cases[] = {
		{"pkcs11:object=nobody", JOB_KEY_NOT_FOUND, ""},
		{"pkcs11:object=twin", JOB_KEY_NOT_UNIQUE, ""},
		{"pkcs11:object=twin;id=%01", JOB_KEY_BAD_ATTRIBUTE, "CKA_DECRYPT"},
		{"pkcs11:", JOB_KEY_ERROR, "uri"},
		{"pkcs11:object=rsa;type=cert", JOB_KEY_ERROR, "uri"},
		{"pkcs11:object=rsa;token=other", JOB_KEY_ERROR, "uri"},
		{"pkcs11:object=rsa?pin-value=1", JOB_KEY_ERROR, "uri"},
		{"rsa", JOB_KEY_ERROR, "uri"},
	};

	if (!import_key(*state, "twin", "01") || !import_key(*state, "twin", "02"))
		skip(); /* softhsm2-util is a package of its own */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(run_deinit) struct run run = run_start(*state);
		struct order order = {
			.pin = PIN, .keys = {cases[i].uri, "pkcs11:object=rsa"}};
		struct token_job job = run_job(DESK_RSA, JOB_RSA_PKCS1_SHA256, 1);
		union job_message message;

		run_order(&run, &order);
		run_login(&run, JOB_DONE);
		run_expect(&run, JOB_KEY_IS, &message);
		assert_int_equal(message.key_is.state, cases[i].state);
		assert_string_equal(message.key_is.attribute, cases[i].attribute);
		/* The other key is as good as ever. */
		run_expect(&run, JOB_KEY_IS, &message);
		assert_int_equal(message.key_is.state, JOB_KEY_USABLE);
		run_expect(&run, JOB_SESSION_UP, &message);
		run_sign(&run, &job);
		run_expect(&run, JOB_SIGNED, &message);
		assert_int_equal(message.result.outcome, JOB_BROKEN);
		job.key_id = 1;
		run_sign(&run, &job);
		run_expect(&run, JOB_SIGNED, &message);
		assert_int_equal(message.result.outcome, JOB_DONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_names_what_is_wrong_with_a_module),
		cmocka_unit_test(worker_loads_nothing_that_others_can_write),
		cmocka_unit_test(worker_names_a_token_that_is_not_there),
		cmocka_unit_test(worker_tries_a_wrong_pin_once),
		cmocka_unit_test(worker_does_not_log_in_when_the_broker_says_no),
		cmocka_unit_test(worker_does_not_spend_the_last_try),
		cmocka_unit_test(worker_ends_at_what_is_no_message),
		cmocka_unit_test(worker_signs_nothing_that_does_not_fit_the_key),
		cmocka_unit_test(worker_uses_no_doubtful_key),
	};

	return cmocka_run_group_tests(tests, desk_setup, desk_teardown);
}
