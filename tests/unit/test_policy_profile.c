/* SPDX-License-Identifier: Apache-2.0 */
/* What can be limited in which kind of seal, and what is refused because it cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "policy/policy_profile.h"

#define AUTH   .name = "r", .key = "k", .profile = "dsgo-auth"
#define NR     .name = "r", .key = "k", .profile = "dsgo-nr"
#define JWS    .name = "r", .key = "k", .profile = "jws"
#define DIGEST .name = "r", .key = "k", .profile = "digest"

#define TEXTS(...)                                                                     \
	(const char *const[])                                                          \
	{                                                                              \
		__VA_ARGS__                                                            \
	}
#define CLAIM_SPECS(...)                                                               \
	.claim_specs = (const struct policy_claim_spec[]){__VA_ARGS__},                \
	.n_claim_specs = ARRAY_LEN(((const struct policy_claim_spec[]){__VA_ARGS__}))
#define TARGETS(...)                                                                   \
	.targets = TEXTS(__VA_ARGS__), .n_targets = ARRAY_LEN(TEXTS(__VA_ARGS__))
#define HOURS(...)                                                                     \
	.hours = (const struct policy_hours[]){__VA_ARGS__},                           \
	.n_hours = ARRAY_LEN(((const struct policy_hours[]){__VA_ARGS__}))
#define LISTED .claims = POLICY_CLAIMS_LISTED
#define NONE   .claims = POLICY_CLAIMS_NONE
#define ANY    .claims = POLICY_CLAIMS_ANY
#define SCOPE                                                                          \
	{                                                                              \
		"/scope", POLICY_CLAIM_MUST_BE, TEXTS("iSHARE"), 1                     \
	}
#define BAD_CLAIM                                                                      \
	{                                                                              \
		"scope", POLICY_CLAIM_MUST_BE, TEXTS("x"), 1                           \
	}
#define OWN(name)                                                                      \
	{                                                                              \
		name, POLICY_CLAIM_MUST_BE, TEXTS("x"), 1                              \
	}

/* Limits that could not limit, and limits that say nothing. */
static const struct policy_rule_spec bad_rules[] = {
	{DIGEST, .audiences = TEXTS("x"), .n_audiences = 1},
	{DIGEST, .has_audiences = true},
	{DIGEST, CLAIM_SPECS(SCOPE)},
	{DIGEST, LISTED},
	{DIGEST, NONE},
	{DIGEST, ANY},
	{DIGEST, .max_size = 64},
	{DIGEST, TARGETS("* *")},
	{JWS, .audiences = TEXTS("x"), .n_audiences = 1},
	{JWS, NONE},
	{JWS, TARGETS("* *")},
	{AUTH, ANY},
	{AUTH, TARGETS("* *")},
	{NR, ANY},
	{AUTH, NONE, CLAIM_SPECS(SCOPE)},
	{AUTH, CLAIM_SPECS(BAD_CLAIM)},
	{AUTH, CLAIM_SPECS(SCOPE, BAD_CLAIM)},
	{AUTH, CLAIM_SPECS(SCOPE, OWN("/iss"))},
	{AUTH, CLAIM_SPECS(OWN("/sub"))},
	{AUTH, CLAIM_SPECS(OWN("/aud/0"))},
	{AUTH, CLAIM_SPECS(OWN("/iat"))},
	{AUTH, CLAIM_SPECS(OWN("/exp"))},
	{AUTH, CLAIM_SPECS(OWN("/nbf"))},
	{AUTH, CLAIM_SPECS(OWN("/jti"))},
	{NR, CLAIM_SPECS(OWN("/aud"))},
	{NR, TARGETS("POST /", "POST")},
	{AUTH, HOURS({5, 5})},
	{AUTH, HOURS({6, 5})},
	{AUTH, HOURS({0, 1}, {0, POLICY_WEEK_MINUTES + 1})},
	{.name = "r", .key = "k", .profile = "jades", CLAIM_SPECS(SCOPE)},
	{.name = "r", .key = "k", .profile = "cades", TARGETS("* *")},
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

static void profile_refuses_a_limit_that_could_not_be_kept(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_rules); i++)
		assert_int_equal(
			policy_add_rule(policy, "c", &bad_rules[i]), STATUS_BAD_CONFIG);
	assert_int_equal(policy_count_rules(policy_get_client(policy, "c")), 0);
}

/* Of a profile that we know nothing of every limit is kept all the same. */
static void profile_that_is_unknown_keeps_every_limit(void **state)
{
	const struct policy_rule_spec rule = {.name = "r",
		.key = "k",
		.profile = "new",
		.audiences = TEXTS("x"),
		.n_audiences = 1,
		LISTED,
		CLAIM_SPECS(OWN("/iss")),
		TARGETS("* /"),
		.max_size = 5};
	static const struct {
		const char *claims;
		const char *rule;
	} cases[] = {
		{"{\"iss\":\"x\"}", "r"},
		{"{\"iss\":\"x\",\"sub\":\"x\"}", "claims"},
		{"{\"iss\":\"y\"}", "claim"},
		{NULL, "claim"},
	};
	CLEANUP(policy_freep) struct policy *policy = new_policy();

	(void)state;
	assert_null(policy_profile_find(rule.profile));
	assert_int_equal(policy_add_rule(policy, "c", &rule), STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *claims = cases[i].claims == NULL
					 ? NULL
					 : json_loads(cases[i].claims, 0, NULL);
		const struct policy_question question = {.key = "k",
			.profile = "new",
			.audience = "x",
			.claims = claims,
			.size = 5,
			.method = "GET",
			.target = "/"};

		assert_string_equal(
			policy_decide(policy_get_client(policy, "c"), &question).rule,
			cases[i].rule);
		json_decref(claims);
	}
}

static void profile_that_contains_all_others_is_known(void **state)
{
	(void)state;
	assert_true(policy_profile_is_master("digest", POLICY_CLAIMS_FREE));
	assert_true(policy_profile_is_master("jws", POLICY_CLAIMS_ANY));
	assert_false(policy_profile_is_master("jws", POLICY_CLAIMS_FREE));
	assert_false(policy_profile_is_master("jws", POLICY_CLAIMS_LISTED));
	assert_false(policy_profile_is_master("dsgo-auth", POLICY_CLAIMS_FREE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile_refuses_a_limit_that_could_not_be_kept),
		cmocka_unit_test(profile_that_is_unknown_keeps_every_limit),
		cmocka_unit_test(profile_that_contains_all_others_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
