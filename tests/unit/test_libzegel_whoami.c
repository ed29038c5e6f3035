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
	bool is_next; /* some were heard before */
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
	said->is_next = request->whoami->has_first_rule;
	said->response.id = request->id;
	said->response.what_case = ZEGEL__V1__RESPONSE__WHAT_WHOAMI;
	said->response.whoami = &said->result;
}

typedef void change_fn(struct said *said);

/* What the fake agent, which is a child of ours, makes of an answer; set before it starts. */
static change_fn **get_change(void)
{
	static change_fn *change;

	return &change;
}

static bool say_changed(int fd, const Zegel__V1__Request *request)
{
	struct said said;

	say_one(&said, request);
	(*get_change())(&said);
	fake_send(fd, &said.response);
	return true;
}

static ProtobufCBinaryData with_nul(void)
{
	ProtobufCBinaryData bytes = fake_bytes("a.service");

	bytes.len++;
	return bytes;
}

static void say_stranger(struct said *said)
{
	said->result.client = fake_bytes("");
	said->result.n_rules = 0;
	said->result.is_unclear = true;
}

static void libzegel_tells_a_stranger_that_he_is_one(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = say_changed};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_identity *who = NULL;

	(void)state;
	*get_change() = say_stranger;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(zegel_whoami(zegel, &who, NULL), ZEGEL_OK);
	assert_string_equal(who->client, "");
	assert_true(who->is_unclear);
	assert_int_equal(who->n_rules, 0);
	assert_int_equal(who->n_groups, 0);
	zegel_identity_free(who);
}

static void say_for_ever(struct said *said)
{
	said->result.has_more = true;
}

static void say_more_of_nothing(struct said *said)
{
	said->result.n_rules = 0;
	said->result.has_more = true;
}

static void say_unit_with_nul(struct said *said)
{
	said->result.has_unit = true;
	said->result.unit = with_nul();
}

static void say_exe_with_nul(struct said *said)
{
	said->result.has_exe = true;
	said->result.exe = with_nul();
}

static void say_label_with_nul(struct said *said)
{
	said->result.has_label = true;
	said->result.label = with_nul();
}

static void say_client_with_nul(struct said *said)
{
	said->result.client = with_nul();
}

static void say_listen_with_nul(struct said *said)
{
	said->result.listen = with_nul();
}

static void say_rule_without_name(struct said *said)
{
	said->rule.name = fake_bytes("");
}

static void say_rule_with_nul(struct said *said)
{
	said->rule.key = with_nul();
}

static void say_profile_with_nul(struct said *said)
{
	said->rule.profile = with_nul();
}

/* Another section at each answer. */
static void say_another(struct said *said)
{
	if (said->is_next)
		said->result.client = fake_bytes("d");
	said->result.has_more = true;
}

static void libzegel_believes_no_answer_that_cannot_be(void **state)
{
	static const struct {
		change_fn *change;
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
		CLEANUP(fake_stop) struct fake fake = {.act = say_changed};
		CLEANUP(fake_closep) struct zegel *zegel = NULL;
		struct zegel_identity *who = NULL;
		struct zegel_error error;

		*get_change() = rows[i].change;
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
