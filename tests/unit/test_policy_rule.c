/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each word that a rule can have, allowed and refused, as policy_decide() says it. The
 * questions are complete: what is not in the table of a word is as the door would pass it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define AUTH   .name = "r", .key = "k", .profile = "dsgo-auth"
#define NR     .name = "r", .key = "k", .profile = "dsgo-nr"
#define JWS    .name = "r", .key = "k", .profile = "jws"
#define DIGEST .name = "r", .key = "k", .profile = "digest"

#define TEXTS(...)                                                                     \
	(const char *const[])                                                          \
	{                                                                              \
		__VA_ARGS__                                                            \
	}

/* One rule, one question; NULL: the rule allows it. */
struct word_case {
	struct policy_rule_spec rule;
	struct policy_question question; /* key and profile are the rule's */
	const char *claims;
	const char *refusal;
};

static const struct word_case audience_cases[] = {
	{{AUTH}, {.audience = "did:x"}, NULL, NULL},
	{{AUTH}, {.audience = NULL}, NULL, NULL},
	{{AUTH, .audiences = TEXTS("did:x"), .n_audiences = 1}, {.audience = "did:x"},
		NULL, NULL},
	{{AUTH, .audiences = TEXTS("did:x"), .n_audiences = 1}, {.audience = "did:y"},
		NULL, "audience"},
	{{AUTH, .audiences = TEXTS("did:x"), .n_audiences = 1}, {.audience = NULL},
		NULL, "audience"},
	{{AUTH, .audiences = TEXTS("c", "a", "b", "a"), .n_audiences = 4},
		{.audience = "a"}, NULL, NULL},
	{{AUTH, .audiences = TEXTS("c", "a", "b", "a"), .n_audiences = 4},
		{.audience = "ab"}, NULL, "audience"},
	/* A list that is empty allows nobody. */
	{{AUTH, .has_audiences = true}, {.audience = "did:x"}, NULL, "audience"},
	{{AUTH, .has_audiences = true}, {.audience = ""}, NULL, "audience"},
	{{AUTH, .has_audiences = true}, {.audience = NULL}, NULL, "audience"},
};

#define CLAIM_SPECS(...)                                                               \
	.claim_specs = (const struct policy_claim_spec[]){__VA_ARGS__},                \
	.n_claim_specs = ARRAY_LEN(((const struct policy_claim_spec[]){__VA_ARGS__}))

#define SCOPE                                                                          \
	{                                                                              \
		"/scope", POLICY_CLAIM_MUST_BE, TEXTS("iSHARE"), 1                     \
	}
#define NO_ROLE                                                                        \
	{                                                                              \
		"/role", POLICY_CLAIM_ABSENT, NULL, 0                                  \
	}
#define MAYBE_ENV                                                                      \
	{                                                                              \
		"/env/name", POLICY_CLAIM_MAY_BE, TEXTS("test", "acc"), 2              \
	}
#define DID                                                                            \
	{                                                                              \
		"/party", POLICY_CLAIM_MATCHES, TEXTS("did:*"), 1                      \
	}

static const struct word_case claim_cases[] = {
	{{AUTH, CLAIM_SPECS(SCOPE)}, {.audience = "x"}, "{\"scope\":\"iSHARE\"}", NULL},
	{{AUTH, CLAIM_SPECS(SCOPE)}, {.audience = "x"}, "{\"scope\":\"x\",\"a\":1}",
		"claim"},
	{{AUTH, CLAIM_SPECS(SCOPE)}, {.audience = "x"}, NULL, "claim"},
	{{AUTH, CLAIM_SPECS(SCOPE)}, {.audience = "x"},
		"{\"scope\":\"iSHARE\",\"a\":1}", NULL},
	{{AUTH, CLAIM_SPECS(NO_ROLE)}, {.audience = "x"}, "{\"role\":null}", "claim"},
	{{AUTH, CLAIM_SPECS(NO_ROLE)}, {.audience = "x"}, "{\"Role\":1}", NULL},
	{{AUTH, CLAIM_SPECS(MAYBE_ENV)}, {.audience = "x"}, "{\"env\":{}}", NULL},
	{{AUTH, CLAIM_SPECS(MAYBE_ENV)}, {.audience = "x"},
		"{\"env\":{\"name\":\"acc\"}}", NULL},
	{{AUTH, CLAIM_SPECS(MAYBE_ENV)}, {.audience = "x"},
		"{\"env\":{\"name\":\"prod\"}}", "claim"},
	{{AUTH, CLAIM_SPECS(DID)}, {.audience = "x"}, "{\"party\":\"did:x\"}", NULL},
	{{AUTH, CLAIM_SPECS(DID)}, {.audience = "x"}, "{\"party\":\"x\"}", "claim"},
	/* All must hold. */
	{{AUTH, CLAIM_SPECS(SCOPE, DID)}, {.audience = "x"},
		"{\"scope\":\"iSHARE\",\"party\":\"did:x\"}", NULL},
	{{AUTH, CLAIM_SPECS(SCOPE, DID)}, {.audience = "x"},
		"{\"scope\":\"iSHARE\",\"party\":\"x\"}", "claim"},
	{{AUTH, CLAIM_SPECS(SCOPE, DID)}, {.audience = "x"}, "{\"party\":\"did:x\"}",
		"claim"},
	/* For another audience its claims are not even looked at. */
	{{AUTH, .audiences = TEXTS("x"), .n_audiences = 1, CLAIM_SPECS(SCOPE)},
		{.audience = "y"}, NULL, "audience"},
};

