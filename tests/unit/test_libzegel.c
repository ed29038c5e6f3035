/* SPDX-License-Identifier: Apache-2.0 */
/* The calls as a data service makes them, against an agent that does its work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zegel.h>

#include "libzegel_fixture.h"

enum {
	N_THREADS = 8,
	N_CALLS = 100,
	/* of the request in the first zegel.h */
	SIZE_FIRST = offsetof(struct zegel_seal_request, digest_len) + sizeof(size_t),
};

static struct zegel_seal_request dsgo_request(const char *audience)
{
	return (struct zegel_seal_request){
		.size = sizeof(struct zegel_seal_request),
		.key = "bouwplanning",
		.profile = "dsgo-auth",
		.audience = audience,
	};
}

/* ---------------------------------------------------------------- good days */

static void libzegel_seals_for_dsgo(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_seal_request request = dsgo_request("did:x");
	struct zegel_error error = {.status = ZEGEL_OK};
	struct zegel_seal *seal = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	request.claims = "{\"a\":1}";
	request.not_before = true;
	request.algorithm = "RS256";
	assert_int_equal(zegel_seal(zegel, &request, &seal, &error), ZEGEL_OK);
	assert_string_equal(seal->text, "did:x");
	assert_int_equal(seal->data_len, 5);
	assert_memory_equal(seal->data, "did:x", 5);
	assert_string_equal(seal->jti, "{\"a\":1}");
	assert_string_equal(seal->algorithm, "RS256");
	assert_int_equal(seal->issued_at, 1700000001);
	assert_int_equal(seal->expires_at, 1700000030);
	assert_int_equal(seal->certificate_sha256[1], 0xbb);
	zegel_seal_free(seal);
	/* The agent is told how long we wait, and not longer than that. */
	assert_in_range(fake.counts->last_timeout_ms, 1, 5000);
}

static void libzegel_seals_a_digest_with_zeros_in_it(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	static const uint8_t digest[32] = {1, 0, 2};
	const struct zegel_seal_request request = {
		.size = sizeof(request),
		.key = "k",
		.profile = "digest",
		.digest = digest,
		.digest_len = sizeof(digest),
	};
	struct zegel_seal *seal = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_seal(zegel, &request, &seal, NULL), ZEGEL_OK);
	assert_null(seal->text);
	assert_null(seal->jti);
	assert_int_equal(seal->issued_at, 0);
	assert_int_equal(seal->data_len, sizeof(digest));
	assert_memory_equal(seal->data, digest, sizeof(digest));
	zegel_seal_free(seal);
}

static void libzegel_leaves_unknown_profiles_to_the_agent(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_seal_request request = dsgo_request("did:x");
	struct zegel_seal *seal = NULL;
	struct zegel_error error;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	request.profile = "wax";
	assert_int_equal(zegel_seal(zegel, &request, &seal, &error), ZEGEL_UNSUPPORTED);
	assert_string_equal(error.text, "no such profile");
	/* Not a status to try again: a hint would mislead. */
	assert_int_equal(error.retry_after_ms, 0);
	assert_null(seal);
}

static void libzegel_lists_keys_over_pages(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_keys *keys = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_list_keys(zegel, &keys, NULL), ZEGEL_OK);
	assert_int_equal(keys->n_keys, 3);
	assert_string_equal(keys->keys[0].name, "a");
	assert_string_equal(keys->keys[2].name, "c");
	assert_int_equal(keys->keys[1].state, ZEGEL_KEY_LOCKED);
	assert_int_equal(keys->keys[1].n_profiles, 2);
	assert_string_equal(keys->keys[1].profiles[1], "digest");
	assert_int_equal(keys->keys[1].n_algorithms, 0);
	assert_string_equal(
		keys->keys[2].identifier, "did:ishare:EU.NL.NTRNL-12345678");
	zegel_keys_free(keys);
	assert_int_equal(fake.counts->requests, 2);
}

static void libzegel_describes_a_key(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_description *description = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_describe_key(zegel, "k1", &description, NULL), ZEGEL_OK);
	assert_string_equal(description->key.name, "k1");
	assert_null(description->key.identifier);
	assert_int_equal(description->n_chain, 2);
	assert_int_equal(description->chain[1].der_len, 5);
	assert_memory_equal(description->chain[1].der, "root!", 5);
	zegel_description_free(description);
}

static void libzegel_tells_how_the_agent_is(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_health health;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_health(zegel, &health, NULL), ZEGEL_OK);
	assert_string_equal(health.agent, "zegel 0.1.0");
	assert_int_equal(health.sealed, 4);
	assert_int_equal(health.keys, 6);
	assert_string_equal(health.trouble, "no space is left on the device");
}

static void libzegel_keeps_a_connection_for_the_next_call(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_health health;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	for (int i = 0; i < 5; i++)
		assert_int_equal(zegel_health(zegel, &health, NULL), ZEGEL_OK);
	assert_int_equal(fake.counts->connections, 1);
	assert_int_equal(fake.counts->hellos, 1);
	assert_int_equal(fake.counts->requests, 5);
}

