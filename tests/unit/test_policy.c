/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define AUD_A "did:ishare:EU.NL.NTRNL-11111111"
#define AUD_B "did:ishare:EU.NL.NTRNL-22222222"
#define AUD_C "did:ishare:EU.NL.NTRNL-33333333"

enum {
	N_MANY = 10000,
	UID_FIRST = 2000,
};

static void add_rule(
	struct policy *policy, const char *client, const struct policy_rule_spec *spec)
{
	assert_int_equal(policy_add_rule(policy, client, spec), STATUS_OK);
}

static enum status add_client(struct policy *policy, const char *name, uid_t uid)
{
	const struct policy_client_spec spec = {
		.name = name, .has_user = true, .user = uid, .weight = 1};
	const char *rival = NULL;

	return policy_add_client(policy, &spec, &rival);
}

static const struct policy_client *client_of(const struct policy *policy, uid_t uid)
{
	const struct policy_peer peer = {
		.uid = uid, .unit = "", .exe = "", .label = "", .listen = ""};

	return policy_find_client(policy, &peer);
}

/* Two clients: "planning" (1000) with all kinds of rules, "idle" (1001) with none. */
static struct policy *new_example(void)
{
	static const char *const only_b[] = {AUD_B};
	static const char *const b_and_a[] = {AUD_B, AUD_A};
	struct policy *policy = NULL;

	assert_int_equal(policy_new(&policy), STATUS_OK);
	assert_int_equal(add_client(policy, "planning", 1000), STATUS_OK);
	assert_int_equal(add_client(policy, "idle", 1001), STATUS_OK);
	add_rule(policy, "planning",
		&(struct policy_rule_spec){.name = "z",
			.key = "bouw",
			.profile = "dsgo-auth",
			.audiences = only_b,
			.n_audiences = 1});
	add_rule(policy, "planning",
		&(struct policy_rule_spec){.name = "a",
			.key = "bouw",
			.profile = "dsgo-auth",
			.audiences = b_and_a,
			.n_audiences = 2});
	add_rule(policy, "planning",
		&(struct policy_rule_spec){.name = "raw",
			.key = "bouw",
			.profile = "digest",
			.audiences = NULL,
			.n_audiences = 0});
	add_rule(policy, "planning",
		&(struct policy_rule_spec){.name = "any",
			.key = "archief",
			.profile = "dsgo-auth",
			.audiences = NULL,
			.n_audiences = 0});
	return policy;
}

struct decision {
	uid_t uid;
	const char *key;
	const char *profile;
	const char *audience;
	enum status status;
	const char *client;
	const char *rule;
};

static const struct decision decisions[] = {
	{1000, "bouw", "dsgo-auth", AUD_A, STATUS_OK, "planning", "a"},
	/* Both allow; the first of the file is named although its name comes last. */
	{1000, "bouw", "dsgo-auth", AUD_B, STATUS_OK, "planning", "z"},
	{1000, "bouw", "dsgo-auth", AUD_C, STATUS_DENIED, "planning", "audience"},
	{1000, "bouw", "dsgo-auth", NULL, STATUS_DENIED, "planning", "audience"},
	{1000, "bouw", "dsgo-auth", "", STATUS_DENIED, "planning", "audience"},
	{1000, "bouw", "digest", NULL, STATUS_OK, "planning", "raw"},
	{1000, "archief", "dsgo-auth", AUD_C, STATUS_OK, "planning", "any"},
	{1000, "archief", "digest", NULL, STATUS_DENIED, "planning", "no-rule"},
	{1000, "bouw", "dsgo-nr", AUD_A, STATUS_DENIED, "planning", "no-rule"},
	{1000, "bou", "dsgo-auth", AUD_A, STATUS_DENIED, "planning", "no-rule"},
	{1000, "bouww", "dsgo-auth", AUD_A, STATUS_DENIED, "planning", "no-rule"},
	{1001, "bouw", "dsgo-auth", AUD_A, STATUS_DENIED, "idle", "no-rule"},
	{1002, "bouw", "dsgo-auth", AUD_A, STATUS_DENIED, "", "stranger"},
	{0, "bouw", "dsgo-auth", AUD_A, STATUS_DENIED, "", "stranger"},
	{(uid_t)-1, "bouw", "dsgo-auth", AUD_A, STATUS_DENIED, "", "stranger"},
};

static void check_decision(const struct policy *policy, const struct decision *wanted)
{
	const struct policy_question question = {.key = wanted->key,
		.profile = wanted->profile,
		.audience = wanted->audience};
	const struct policy_verdict verdict =
		policy_decide(client_of(policy, wanted->uid), &question);

	assert_int_equal(verdict.status, wanted->status);
	assert_string_equal(verdict.client, wanted->client);
	assert_string_equal(verdict.rule, wanted->rule);
}

static void policy_names_the_rule_or_the_refusal(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_example();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(decisions); i++)
		check_decision(policy, &decisions[i]);
}

static void policy_refuses_all_when_it_is_empty(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = NULL;

	(void)state;
	assert_int_equal(policy_new(&policy), STATUS_OK);
	check_decision(policy, &(struct decision){0, "bouw", "digest", NULL,
				       STATUS_DENIED, "", "stranger"});
	assert_null(client_of(policy, 0));
}