#define FREE   .claims = POLICY_CLAIMS_FREE
#define LISTED .claims = POLICY_CLAIMS_LISTED
#define NONE   .claims = POLICY_CLAIMS_NONE
#define ANY    .claims = POLICY_CLAIMS_ANY

static const struct word_case mode_cases[] = {
	{{AUTH, FREE}, {.audience = "x"}, "{\"a\":1,\"b\":2}", NULL},
	{{AUTH, LISTED}, {.audience = "x"}, NULL, NULL},
	{{AUTH, LISTED}, {.audience = "x"}, "{}", NULL},
	{{AUTH, LISTED}, {.audience = "x"}, "{\"a\":1}", "claims"},
	{{AUTH, LISTED, CLAIM_SPECS(SCOPE, MAYBE_ENV)}, {.audience = "x"},
		"{\"scope\":\"iSHARE\",\"env\":{\"any\":1}}", NULL},
	{{AUTH, LISTED, CLAIM_SPECS(SCOPE, MAYBE_ENV)}, {.audience = "x"},
		"{\"scope\":\"iSHARE\",\"env\":5}", NULL},
	{{AUTH, LISTED, CLAIM_SPECS(SCOPE, MAYBE_ENV)}, {.audience = "x"},
		"{\"scope\":\"iSHARE\",\"name\":\"acc\"}", "claims"},
	{{AUTH, LISTED, CLAIM_SPECS(SCOPE)}, {.audience = "x"},
		"{\"a\":1,\"scope\":\"other\"}", "claim"},
	{{AUTH, LISTED, CLAIM_SPECS(NO_ROLE)}, {.audience = "x"}, "{\"role\":1}",
		"claim"},
	/* What the agent says itself may be repeated: it must say the same. */
	{{AUTH, LISTED}, {.audience = "x"},
		"{\"iss\":\"i\",\"sub\":\"i\",\"aud\":\"x\"}", NULL},
	{{AUTH, NONE}, {.audience = "x"}, NULL, NULL},
	{{AUTH, NONE}, {.audience = "x"}, "{}", NULL},
	{{AUTH, NONE}, {.audience = "x"}, "{\"a\":null}", "claims"},
	{{AUTH, NONE}, {.audience = "x"}, "{\"iss\":\"i\",\"sub\":\"i\",\"aud\":\"x\"}",
		NULL},
	{{AUTH, NONE}, {.audience = "x"}, "{\"iss\":\"i\",\"b\":1}", "claims"},
};

