/* SPDX-License-Identifier: Apache-2.0 */
/* One rule about one claim: where it looks, and what it takes for equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy_claim.h"
#include "policy/policy_pattern.h"

#define X16  "xxxxxxxxxxxxxxxx"
#define X256 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16

static const struct {
	const char *text;
	bool is_pointer;
} pointers[] = {
	{"/a", true},
	{"/", true},
	{"//", true},
	{"/a/b/0/-", true},
	{"/~0~1", true},
	{"/a b", true},
	{"/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", true},
	{"/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", false},
	{"", false},
	{"a", false},
	{"a/b", false},
	{"/~", false},
	{"/~2", false},
	{"/a~/b", false},
	{"/" X256, false},
};

static void claim_pointer_is_that_of_rfc_6901(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pointers); i++)
		assert_true(policy_claim_is_pointer(pointers[i].text) ==
			    pointers[i].is_pointer);
}

static const struct {
	const char *text;
	bool is_value;
} values[] = {
	{"", true},
	{"text", true},
	{"{}", true},
	{"JSON:x", true},
	{X256 X256 X256 X256, true},
	{X256 X256 X256 X256 "x", false},
	{"json:5", true},
	{"json:-0.5", true},
	{"json:true", true},
	{"json: null", true},
	{"json:\"x\"", true},
	{"json:", false},
	{"json:x", false},
	{"json:5 6", false},
	{"json:{}", false},
	{"json:[1]", false},
	{"json:99999999999999999999", false},
	{"json:1e999", false},
	{"\xff", false},
};

static void claim_value_is_a_text_or_a_scalar(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		assert_true(
			policy_claim_is_value(values[i].text) == values[i].is_value);
}

struct claim_case {
	const char *pointer;
	enum policy_claim_kind kind;
	const char *values[3];
	const char *claims; /* NULL: there are none */
	bool holds;
};

#define MUST_BE(value)                                                                 \
	POLICY_CLAIM_MUST_BE,                                                          \
	{                                                                              \
		value                                                                  \
	}
#define MAY_BE(...)                                                                    \
	POLICY_CLAIM_MAY_BE,                                                           \
	{                                                                              \
		__VA_ARGS__                                                            \
	}
#define ABSENT                                                                         \
	POLICY_CLAIM_ABSENT,                                                           \
	{                                                                              \
		NULL                                                                   \
	}
#define MATCHES(value)                                                                 \
	POLICY_CLAIM_MATCHES,                                                          \
	{                                                                              \
		value                                                                  \
	}

#define OUTER                                                                          \
	"{\"a\":{\"b\":[{\"c\":\"x\"},[\"y\",7]],\"\":1},\"m~n\":2,\"o/p\":3,"         \
	"\"~1\":4,\"\":5,\"0\":\"zero\"}"

