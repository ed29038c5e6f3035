/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict in words, and a client's rules in the words of the configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy_describe.h"
#include "policy/policy_explain.h"

enum {
	OUT_MAX = 1 << 16,
};

#define TEXTS(...)                                                                     \
	(const char *const[])                                                          \
	{                                                                              \
		__VA_ARGS__                                                            \
	}

static const struct policy_claim_spec claim_specs[] = {
	{"/scope", POLICY_CLAIM_MUST_BE, TEXTS("iSHARE"), 1},
	{"/env", POLICY_CLAIM_MAY_BE, TEXTS("test", "json:5", "json:null"), 3},
	{"/role", POLICY_CLAIM_ABSENT, NULL, 0},
	{"/party", POLICY_CLAIM_MATCHES, TEXTS("did:*"), 1},
};

static const struct policy_claim_spec long_claim[] = {
	{"/n", POLICY_CLAIM_MAY_BE,
		TEXTS("1", "2", "3", "4", "5", "6", "7", "8", "9", "10"), 10},
};

/* Monday to 18:00, a night, and the end of the week. */
static const struct policy_hours hours[] = {{480, 1080}, {1320, 1800}, {10079, 10080}};

static const struct policy_rule_spec rules[] = {
	{.name = "one",
		.key = "k",
		.profile = "dsgo-auth",
		.audiences = TEXTS("did:x"),
		.n_audiences = 1},
	{.name = "three",
		.key = "k",
		.profile = "dsgo-auth",
		.audiences = TEXTS("c", "a", "b"),
		.n_audiences = 3,
		.rate = {20, 40, 2}},
	{.name = "nobody", .key = "k", .profile = "dsgo-auth", .has_audiences = true},
	{.name = "listed",
		.key = "k",
		.profile = "dsgo-auth",
		.claim_specs = claim_specs,
		.n_claim_specs = 4,
		.claims = POLICY_CLAIMS_LISTED},
	{.name = "none",
		.key = "k",
		.profile = "dsgo-auth",
		.claims = POLICY_CLAIMS_NONE},
	{.name = "small", .key = "k", .profile = "dsgo-auth", .max_size = 10},
	{.name = "office",
		.key = "k",
		.profile = "dsgo-auth",
		.hours = hours,
		.n_hours = 3},
	{.name = "to",
		.key = "k",
		.profile = "dsgo-nr",
		.targets = TEXTS("POST /a*"),
		.n_targets = 1,
		.rate = {0, 0, 3}},
	{.name = "to-two",
		.key = "k",
		.profile = "dsgo-nr",
		.targets = TEXTS("POST /a*", "* /b"),
		.n_targets = 2,
		.audiences = TEXTS("1", "2", "3", "4", "5", "6", "7", "8", "9"),
		.n_audiences = 9},
	{.name = "plain",
		.key = "k",
		.profile = "jws",
		.claim_specs = long_claim,
		.n_claim_specs = 1},
	{.name = "master", .key = "m", .profile = "jws", .claims = POLICY_CLAIMS_ANY},
	{.name = "raw", .key = "m", .profile = "digest"},
};

static struct policy *new_policy(void)
{
	const struct policy_client_spec client = {
		.name = "c", .has_user = true, .user = 7, .weight = 1};
	const struct policy_client_spec idle = {
		.name = "idle", .has_user = true, .user = 8, .weight = 1};
	struct policy *policy = NULL;
	const char *rival = NULL;