/* A plain JWS: its claims are the whole payload, and nobody else says iss or aud. */
static const struct word_case jws_cases[] = {
	{{JWS}, {.size = 9}, NULL, NULL},
	{{JWS}, {.size = 9}, "{\"iss\":\"x\"}", NULL},
	{{JWS}, {.size = 9, .is_token_like = true}, "{\"iss\":\"x\"}", "token-like"},
	{{JWS}, {.size = 9, .is_token_like = true}, NULL, "token-like"},
	{{JWS, LISTED, CLAIM_SPECS(SCOPE)}, {.size = 9, .is_token_like = true},
		"{\"scope\":\"iSHARE\"}", "token-like"},
	{{JWS, ANY}, {.size = 9, .is_token_like = true}, "{\"iss\":\"x\"}", NULL},
	{{JWS, ANY}, {.size = 9, .is_token_like = true}, NULL, NULL},
	{{JWS, ANY}, {.size = 9}, NULL, NULL},
	{{JWS, CLAIM_SPECS({"/iss", POLICY_CLAIM_MUST_BE, TEXTS("x"), 1})}, {.size = 9},
		"{\"iss\":\"x\"}", NULL},
	{{JWS, CLAIM_SPECS({"/iss", POLICY_CLAIM_MUST_BE, TEXTS("x"), 1})}, {.size = 9},
		"{\"iss\":\"y\"}", "claim"},
	{{JWS, LISTED, CLAIM_SPECS(SCOPE)}, {.size = 9}, "{\"scope\":\"iSHARE\"}",
		NULL},
	{{JWS, LISTED, CLAIM_SPECS(SCOPE)}, {.size = 9},
		"{\"scope\":\"iSHARE\",\"iss\":\"x\"}", "claims"},
	/* What we cannot read may say anything to another reader. */
	{{JWS, CLAIM_SPECS(NO_ROLE)}, {.size = 9}, NULL, "claims"},
	{{JWS, CLAIM_SPECS(NO_ROLE)}, {.size = 9}, "{}", NULL},
	{{JWS, LISTED}, {.size = 9}, NULL, "claims"},
	{{JWS, ANY, CLAIM_SPECS(NO_ROLE)}, {.size = 9, .is_token_like = true}, NULL,
		"claims"},
	{{JWS, ANY, CLAIM_SPECS(NO_ROLE)}, {.size = 9, .is_token_like = true},
		"{\"role\":1}", "claim"},
	{{JWS, ANY, CLAIM_SPECS(NO_ROLE)}, {.size = 9, .is_token_like = true},
		"{\"iss\":\"x\"}", NULL},
};

static const struct word_case size_cases[] = {
	{{AUTH, .max_size = 10}, {.audience = "x", .size = 0}, NULL, NULL},
	{{AUTH, .max_size = 10}, {.audience = "x", .size = 10}, NULL, NULL},
	{{AUTH, .max_size = 10}, {.audience = "x", .size = 11}, NULL, "size"},
	{{AUTH, .max_size = 0}, {.audience = "x", .size = SIZE_MAX}, NULL, NULL},
	{{DIGEST}, {.size = 64}, NULL, NULL},
};

#define TARGETS(...)                                                                   \
	.targets = TEXTS(__VA_ARGS__), .n_targets = ARRAY_LEN(TEXTS(__VA_ARGS__))

static const struct word_case target_cases[] = {
	{{NR}, {.audience = "x", .method = "PUT", .target = "/a"}, NULL, NULL},
	{{NR, TARGETS("POST /a*", "* /b?")},
		{.audience = "x", .method = "POST", .target = "/abc"}, NULL, NULL},
	{{NR, TARGETS("POST /a*", "* /b?")},
		{.audience = "x", .method = "DELETE", .target = "/b1"}, NULL, NULL},
	{{NR, TARGETS("POST /a*", "* /b?")},
		{.audience = "x", .method = "DELETE", .target = "/abc"}, NULL,
		"target"},
	{{NR, TARGETS("POST /a*", "* /b?")},
		{.audience = "x", .method = "POST", .target = "/b12"}, NULL, "target"},
	{{NR, TARGETS("* *")}, {.audience = "x"}, NULL, "target"},
	{{NR, TARGETS("* *")}, {.audience = "x", .method = "GET"}, NULL, "target"},
	{{NR, TARGETS("* *")}, {.audience = "x", .target = "/"}, NULL, "target"},
};

#define HOURS(...)                                                                     \
	.hours = (const struct policy_hours[]){__VA_ARGS__},                           \
	.n_hours = ARRAY_LEN(((const struct policy_hours[]){__VA_ARGS__}))