/* ---------------------------------------------------------------- many at once */

static void *seal_many(void *context)
{
	struct zegel *const zegel = context;
	char audience[32];

	for (int i = 0; i < N_CALLS; i++) {
		struct zegel_seal_request request = dsgo_request(audience);
		struct zegel_seal *seal = NULL;

		(void)snprintf(
			audience, sizeof(audience), "%p-%d", (const void *)audience, i);
		if (zegel_seal(zegel, &request, &seal, NULL) != ZEGEL_OK)
			return context;
		/* Each thread must hear the answer to its own request. */
		if (strcmp(seal->text, audience) != 0)
			return context;
		zegel_seal_free(seal);
	}
	return NULL;
}

static void seal_with_threads(struct fake *fake)
{
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	pthread_t threads[N_THREADS];
	void *failed;

	fake_start(fake);
	zegel = fake_open(fake, 20000);
	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, seal_many, zegel), 0);
	for (int i = 0; i < N_THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

static void libzegel_serves_threads_with_one_handle(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};

	(void)state;
	seal_with_threads(&fake);
	assert_int_equal(fake.counts->requests, N_THREADS * N_CALLS);
	assert_in_range(fake.counts->connections, 1, N_THREADS);
}

static bool answer_and_close(int fd, const Zegel__V1__Request *request)
{
	fake_answer(fd, request);
	return false;
}

/* The library may notice before it sends or after: the caller sees neither. */
static void libzegel_serves_threads_while_the_agent_hangs_up(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = answer_and_close};

	(void)state;
	seal_with_threads(&fake);
	assert_int_equal(fake.counts->connections, N_THREADS * N_CALLS);
}

static void libzegel_may_be_used_in_a_child(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_health health;
	int status = -1;
	pid_t child;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_health(zegel, &health, NULL), ZEGEL_OK);
	child = fork();
	if (child == 0)
		_exit(zegel_health(zegel, &health, NULL) == ZEGEL_OK ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	/* The child made its own connection, and the parent's is still good. */
	assert_int_equal(fake.counts->connections, 2);
	assert_int_equal(zegel_health(zegel, &health, NULL), ZEGEL_OK);
	assert_int_equal(fake.counts->connections, 2);
}

/* ---------------------------------------------------------------- the door */

static void libzegel_names_the_member_that_is_wrong(void **state)
{
	static const uint8_t byte = 1;
	static char claims[16384 + 2];
	const struct zegel_seal_request good = dsgo_request("did:x");
	const struct {
		struct zegel_seal_request request;
		const char *names;
	} bad[] = {
		{.request = {.size = sizeof(good), .profile = "dsgo-auth"},
			.names = "request.key"},
		{.request = {.size = sizeof(good), .key = "k"},
			.names = "request.profile"},
		{.request = {.size = sizeof(good), .key = "k", .profile = "dsgo-auth"},
			.names = "request.audience"},
		{.request = {.size = sizeof(good), .key = "k", .profile = "digest"},
			.names = "request.digest"},
		{.request = {.size = sizeof(good),
			 .key = "k",
			 .profile = "dsgo-auth",
			 .audience = "a",
			 .digest = &byte},
			.names = "request.digest"},
		{.request = {.size = sizeof(good),
			 .key = "k",
			 .profile = "digest",
			 .claims = "{}",
			 .digest = &byte,
			 .digest_len = 1},
			.names = "request.audience"},
		{.request = {.size = sizeof(good),
			 .key = "k",
			 .profile = "dsgo-auth",
			 .audience = "a",
			 .claims = claims},
			.names = "request.claims"},
		{.request = {.key = "k"}, .names = "request.size"},
		{.request = {.size = SIZE_FIRST - 1}, .names = "request.size"},
		{.request = {.size = SIZE_MAX}, .names = "request.size"},
	};
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_seal *seal = NULL;
	struct zegel_error error;

	(void)state;
	memset(claims, ' ', sizeof(claims) - 1);
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(zegel_seal(zegel, &bad[i].request, &seal, &error),
			ZEGEL_INVALID);
		assert_int_equal(error.status, ZEGEL_INVALID);
		assert_non_null(strstr(error.text, bad[i].names));
	}
	assert_null(seal);
	assert_int_equal(fake.counts->connections, 0);
}

static void libzegel_refuses_null(void **state)
{
	const struct zegel_seal_request good = dsgo_request("did:x");
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_description *description = NULL;
	struct zegel_seal *seal = NULL;
	struct zegel_error error;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_seal(zegel, NULL, &seal, NULL), ZEGEL_INVALID);
	assert_int_equal(zegel_seal(zegel, &good, NULL, NULL), ZEGEL_INVALID);
	assert_int_equal(zegel_seal(NULL, &good, &seal, &error), ZEGEL_INVALID);
	assert_int_equal(zegel_list_keys(zegel, NULL, NULL), ZEGEL_INVALID);
	assert_int_equal(zegel_describe_key(zegel, "k", NULL, NULL), ZEGEL_INVALID);
	assert_int_equal(
		zegel_describe_key(zegel, NULL, &description, NULL), ZEGEL_INVALID);
	assert_int_equal(zegel_health(zegel, NULL, NULL), ZEGEL_INVALID);
	assert_int_equal(zegel_health(NULL, NULL, NULL), ZEGEL_INVALID);
	assert_int_equal(zegel_whoami(zegel, NULL, NULL), ZEGEL_INVALID);
	assert_int_equal(zegel_whoami(NULL, NULL, NULL), ZEGEL_INVALID);
	assert_int_equal(fake.counts->connections, 0);
}

