/* SPDX-License-Identifier: Apache-2.0 */
/* How the agent sees us, in one answer or in many, true or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "libzegel_fixture.h"

static void libzegel_tells_how_the_agent_sees_us(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_identity *who = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_whoami(zegel, &who, NULL), ZEGEL_OK);
	assert_string_equal(who->client, "planning-api");
	assert_int_equal(who->uid, 1);
	assert_int_equal(who->gid, 2);
	assert_int_equal(who->pid, 3);
	assert_int_equal(who->n_groups, 2);
	assert_int_equal(who->groups[1], 30);
	assert_false(who->is_unclear);
	assert_string_equal(who->unit, "planning-api.service");
	assert_null(who->exe);
	assert_null(who->label);
	assert_string_equal(who->listen, "client");
	assert_int_equal(who->n_rules, 3);
	assert_string_equal(who->rules[0]->name, "a");
	assert_string_equal(who->rules[2]->name, "c");
	assert_string_equal(who->rules[1]->key, "k");
	assert_string_equal(who->rules[1]->profile, "digest");
	assert_true(who->rules[0]->is_master);
	assert_false(who->rules[1]->is_master);
	zegel_identity_free(who);
	assert_int_equal(fake.counts->requests, 2);
}

/* An answer with one rule; is changed by the test. */
struct said {
	Zegel__V1__Response response;
	Zegel__V1__WhoamiResult result;
	Zegel__V1__Rule rule;
	Zegel__V1__Rule *pointer;
};

static void say_one(struct said *said, const Zegel__V1__Request *request)
{
	said->response = (Zegel__V1__Response)ZEGEL__V1__RESPONSE__INIT;
	said->result = (Zegel__V1__WhoamiResult)ZEGEL__V1__WHOAMI_RESULT__INIT;
	said->rule = (Zegel__V1__Rule)ZEGEL__V1__RULE__INIT;
	said->pointer = &said->rule;
	said->rule.name = fake_bytes("r");
	said->rule.key = fake_bytes("k");
	said->rule.profile = fake_bytes("digest");
	said->result.client = fake_bytes("c");
	said->result.listen = fake_bytes("l");
	said->result.rules = &said->pointer;
	said->result.n_rules = 1;
	said->response.id = request->id;
	said->response.what_case = ZEGEL__V1__RESPONSE__WHAT_WHOAMI;
	said->response.whoami = &said->result;
}

static ProtobufCBinaryData with_nul(void)
{
	ProtobufCBinaryData bytes = fake_bytes("a.service");

	bytes.len++;
	return bytes;
}

static bool say_stranger(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	said.result.client = fake_bytes("");
	said.result.n_rules = 0;
	said.result.is_unclear = true;
	fake_send(fd, &said.response);
	return true;
}

static void libzegel_tells_a_stranger_that_he_is_one(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = say_stranger};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_identity *who = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_whoami(zegel, &who, NULL), ZEGEL_OK);
	assert_string_equal(who->client, "");
	assert_true(who->is_unclear);
	assert_int_equal(who->n_rules, 0);
	assert_int_equal(who->n_groups, 0);
	zegel_identity_free(who);
}

static bool say_for_ever(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	said.result.has_more = true;
	fake_send(fd, &said.response);
	return true;
}

static bool say_more_of_nothing(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	said.result.n_rules = 0;
	said.result.has_more = true;
	fake_send(fd, &said.response);
	return true;
}

static bool say_unit_with_nul(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	said.result.has_unit = true;
	said.result.unit = with_nul();
	fake_send(fd, &said.response);
	return true;
}

static bool say_exe_with_nul(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	said.result.has_exe = true;
	said.result.exe = with_nul();
	fake_send(fd, &said.response);
	return true;
}

static bool say_label_with_nul(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	said.result.has_label = true;
	said.result.label = with_nul();
	fake_send(fd, &said.response);
	return true;
}

static bool say_client_with_nul(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	said.result.client = with_nul();
	fake_send(fd, &said.response);
	return true;
}

static bool say_listen_with_nul(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	said.result.listen = with_nul();
	fake_send(fd, &said.response);
	return true;
}

static bool say_rule_without_name(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	said.rule.name = fake_bytes("");
	fake_send(fd, &said.response);
	return true;
}

static bool say_rule_with_nul(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	said.rule.key = with_nul();
	fake_send(fd, &said.response);
	return true;
}

static bool say_profile_with_nul(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	said.rule.profile = with_nul();
	fake_send(fd, &said.response);
	return true;
}

/* Another section at each answer. */
static bool say_another(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	if (request->whoami->has_first_rule)
		said.result.client = fake_bytes("d");
	said.result.has_more = true;
	fake_send(fd, &said.response);
	return true;
}

static void libzegel_believes_no_answer_that_cannot_be(void **state)
{
	static const struct {
		fake_act_fn *act;
		enum zegel_status status;
	} rows[] = {
		{say_for_ever, ZEGEL_INTERNAL},
		{say_more_of_nothing, ZEGEL_INTERNAL},
		{say_unit_with_nul, ZEGEL_INTERNAL},
		{say_exe_with_nul, ZEGEL_INTERNAL},
		{say_label_with_nul, ZEGEL_INTERNAL},
		{say_client_with_nul, ZEGEL_INTERNAL},
		{say_listen_with_nul, ZEGEL_INTERNAL},
		{say_rule_without_name, ZEGEL_INTERNAL},
		{say_rule_with_nul, ZEGEL_INTERNAL},
		{say_profile_with_nul, ZEGEL_INTERNAL},
		{say_another, ZEGEL_UNAVAILABLE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CLEANUP(fake_stop) struct fake fake = {.act = rows[i].act};
		CLEANUP(fake_closep) struct zegel *zegel = NULL;
		struct zegel_identity *who = NULL;
		struct zegel_error error;

		fake_start(&fake);
		zegel = fake_open(&fake, 5000);
		assert_int_equal(zegel_whoami(zegel, &who, &error), rows[i].status);
		assert_null(who);
		assert_true(error.text[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libzegel_tells_how_the_agent_sees_us),
		cmocka_unit_test(libzegel_tells_a_stranger_that_he_is_one),
		cmocka_unit_test(libzegel_believes_no_answer_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