static const struct word_case hours_cases[] = {
	{{AUTH}, {.audience = "x", .week_minute = POLICY_WEEK_MINUTES - 1}, NULL, NULL},
	{{AUTH, HOURS({480, 1080})}, {.audience = "x", .week_minute = 479}, NULL,
		"hours"},
	{{AUTH, HOURS({480, 1080})}, {.audience = "x", .week_minute = 480}, NULL, NULL},
	{{AUTH, HOURS({480, 1080})}, {.audience = "x", .week_minute = 1079}, NULL,
		NULL},
	{{AUTH, HOURS({480, 1080})}, {.audience = "x", .week_minute = 1080}, NULL,
		"hours"},
	{{AUTH, HOURS({0, 1}, {1440, 2880})}, {.audience = "x", .week_minute = 2000},
		NULL, NULL},
	{{AUTH, HOURS({0, 1}, {1440, 2880})}, {.audience = "x", .week_minute = 1}, NULL,
		"hours"},
	{{AUTH, HOURS({10079, 10080})}, {.audience = "x", .week_minute = 10079}, NULL,
		NULL},
	{{DIGEST, HOURS({480, 1080})}, {.week_minute = 0}, NULL, "hours"},
};

static void add_client(struct policy *policy)
{
	const struct policy_client_spec client = {
		.name = "c", .has_user = true, .user = 7, .weight = 1};
	const char *rival = NULL;

	assert_int_equal(policy_add_client(policy, &client, &rival), STATUS_OK);
}

static void check_case(const struct word_case *one)
{
	CLEANUP(policy_freep) struct policy *policy = NULL;
	struct policy_question question = one->question;
	struct policy_verdict verdict;
	json_t *claims = NULL;

	assert_int_equal(policy_new(&policy), STATUS_OK);
	add_client(policy);
	assert_int_equal(policy_add_rule(policy, "c", &one->rule), STATUS_OK);
	if (one->claims != NULL) {
		claims = json_loads(one->claims, 0, NULL);
		assert_non_null(claims);
	}
	question.key = one->rule.key;
	question.profile = one->rule.profile;
	question.claims = claims;
	verdict = policy_decide(policy_get_client(policy, "c"), &question);
	json_decref(claims);
	assert_string_equal(verdict.client, "c");
	assert_string_equal(verdict.rule, one->refusal == NULL ? "r" : one->refusal);
	assert_string_equal(verdict.nearest, one->refusal == NULL ? "" : "r");
	assert_int_equal(
		verdict.status, one->refusal == NULL ? STATUS_OK : STATUS_DENIED);
	assert_true((verdict.rate == NULL) == (one->refusal != NULL));
	assert_true(one->refusal == NULL || policy_is_reserved(one->refusal));
}

static void check_cases(const struct word_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_case(&cases[i]);
}

static void rule_limits_the_audience(void **state)
{
	(void)state;
	check_cases(audience_cases, ARRAY_LEN(audience_cases));
}

static void rule_limits_a_claim(void **state)
{
	(void)state;
	check_cases(claim_cases, ARRAY_LEN(claim_cases));
}

static void rule_limits_which_claims(void **state)
{
	(void)state;
	check_cases(mode_cases, ARRAY_LEN(mode_cases));
}

static void rule_limits_a_plain_jws(void **state)
{
	(void)state;
	check_cases(jws_cases, ARRAY_LEN(jws_cases));
}

static void rule_limits_the_size(void **state)
{
	(void)state;
	check_cases(size_cases, ARRAY_LEN(size_cases));
}

static void rule_limits_the_target(void **state)
{
	(void)state;
	check_cases(target_cases, ARRAY_LEN(target_cases));
}

static void rule_limits_the_hours(void **state)
{
	(void)state;
	check_cases(hours_cases, ARRAY_LEN(hours_cases));
}

/* Of several rules the refusal tells of the one that came furthest. */
static const struct policy_rule_spec many[] = {
	{.name = "size-1", .key = "k", .profile = "dsgo-nr", .max_size = 1},
	{.name = "audience-1",
		.key = "k",
		.profile = "dsgo-nr",
		.audiences = TEXTS("a"),
		.n_audiences = 1},
	{.name = "audience-2",
		.key = "k",
		.profile = "dsgo-nr",
		.audiences = TEXTS("b"),
		.n_audiences = 1,
		.max_size = 4},
	{.name = "target-1", .key = "k", .profile = "dsgo-nr", TARGETS("GET *")},
	{.name = "claim-1", .key = "k", .profile = "dsgo-nr", CLAIM_SPECS(SCOPE)},
	{.name = "claims-1", .key = "k", .profile = "dsgo-nr", NONE},
	{.name = "hours-1",
		.key = "k",
		.profile = "dsgo-nr",
		HOURS({5, 6}),
		.max_size = 3},
};