	assert_int_equal(policy_new(&policy), STATUS_OK);
	assert_int_equal(policy_add_client(policy, &client, &rival), STATUS_OK);
	assert_int_equal(policy_add_client(policy, &idle, &rival), STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		assert_int_equal(policy_add_rule(policy, "c", &rules[i]), STATUS_OK);
	return policy;
}

struct explained {
	struct policy_question question;
	const char *claims;
	const char *text;
};

#define ROLE "rule \"listed\": claim: \"/scope\": expected \"iSHARE\", found "

static const struct explained explained[] = {
	{{.key = "k",
		 .profile = "dsgo-auth",
		 .audience = "b\n",
		 .size = 11,
		 .week_minute = 1440 + 1215},
		"{\"scope\":\"x\\\"y\",\"a\":1}",
		"rule \"one\": audience: expected \"did:x\", found \"b\\x0a\"\n"
		"rule \"three\": audience: expected one of 3, found \"b\\x0a\"\n"
		"rule \"nobody\": audience: expected none: the list is empty, found "
		"\"b\\x0a\"\n" ROLE "\"x\\x22y\"\n"
		"rule \"none\": claims: expected none, found \"scope\"\n"
		"rule \"small\": size: expected at most 10 bytes, found 11\n"
		"rule \"office\": hours: expected mo 08:00-18:00, mo 22:00-tu 06:00, "
		"su 23:59-24:00, found tu 20:15\n"
		"refused: hours: rule \"office\" came nearest\n"},
	{{.key = "k",
		 .profile = "dsgo-auth",
		 .audience = NULL,
		 .size = 1,
		 .week_minute = 480},
		"{\"scope\":{}}",
		"rule \"one\": audience: expected \"did:x\", found nothing\n"
		"rule \"three\": audience: expected one of 3, found nothing\n"
		"rule \"nobody\": audience: expected none: the list is empty, found "
		"nothing\n" ROLE "an object\n"
		"rule \"none\": claims: expected none, found \"scope\"\n"
		"rule \"small\": allowed\n"
		"rule \"office\": allowed\n"
		"allowed by rule \"small\"\n"},
	{{.key = "k",
		 .profile = "dsgo-auth",
		 .audience = "b",
		 .size = 11,
		 .week_minute = 480},
		"{\"scope\":\"iSHARE\",\"env\":[5]}",
		"rule \"one\": audience: expected \"did:x\", found \"b\"\n"
		"rule \"three\": allowed\n"
		"rule \"nobody\": audience: expected none: the list is empty, found "
		"\"b\"\n"
		"rule \"listed\": claim: \"/env\": expected nothing or one of "
		"\"test\", 5, null, found an array\n"
		"rule \"none\": claims: expected none, found \"scope\"\n"
		"rule \"small\": size: expected at most 10 bytes, found 11\n"
		"rule \"office\": allowed\n"
		"allowed by rule \"three\"; rate 20; burst 40; concurrent 2\n"},
	{{.key = "k", .profile = "dsgo-nr", .audience = "9"}, NULL,
		"rule \"to\": target: expected \"POST /a*\", found nothing\n"
		"rule \"to-two\": target: expected one of 2, found nothing\n"
		"refused: target: rule \"to\" came nearest\n"},
	{{.key = "k",
		 .profile = "dsgo-nr",
		 .audience = "9",
		 .method = "GET",
		 .target = NULL},
		NULL,
		"rule \"to\": target: expected \"POST /a*\", found nothing\n"
		"rule \"to-two\": target: expected one of 2, found nothing\n"
		"refused: target: rule \"to\" came nearest\n"},
	{{.key = "k",
		 .profile = "dsgo-nr",
		 .audience = "9",
		 .method = "GET",
		 .target = "/a\\"},
		NULL,
		"rule \"to\": target: expected \"POST /a*\", found \"GET\" "
		"\"/a\\x5c\"\n"
		"rule \"to-two\": target: expected one of 2, found \"GET\" "
		"\"/a\\x5c\"\n"
		"refused: target: rule \"to\" came nearest\n"},
	{{.key = "k",
		 .profile = "dsgo-nr",
		 .audience = "9",
		 .method = "POST",
		 .target = "/a"},
		NULL,
		"rule \"to\": allowed\n"
		"rule \"to-two\": allowed\n"
		"allowed by rule \"to\"; concurrent 3\n"},
	{{.key = "k", .profile = "jws", .size = 5}, NULL,
		"rule \"plain\": claims: expected a payload that is a JSON object, "
		"found another\n"
		"refused: claims: rule \"plain\" came nearest\n"},
	{{.key = "k", .profile = "jws", .is_token_like = true}, "{\"n\":\"8\"}",
		"rule \"plain\": token-like: expected what could not pass as a token "
		"of DSGO or iSHARE\n"
		"refused: token-like: rule \"plain\" came nearest\n"},
	{{.key = "k", .profile = "jws"}, "{\"n\":true}",
		"rule \"plain\": claim: \"/n\": expected nothing or one of \"1\", "
		"\"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\" and 2 more, found "
		"true\n"
		"refused: claim: rule \"plain\" came nearest\n"},
	{{.key = "m", .profile = "dsgo-auth"}, NULL,
		"refused: no-rule: none is for this key and profile\n"
		"warning: rule \"raw\" (digest) contains every other kind of seal with "
		"this key\n"
		"warning: rule \"master\" (jws) contains every other kind of seal with "
		"this key\n"},
};

static json_t *parse(const char *text)
{
	json_t *claims = text == NULL ? NULL : json_loads(text, 0, NULL);

	assert_true((claims == NULL) == (text == NULL));
	return claims;
}

static void explain_says_of_each_rule_what_stands_against_it(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(explained); i++) {
		CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_MAX);
		struct policy_question question = explained[i].question;
		json_t *claims = parse(explained[i].claims);
		const char *text = NULL;