static void policy_shows_only_what_may_be_used(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_example();
	const struct policy_client *planning = client_of(policy, 1000);
	const struct policy_client *idle = client_of(policy, 1001);
	const struct policy_client *stranger = client_of(policy, 1002);

	(void)state;
	assert_non_null(planning);
	assert_non_null(idle);
	assert_null(stranger);
	assert_true(policy_can_see(planning, "bouw"));
	assert_true(policy_can_see(planning, "archief"));
	assert_false(policy_can_see(planning, "b"));
	assert_false(policy_can_see(planning, "zzz"));
	assert_false(policy_can_see(idle, "bouw"));
	assert_false(policy_can_see(stranger, "bouw"));
	assert_true(policy_can_use(planning, "bouw", "digest"));
	assert_true(policy_can_use(planning, "bouw", "dsgo-auth"));
	assert_false(policy_can_use(planning, "archief", "digest"));
	assert_false(policy_can_use(idle, "bouw", "digest"));
	assert_false(policy_can_use(stranger, "bouw", "digest"));
}

static void policy_refuses_what_would_be_ambiguous(void **state)
{
	static const char *const audience[] = {AUD_A};
	static const struct policy_rule_spec bad[] = {
		{.name = "a",
			.key = "other",
			.profile = "other",
			.audiences = NULL,
			.n_audiences = 0},
		{.name = "limited",
			.key = "bouw",
			.profile = "digest",
			.audiences = audience,
			.n_audiences = 1},
		{.name = "stranger",
			.key = "bouw",
			.profile = "dsgo-auth",
			.audiences = NULL,
			.n_audiences = 0},
		{.name = "no-rule",
			.key = "bouw",
			.profile = "dsgo-auth",
			.audiences = NULL,
			.n_audiences = 0},
		{.name = "audience",
			.key = "bouw",
			.profile = "dsgo-auth",
			.audiences = NULL,
			.n_audiences = 0},
	};
	CLEANUP(policy_freep) struct policy *policy = new_example();

	(void)state;
	assert_int_equal(add_client(policy, "planning", 5), STATUS_BAD_CONFIG);
	assert_int_equal(add_client(policy, "other", 1000), STATUS_BAD_CONFIG);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(policy_add_rule(policy, "planning", &bad[i]),
			STATUS_BAD_CONFIG);
	assert_int_equal(policy_add_rule(policy, "nobody-here",
				 &(struct policy_rule_spec){.name = "r",
					 .key = "k",
					 .profile = "p",
					 .audiences = NULL,
					 .n_audiences = 0}),
		STATUS_BAD_CONFIG);
	/* None of them left a trace. */
	for (size_t i = 0; i < ARRAY_LEN(decisions); i++)
		check_decision(policy, &decisions[i]);
}

static void policy_keeps_nothing_of_the_caller(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = NULL;
	char name[] = "client", rule[] = "rule", key[] = "key", audience[] = AUD_A;
	const char *audiences[] = {audience};
	const struct policy_rule_spec spec = {.name = rule,
		.key = key,
		.profile = "dsgo-auth",
		.audiences = audiences,
		.n_audiences = 1};

	(void)state;
	assert_int_equal(policy_new(&policy), STATUS_OK);
	assert_int_equal(add_client(policy, name, 7), STATUS_OK);
	add_rule(policy, name, &spec);
	name[0] = rule[0] = key[0] = audience[0] = 'X';
	check_decision(policy, &(struct decision){7, "key", "dsgo-auth", AUD_A,
				       STATUS_OK, "client", "rule"});
}

static void policy_finds_each_of_ten_thousand_clients(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = NULL;
	char name[32];

	(void)state;
	assert_int_equal(policy_new(&policy), STATUS_OK);
	for (uid_t i = 0; i < N_MANY; i++) {
		(void)snprintf(name, sizeof(name), "client-%u", i);
		assert_int_equal(
			add_client(policy, name, UID_FIRST + i * 7), STATUS_OK);
		add_rule(policy, name,
			&(struct policy_rule_spec){.name = name,
				.key = "key",
				.profile = "digest",
				.audiences = NULL,
				.n_audiences = 0});
	}
	for (uid_t i = 0; i < N_MANY; i++) {
		const uid_t uid = UID_FIRST + i * 7;

		(void)snprintf(name, sizeof(name), "client-%u", i);
		check_decision(policy, &(struct decision){uid, "key", "digest", NULL,
					       STATUS_OK, name, name});
		check_decision(policy, &(struct decision){uid + 1, "key", "digest",
					       NULL, STATUS_DENIED, "", "stranger"});
	}
}

static void policy_keeps_the_names_of_refusals(void **state)
{
	static const char *const names[] = {"stranger", "no-rule", "audience", "target",
		"claim", "claims", "token-like", "size", "hours", "rate", "concurrent",
		"busy", "identity", "peer-unclear"};
	CLEANUP(policy_freep) struct policy *policy = NULL;

	(void)state;
	assert_int_equal(policy_new(&policy), STATUS_OK);
	assert_int_equal(add_client(policy, "c", 7), STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct policy_rule_spec rule = {
			.name = names[i], .key = "k", .profile = "digest"};

		assert_true(policy_is_reserved(names[i]));
		assert_int_equal(
			policy_add_rule(policy, "c", &rule), STATUS_BAD_CONFIG);
	}
	assert_false(policy_is_reserved("login"));
	assert_false(policy_is_reserved(""));
	assert_false(policy_is_reserved("Size"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_names_the_rule_or_the_refusal),
		cmocka_unit_test(policy_refuses_all_when_it_is_empty),
		cmocka_unit_test(policy_shows_only_what_may_be_used),
		cmocka_unit_test(policy_refuses_what_would_be_ambiguous),
		cmocka_unit_test(policy_keeps_the_names_of_refusals),
		cmocka_unit_test(policy_keeps_nothing_of_the_caller),
		cmocka_unit_test(policy_finds_each_of_ten_thousand_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