static const struct {
	const char *audience;
	size_t size;
	size_t n_rules; /* of `many`, from the first on */
	const char *rule;
	const char *nearest;
} nearest_cases[] = {
	{"x", 9, 1, "size", "size-1"},
	{"x", 9, 7, "size", "size-1"},
	{"x", 2, 7, "hours", "hours-1"},
	{"x", 1, 7, "size-1", ""},
	{"b", 5, 3, "size", "size-1"},
	{"b", 3, 3, "audience-2", ""},
};

static void rule_that_came_furthest_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nearest_cases); i++) {
		CLEANUP(policy_freep) struct policy *policy = NULL;
		json_t *claims = json_pack("{s:i}", "a", 1);
		const struct policy_question question = {.key = "k",
			.profile = "dsgo-nr",
			.audience = nearest_cases[i].audience,
			.claims = claims,
			.size = nearest_cases[i].size,
			.method = "POST",
			.target = "/"};
		struct policy_verdict verdict;

		assert_int_equal(policy_new(&policy), STATUS_OK);
		add_client(policy);
		for (size_t j = 0; j < nearest_cases[i].n_rules; j++)
			assert_int_equal(
				policy_add_rule(policy, "c", &many[j]), STATUS_OK);
		verdict = policy_decide(policy_get_client(policy, "c"), &question);
		json_decref(claims);
		assert_string_equal(verdict.rule, nearest_cases[i].rule);
		assert_string_equal(verdict.nearest, nearest_cases[i].nearest);
	}
}

/* Each rule alone refuses with its own word; together, in any order, the last wins. */
static void rule_order_of_limits_is_the_one_of_the_manual(void **state)
{
	static const char *const order[] = {
		"audience-1", "target-1", "claim-1", "claims-1", "size-1", "hours-1"};

	(void)state;
	for (size_t i = 0; i + 1 < ARRAY_LEN(order); i++) {
		CLEANUP(policy_freep) struct policy *policy = NULL;
		json_t *claims = json_pack("{s:i}", "a", 1);
		const struct policy_question question = {.key = "k",
			.profile = "dsgo-nr",
			.audience = "x",
			.claims = claims,
			.size = 2,
			.method = "POST",
			.target = "/"};

		assert_int_equal(policy_new(&policy), STATUS_OK);
		add_client(policy);
		for (size_t j = 0; j < ARRAY_LEN(many); j++) {
			if (strcmp(many[j].name, order[i]) == 0 ||
				strcmp(many[j].name, order[i + 1]) == 0)
				assert_int_equal(policy_add_rule(policy, "c", &many[j]),
					STATUS_OK);
		}
		assert_string_equal(
			policy_decide(policy_get_client(policy, "c"), &question)
				.nearest,
			order[i + 1]);
		json_decref(claims);
	}
}

static void rule_gives_its_rate_to_who_is_allowed(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = NULL;
	const struct policy_rule_spec rule = {AUTH, .rate = {20, 40, 2}};
	const struct policy_question question = {.key = "k", .profile = "dsgo-auth"};
	struct policy_verdict verdict;

	(void)state;
	assert_int_equal(policy_new(&policy), STATUS_OK);
	add_client(policy);
	assert_int_equal(policy_add_rule(policy, "c", &rule), STATUS_OK);
	verdict = policy_decide(policy_get_client(policy, "c"), &question);
	assert_non_null(verdict.rate);
	assert_int_equal(verdict.rate->per_second, 20);
	assert_int_equal(verdict.rate->burst, 40);
	assert_int_equal(verdict.rate->concurrent, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_limits_the_audience),
		cmocka_unit_test(rule_limits_a_claim),
		cmocka_unit_test(rule_limits_which_claims),
		cmocka_unit_test(rule_limits_a_plain_jws),
		cmocka_unit_test(rule_limits_the_size),
		cmocka_unit_test(rule_limits_the_target),
		cmocka_unit_test(rule_limits_the_hours),
		cmocka_unit_test(rule_that_came_furthest_is_named),
		cmocka_unit_test(rule_order_of_limits_is_the_one_of_the_manual),
		cmocka_unit_test(rule_gives_its_rate_to_who_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