		question.claims = claims;
		assert_int_equal(
			policy_explain(policy_get_client(policy, "c"), &question, &out),
			STATUS_OK);
		json_decref(claims);
		assert_int_equal(buf_get_text(&out, &text), STATUS_OK);
		assert_string_equal(text, explained[i].text);
	}
}

static void explain_tells_listed_claims_and_each_kind_of_rule(void **state)
{
	static const struct {
		const char *claims;
		const char *line;
	} cases[] = {
		{"{\"scope\":\"iSHARE\",\"party\":\"did:x\",\"z\":1}",
			"rule \"listed\": claims: expected only those that a claim "
			"section names, found \"z\"\n"},
		{"{\"scope\":\"iSHARE\",\"role\":1.5}",
			"rule \"listed\": claim: \"/role\": expected nothing, found "
			"1.5\n"},
		{"{\"scope\":\"iSHARE\",\"party\":\"x\"}",
			"rule \"listed\": claim: \"/party\": expected a text that "
			"matches \"did:*\", found \"x\"\n"},
		{"{\"party\":\"x\"}",
			"rule \"listed\": claim: \"/scope\": expected \"iSHARE\", "
			"found nothing\n"},
	};
	CLEANUP(policy_freep) struct policy *policy = new_policy();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_MAX);
		json_t *claims = parse(cases[i].claims);
		const struct policy_question question = {.key = "k",
			.profile = "dsgo-auth",
			.audience = "z",
			.claims = claims};
		const char *text = NULL;

		assert_int_equal(
			policy_explain(policy_get_client(policy, "c"), &question, &out),
			STATUS_OK);
		json_decref(claims);
		assert_int_equal(buf_get_text(&out, &text), STATUS_OK);
		assert_non_null(strstr(text, cases[i].line));
	}
}

static void explain_knows_strangers(void **state)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_MAX);
	const struct policy_question question = {.key = "k", .profile = "digest"};
	const char *text = NULL;

	(void)state;
	assert_int_equal(policy_explain(NULL, &question, &out), STATUS_OK);
	assert_int_equal(policy_describe(NULL, &out), STATUS_OK);
	assert_int_equal(buf_get_text(&out, &text), STATUS_OK);
	assert_string_equal(text, "refused: stranger: no client section fits\n");
}

static void explain_has_a_line_for_every_rule_in_order(void **state)
{
	static const char *const lines[] = {
		"rule \"one\": audience: ", "rule \"three\": allowed\n",
		"rule \"nobody\": audience: ", "rule \"listed\": claim: ",
		"rule \"none\": allowed\n", "rule \"small\": allowed\n",
		"rule \"office\": hours: ", "allowed by rule"};
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_MAX);
	const struct policy_question question = {
		.key = "k", .profile = "dsgo-auth", .audience = "a"};
	const char *text = NULL;

	(void)state;
	assert_int_equal(
		policy_explain(policy_get_client(policy, "c"), &question, &out),
		STATUS_OK);
	assert_int_equal(buf_get_text(&out, &text), STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (strncmp(text, lines[i], strlen(lines[i])) != 0)
			fail_msg("expected %s first in: %s", lines[i], text);
		text = strchr(text, '\n') + 1;
	}
}

