/* SPDX-License-Identifier: Apache-2.0 */
/* The calls when the agent's answer is not what it must be, or is a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <zegel.h>

#include "libzegel_fixture.h"

static bool wrong_id(int fd, const Zegel__V1__Request *request)
{
	Zegel__V1__Request other = *request;

	other.id += 1000;
	return fake_answer(fd, &other);
}

static bool wrong_kind(int fd, const Zegel__V1__Request *request)
{
	Zegel__V1__Request other = *request;

	other.what_case = ZEGEL__V1__REQUEST__WHAT_HEALTH;
	return fake_answer(fd, &other);
}

static bool too_long(int fd, const Zegel__V1__Request *request)
{
	(void)request;
	fake_send_bytes(fd, "\0\1\0\1", 4);
	return true;
}

static bool empty_frame(int fd, const Zegel__V1__Request *request)
{
	(void)request;
	fake_send_bytes(fd, "\0\0\0\0", 4);
	return true;
}

static bool garbage(int fd, const Zegel__V1__Request *request)
{
	(void)request;
	fake_send_bytes(fd, "\0\0\0\4\xff\xff\xff\xff", 8);
	return true;
}

/* A sound frame whose seal has a text and a thumbprint as told. */
static bool send_seal(int fd, const Zegel__V1__Request *request,
	ProtobufCBinaryData text, size_t sha256_len)
{
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__SealResult result = ZEGEL__V1__SEAL_RESULT__INIT;

	result.seal = text;
	result.algorithm = fake_bytes("RS256");
	result.certificate_sha256 = fake_bytes("0123456789abcdef0123456789abcdef");
	result.certificate_sha256.len = sha256_len;
	response.id = request->id;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_SEAL;
	response.seal = &result;
	fake_send(fd, &response);
	return true;
}

static bool nul_in_text(int fd, const Zegel__V1__Request *request)
{
	ProtobufCBinaryData text = fake_bytes("a.b.c");

	text.len++;
	return send_seal(fd, request, text, 32);
}

static bool empty_seal(int fd, const Zegel__V1__Request *request)
{
	return send_seal(fd, request, fake_bytes(""), 32);
}

static bool short_sha(int fd, const Zegel__V1__Request *request)
{
	return send_seal(fd, request, fake_bytes("a.b.c"), 31);
}

static bool error_ok(int fd, const Zegel__V1__Request *request)
{
	fake_send_error(fd, request->id, ZEGEL__V1__STATUS__OK, "all is well");
	return true;
}

static bool error_unknown(int fd, const Zegel__V1__Request *request)
{
	fake_send_error(fd, request->id, (Zegel__V1__Status)77, "a newer word");
	return true;
}

static bool version_two(int fd, const Zegel__V1__Request *request)
{
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__HelloResult hello = ZEGEL__V1__HELLO_RESULT__INIT;

	hello.version = 2;
	response.id = request->id;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_HELLO;
	response.hello = &hello;
	fake_send(fd, &response);
	return true;
}

static void libzegel_calls_a_wrong_answer_internal(void **state)
{
	static const struct {
		fake_act_fn *act;
		fake_act_fn *greet;
		const char *text;
	} wrong[] = {
		{wrong_id, NULL, "not asked"},
		{wrong_kind, NULL, "of the kind"},
		{too_long, NULL, "length"},
		{empty_frame, NULL, "length"},
		{garbage, NULL, "not a Response"},
		{nul_in_text, NULL, "cannot be"},
		{empty_seal, NULL, "cannot be"},
		{short_sha, NULL, "cannot be"},
		{error_ok, NULL, "all is well"},
		{error_unknown, NULL, "a newer word"},
		{NULL, wrong_id, "not asked"},
		{NULL, wrong_kind, "of the kind"},
		{NULL, garbage, "not a Response"},
		{NULL, version_two, "version 2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CLEANUP(fake_stop)
		struct fake fake = {.act = wrong[i].act, .greet = wrong[i].greet};
		CLEANUP(fake_closep) struct zegel *zegel = NULL;
		struct zegel_error error;

		fake_start(&fake);
		zegel = fake_open(&fake, 5000);
		assert_int_equal(fake_ask_seal(zegel, &error), ZEGEL_INTERNAL);
		assert_non_null(strstr(error.text, wrong[i].text));
	}
}

/* The agent's list never ends: the same names again and again. */
static bool list_for_ever(int fd, const Zegel__V1__Request *request)
{
	Zegel__V1__Request other = *request;
	Zegel__V1__ListKeys list = ZEGEL__V1__LIST_KEYS__INIT;

	other.list_keys = &list;
	return fake_answer(fd, &other);
}

static void libzegel_leaves_a_list_that_repeats_itself(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = list_for_ever};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_keys *keys = NULL;
	struct zegel_error error;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_list_keys(zegel, &keys, &error), ZEGEL_INTERNAL);
	assert_null(keys);
	assert_int_equal(fake.counts->requests, 2);
}

static bool say_busy(int fd, const Zegel__V1__Request *request)
{
	(void)request;
	/* Id 0, and closed: how an agent refuses a connection as a whole. */
	fake_send_error(fd, 0, ZEGEL__V1__STATUS__BUSY, "too\n many \xc3\xa9");
	return false;
}

static void libzegel_passes_on_a_refused_connection(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.greet = say_busy};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_error error;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(fake_ask_seal(zegel, &error), ZEGEL_BUSY);
	assert_int_equal(error.retry_after_ms, 70);
	assert_string_equal(error.text, "too? many \xc3\xa9");
}

static bool say_much(int fd, const Zegel__V1__Request *request)
{
	char text[400];

	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(text) - 2; i += 2)
		memcpy(text + i, "\xc3\xa9", 3);
	fake_send_error(fd, request->id, ZEGEL__V1__STATUS__DENIED, text);
	return true;
}

static void libzegel_cuts_a_text_between_characters(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = say_much};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_error error;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(fake_ask_seal(zegel, &error), ZEGEL_DENIED);
	assert_int_equal(strlen(error.text), 254);
	/* A refusal is an answer: the connection is kept. */
	assert_int_equal(fake_ask_seal(zegel, NULL), ZEGEL_DENIED);
	assert_int_equal(fake.counts->connections, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libzegel_calls_a_wrong_answer_internal),
		cmocka_unit_test(libzegel_leaves_a_list_that_repeats_itself),
		cmocka_unit_test(libzegel_passes_on_a_refused_connection),
		cmocka_unit_test(libzegel_cuts_a_text_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
