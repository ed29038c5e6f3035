/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict in words, where a client has more rules than anybody reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy_claim.h"
#include "policy/policy_explain.h"

enum {
	OUT_MAX = 1 << 16,
};

static json_t *parse(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	assert_non_null(value);
	return value;
}

enum {
	N_MANY = 1024,
	N_SHOWN = 16, /* of the rules */
	N_MASTERS_SHOWN = 4,
};

static struct policy *new_policy(void)
{
	const struct policy_client_spec client = {
		.name = "c", .has_user = true, .user = 7, .weight = 1};
	struct policy *policy = NULL;
	const char *rival = NULL;

	assert_int_equal(policy_new(&policy), STATUS_OK);
	assert_int_equal(policy_add_client(policy, &client, &rival), STATUS_OK);
	return policy;
}

/* Each with the longest words there are, for one key and profile. */
static void add_many_rules(struct policy *policy)
{
	static char long_text[POLICY_CLAIM_VALUE_MAX + 1];
	static const char *values[64];
	static char pointer[POLICY_POINTER_MAX + 1] = "/";
	const struct policy_claim_spec claim = {
		pointer, POLICY_CLAIM_MAY_BE, values, ARRAY_LEN(values)};

	memset(long_text, 1, sizeof(long_text) - 1);
	memset(pointer + 1, 'p', sizeof(pointer) - 2);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		values[i] = long_text;
	for (int i = 0; i < N_MANY; i++) {
		char name[65];
		const struct policy_rule_spec rule = {.name = name,
			.key = "many",
			.profile = "dsgo-auth",
			.claim_specs = &claim,
			.n_claim_specs = 1,
			.max_size = i == N_MANY - 1 ? 1 : 0};

		(void)snprintf(name, sizeof(name), "rule%060d", i);
		assert_int_equal(policy_add_rule(policy, "c", &rule), STATUS_OK);
	}
	for (int i = 0; i < N_MANY; i++) {
		char name[65];
		const struct policy_rule_spec rule = {
			.name = name, .key = "many", .profile = "digest"};

		(void)snprintf(name, sizeof(name), "raw%061d", i);
		assert_int_equal(policy_add_rule(policy, "c", &rule), STATUS_OK);
	}
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
		n++;
	return n;
}

static const char *explain_many(
	const struct policy *policy, const char *json, struct buf *out)
{
	json_t *claims = parse(json);
	const struct policy_question question = {.key = "many",
		.profile = "dsgo-auth",
		.audience = "z",
		.claims = claims,
		.size = 9};
	const char *text = NULL;

	assert_int_equal(policy_explain(policy_get_client(policy, "c"), &question, out),
		STATUS_OK);
	assert_int_equal(buf_get_text(out, &text), STATUS_OK);
	json_decref(claims);
	return text;
}

static void explain_shows_a_few_of_many_rules_and_the_one_that_decides(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(buf_deinit) struct buf first = BUF_INIT(POLICY_EXPLAIN_MAX);
	CLEANUP(buf_deinit) struct buf last = BUF_INIT(POLICY_EXPLAIN_MAX);
	char json[2 * POLICY_POINTER_MAX + 16] = "{\"";
	const char *text;

	(void)state;
	add_many_rules(policy);
	/* All refuse by their longest words; the first is named. */
	memset(json + 2, 'p', POLICY_POINTER_MAX - 1);
	strcat(json, "\":true}");
	text = explain_many(policy, json, &first);
	assert_int_equal(count(text, "\nrule \"") + 1, N_SHOWN);
	assert_non_null(strstr(text, "and 1008 more rules for this key and profile\n"));
	assert_int_equal(
		count(text, "contains every other kind of seal"), N_MASTERS_SHOWN);
	assert_non_null(strstr(text, "\nwarning: and 1020 more such rules\n"));
	/* Without the claim all but the last allow. */
	text = explain_many(policy, "{}", &last);
	assert_int_equal(count(text, ": allowed\n"), N_SHOWN);
}

/* Only the last one comes as far as this. */
static void explain_shows_the_rule_that_decides_wherever_it_stands(void **state)
{
	static const char *const near[] = {"z"};
	static const char *const far[] = {"y"};
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(POLICY_EXPLAIN_MAX);

	(void)state;
	for (int i = 0; i < 40; i++) {
		char name[65];
		const struct policy_rule_spec rule = {.name = name,
			.key = "many",
			.profile = "dsgo-auth",
			.audiences = i == 30 ? near : far,
			.n_audiences = 1,
			.has_audiences = true};

		(void)snprintf(name, sizeof(name), "r%d", i);
		assert_int_equal(policy_add_rule(policy, "c", &rule), STATUS_OK);
	}
	assert_non_null(strstr(explain_many(policy, "{}", &out),
		"rule \"r15\": audience: expected \"y\", found \"z\"\n"
		"rule \"r30\": allowed\n"
		"and 23 more rules for this key and profile\n"
		"allowed by rule \"r30\"\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			explain_shows_a_few_of_many_rules_and_the_one_that_decides),
		cmocka_unit_test(
			explain_shows_the_rule_that_decides_wherever_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