static const char description[] =
	"rule \"one\": key k; profile dsgo-auth; audience \"did:x\"\n"
	"rule \"three\": key k; profile dsgo-auth; audience \"a\", \"b\", \"c\"; "
	"rate 20; burst 40; concurrent 2\n"
	"rule \"nobody\": key k; profile dsgo-auth; audience none\n"
	"rule \"listed\": key k; profile dsgo-auth; claim \"/scope\" is \"iSHARE\"; "
	"claim \"/env\" is nothing or one of \"test\", 5, null; claim \"/role\" is "
	"nothing; claim \"/party\" is a text that matches \"did:*\"; claims listed\n"
	"rule \"none\": key k; profile dsgo-auth; claims none\n"
	"rule \"small\": key k; profile dsgo-auth; max-size 10\n"
	"rule \"office\": key k; profile dsgo-auth; hours mo 08:00-18:00, mo "
	"22:00-tu 06:00, su 23:59-24:00\n"
	"rule \"to\": key k; profile dsgo-nr; target \"POST /a*\"; concurrent 3\n"
	"rule \"to-two\": key k; profile dsgo-nr; audience \"1\", \"2\", \"3\", "
	"\"4\", \"5\", \"6\", \"7\", \"8\" and 1 more; target \"POST /a*\", "
	"\"* /b\"\n"
	"rule \"plain\": key k; profile jws; claim \"/n\" is nothing or one of \"1\", "
	"\"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\" and 2 more\n"
	"rule \"raw\": key m; profile digest; contains every other kind of seal\n"
	"rule \"master\": key m; profile jws; claims any; contains every other kind of "
	"seal\n";

static void describe_says_all_that_a_client_may_do(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_MAX);
	const char *text = NULL;

	(void)state;
	assert_int_equal(
		policy_describe(policy_get_client(policy, "c"), &out), STATUS_OK);
	assert_int_equal(
		policy_describe(policy_get_client(policy, "idle"), &out), STATUS_OK);
	assert_int_equal(buf_get_text(&out, &text), STATUS_OK);
	assert_string_equal(text, description);
}

/* Whatever the room: all of it, or nothing more than was there. */
static void explain_writes_all_or_nothing(void **state)
{
	CLEANUP(policy_freep) struct policy *policy = new_policy();
	const struct policy_client *client = policy_get_client(policy, "c");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(explained); i++) {
		struct policy_question question = explained[i].question;
		const size_t wanted = strlen(explained[i].text);
		json_t *claims = parse(explained[i].claims);

		question.claims = claims;
		for (size_t max = 1; max <= wanted + 1; max++) {
			CLEANUP(buf_deinit) struct buf out = BUF_INIT(max);

			assert_int_equal(buf_append_text(&out, "-"), STATUS_OK);
			assert_int_equal(policy_explain(client, &question, &out),
				max == wanted + 1 ? STATUS_OK : STATUS_NO_MEMORY);
			assert_int_equal(out.len, max == wanted + 1 ? max : 1);
		}
		json_decref(claims);
	}
	for (size_t max = 1; max <= sizeof(description); max++) {
		CLEANUP(buf_deinit) struct buf out = BUF_INIT(max);

		assert_int_equal(buf_append_text(&out, "-"), STATUS_OK);
		assert_int_equal(policy_describe(client, &out),
			max == sizeof(description) ? STATUS_OK : STATUS_NO_MEMORY);
		assert_int_equal(out.len, max == sizeof(description) ? max : 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(explain_says_of_each_rule_what_stands_against_it),
		cmocka_unit_test(explain_tells_listed_claims_and_each_kind_of_rule),
		cmocka_unit_test(explain_knows_strangers),
		cmocka_unit_test(explain_has_a_line_for_every_rule_in_order),
		cmocka_unit_test(describe_says_all_that_a_client_may_do),
		cmocka_unit_test(explain_writes_all_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