static void libzegel_refuses_a_request_too_long_for_a_frame(void **state)
{
	static char name[FRAME_BODY_MAX];
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_seal_request request = dsgo_request(name);
	struct zegel_seal *seal = NULL;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_seal(zegel, &request, &seal, NULL), ZEGEL_INVALID);
}

static void libzegel_reads_requests_of_other_versions(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct {
		struct zegel_seal_request request;
		uint64_t newer;
	} larger = {.request = dsgo_request("did:x")};
	struct zegel_seal *seal = NULL;
	struct zegel_error error;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	larger.request.size = sizeof(larger);
	assert_int_equal(zegel_seal(zegel, &larger.request, &seal, &error), ZEGEL_OK);
	zegel_seal_free(seal);
	larger.newer = 1;
	assert_int_equal(
		zegel_seal(zegel, &larger.request, &seal, &error), ZEGEL_INVALID);
	assert_non_null(strstr(error.text, "newer than this library"));
}

static void libzegel_opens_only_what_can_be_a_socket(void **state)
{
	static char path[109];
	struct zegel *zegel = NULL;
	struct zegel_error error;

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	assert_int_equal(zegel_open(path, 0, &zegel, &error), ZEGEL_INVALID);
	assert_non_null(strstr(error.text, "107"));
	path[107] = '\0';
	assert_int_equal(zegel_open("", 0, &zegel, NULL), ZEGEL_INVALID);
	assert_int_equal(zegel_open("s", 60001, &zegel, NULL), ZEGEL_INVALID);
	assert_int_equal(zegel_open("s", 0, NULL, NULL), ZEGEL_INVALID);
	assert_null(zegel);
	assert_int_equal(zegel_open(path, 60000, &zegel, &error), ZEGEL_OK);
	zegel_close(zegel);
}

static void libzegel_frees_nothing(void **state)
{
	(void)state;
	zegel_close(NULL);
	zegel_seal_free(NULL);
	zegel_keys_free(NULL);
	zegel_description_free(NULL);
	zegel_identity_free(NULL);
}

static void libzegel_names_each_status(void **state)
{
	(void)state;
	assert_string_equal(zegel_status_name(ZEGEL_DENIED), "DENIED");
	assert_string_equal(zegel_status_name((enum zegel_status)99), "INTERNAL");
	assert_string_equal(zegel_status_name((enum zegel_status) - 1), "INTERNAL");
	assert_true(zegel_status_can_retry(ZEGEL_BUSY));
	assert_false(zegel_status_can_retry(ZEGEL_DENIED));
}

static void libzegel_example_prints_a_seal(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	char line[32] = "";
	FILE *output;

	(void)state;
	fake_start(&fake);
	assert_int_equal(setenv("ZEGEL_SOCKET", fake.path, 1), 0);
	output = popen(ZEGEL_EXAMPLE " bouwplanning did:y", "r");
	assert_non_null(output);
	assert_non_null(fgets(line, sizeof(line), output));
	assert_int_equal(pclose(output), 0);
	assert_string_equal(line, "did:y\n");
	unsetenv("ZEGEL_SOCKET");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libzegel_seals_for_dsgo),
		cmocka_unit_test(libzegel_seals_a_digest_with_zeros_in_it),
		cmocka_unit_test(libzegel_leaves_unknown_profiles_to_the_agent),
		cmocka_unit_test(libzegel_lists_keys_over_pages),
		cmocka_unit_test(libzegel_describes_a_key),
		cmocka_unit_test(libzegel_tells_how_the_agent_is),
		cmocka_unit_test(libzegel_keeps_a_connection_for_the_next_call),
		cmocka_unit_test(libzegel_serves_threads_with_one_handle),
		cmocka_unit_test(libzegel_serves_threads_while_the_agent_hangs_up),
		cmocka_unit_test(libzegel_may_be_used_in_a_child),
		cmocka_unit_test(libzegel_names_the_member_that_is_wrong),
		cmocka_unit_test(libzegel_refuses_null),
		cmocka_unit_test(libzegel_refuses_a_request_too_long_for_a_frame),
		cmocka_unit_test(libzegel_reads_requests_of_other_versions),
		cmocka_unit_test(libzegel_opens_only_what_can_be_a_socket),
		cmocka_unit_test(libzegel_frees_nothing),
		cmocka_unit_test(libzegel_names_each_status),
		cmocka_unit_test(libzegel_example_prints_a_seal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