static const struct claim_case claim_cases[] = {
	/* Where it looks. */
	{"/a/b/0/c", MUST_BE("x"), OUTER, true},
	{"/a/b/1/0", MUST_BE("y"), OUTER, true},
	{"/a/b/1/1", MUST_BE("json:7"), OUTER, true},
	{"/a/", MUST_BE("json:1"), OUTER, true},
	{"/m~0n", MUST_BE("json:2"), OUTER, true},
	{"/o~1p", MUST_BE("json:3"), OUTER, true},
	{"/~01", MUST_BE("json:4"), OUTER, true},
	{"/", MUST_BE("json:5"), OUTER, true},
	{"/0", MUST_BE("zero"), OUTER, true},
	{"/o/p", ABSENT, OUTER, true},
	{"/a/b/2", ABSENT, OUTER, true},
	{"/a/b/-", ABSENT, OUTER, true},
	{"/a/b/00", ABSENT, OUTER, true},
	{"/a/b/01/0", ABSENT, OUTER, true},
	{"/a/b/+1", ABSENT, OUTER, true},
	{"/a/b/1048577", ABSENT, OUTER, true},
	{"/a/b/18446744073709551616", ABSENT, OUTER, true},
	{"/a/b/c", ABSENT, OUTER, true},
	{"/a/b/0/c/d", ABSENT, OUTER, true},
	{"/A", ABSENT, OUTER, true},
	{"/a", ABSENT, OUTER, false},
	{"/a/b/0", ABSENT, OUTER, false},
	/* Must be. */
	{"/s", MUST_BE("x"), "{\"s\":\"x\"}", true},
	{"/s", MUST_BE("x"), "{\"s\":\"X\"}", false},
	{"/s", MUST_BE("x"), "{\"s\":\"x\\u0000\"}", false},
	{"/s", MUST_BE("x"), "{\"s\":\"xx\"}", false},
	{"/s", MUST_BE("x"), "{}", false},
	{"/s", MUST_BE("x"), NULL, false},
	{"/s", MUST_BE(""), "{\"s\":\"\"}", true},
	{"/s", MUST_BE(""), "{\"s\":null}", false},
	{"/s", MUST_BE("5"), "{\"s\":\"5\"}", true},
	{"/s", MUST_BE("5"), "{\"s\":5}", false},
	{"/s", MUST_BE("json:5"), "{\"s\":5}", true},
	{"/s", MUST_BE("json:5"), "{\"s\":\"5\"}", false},
	{"/s", MUST_BE("json:5"), "{\"s\":5.0}", false},
	{"/s", MUST_BE("json:5.0"), "{\"s\":5.0}", true},
	{"/s", MUST_BE("json:0.5"), "{\"s\":5e-1}", true},
	{"/s", MUST_BE("json:true"), "{\"s\":true}", true},
	{"/s", MUST_BE("json:true"), "{\"s\":false}", false},
	{"/s", MUST_BE("json:true"), "{\"s\":1}", false},
	{"/s", MUST_BE("json:null"), "{\"s\":null}", true},
	{"/s", MUST_BE("json:null"), "{}", false},
	{"/s", MUST_BE("json:\"x\""), "{\"s\":\"x\"}", true},
	{"/s", MUST_BE("x"), "{\"s\":[\"x\"]}", false},
	{"/s", MUST_BE("x"), "{\"s\":{\"x\":\"x\"}}", false},
	{"/s", MUST_BE("\xc3\xa9"), "{\"s\":\"\\u00e9\"}", true},
	/* May be. */
	{"/s", MAY_BE("x", "json:5"), "{\"s\":\"x\"}", true},
	{"/s", MAY_BE("x", "json:5"), "{\"s\":5}", true},
	{"/s", MAY_BE("x", "json:5"), "{\"s\":\"y\"}", false},
	{"/s", MAY_BE("x", "json:5"), "{\"s\":[]}", false},
	{"/s", MAY_BE("x", "json:5"), "{\"t\":\"y\"}", true},
	{"/s", MAY_BE("x"), NULL, true},
	/* Absent. */
	{"/s", ABSENT, "{\"t\":1}", true},
	{"/s", ABSENT, NULL, true},
	{"/s", ABSENT, "{\"s\":null}", false},
	{"/s", ABSENT, "{\"s\":\"\"}", false},
	/* Matches. */
	{"/s", MATCHES("did:*"), "{\"s\":\"did:x\"}", true},
	{"/s", MATCHES("did:*"), "{\"s\":\"DID:x\"}", false},
	{"/s", MATCHES("a*c"), "{\"s\":\"ab\\u0000bc\"}", true},
	{"/s", MATCHES("*"), "{\"s\":\"\"}", true},
	{"/s", MATCHES("*"), "{\"s\":5}", false},
	{"/s", MATCHES("*"), "{\"s\":null}", false},
	{"/s", MATCHES("*"), "{\"s\":[\"x\"]}", false},
	{"/s", MATCHES("*"), "{}", false},
	{"/s", MATCHES("*"), NULL, false},
	/* json: is for values only. */
	{"/s", MATCHES("json:5"), "{\"s\":\"json:5\"}", true},
};

static struct policy_claim_spec spec_of(const struct claim_case *claim)
{
	struct policy_claim_spec spec = {.pointer = claim->pointer,
		.kind = claim->kind,
		.values = claim->values};

	while (spec.n_values < 3 && claim->values[spec.n_values] != NULL)
		spec.n_values++;
	return spec;
}

static void claim_holds_where_it_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(claim_cases); i++) {
		const struct claim_case *one = &claim_cases[i];
		const struct policy_claim_spec spec = spec_of(one);
		CLEANUP(policy_claim_deinit) struct policy_claim claim = {0};
		json_t *claims = NULL;

		if (one->claims != NULL) {
			claims = json_loads(one->claims, JSON_ALLOW_NUL, NULL);
			assert_non_null(claims);
		}
		assert_int_equal(policy_claim_init(&claim, &spec), STATUS_OK);
		if (policy_claim_holds(&claim, claims) != one->holds)
			fail_msg("%s in %s", one->pointer,
				one->claims == NULL ? "nothing" : one->claims);
		json_decref(claims);
	}
}

static const struct claim_case bad_claims[] = {
	{"s", MUST_BE("x"), NULL, false},
	{"/s", POLICY_CLAIM_MUST_BE, {NULL}, NULL, false},
	{"/s", POLICY_CLAIM_MUST_BE, {"x", "y"}, NULL, false},
	{"/s", POLICY_CLAIM_MAY_BE, {NULL}, NULL, false},
	{"/s", POLICY_CLAIM_ABSENT, {"x"}, NULL, false},
	{"/s", POLICY_CLAIM_MATCHES, {NULL}, NULL, false},
	{"/s", POLICY_CLAIM_MATCHES, {"x", "y"}, NULL, false},
	{"/s", POLICY_CLAIM_MATCHES, {X256 "x"}, NULL, false},
	{"/s", POLICY_CLAIM_MUST_BE, {"json:[]"}, NULL, false},
	{"/s", POLICY_CLAIM_MAY_BE, {"x", "json:"}, NULL, false},
};

static void claim_is_refused_when_it_makes_no_sense(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_claims); i++) {
		const struct policy_claim_spec spec = spec_of(&bad_claims[i]);
		CLEANUP(policy_claim_deinit) struct policy_claim claim = {0};

		assert_int_equal(policy_claim_init(&claim, &spec), STATUS_BAD_CONFIG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claim_pointer_is_that_of_rfc_6901),
		cmocka_unit_test(claim_value_is_a_text_or_a_scalar),
		cmocka_unit_test(claim_holds_where_it_should),
		cmocka_unit_test(claim_is_refused_when_it_makes_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
