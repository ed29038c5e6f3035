/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_decide() against a second telling of the same rules: every rule in the order of
 * the file, each word looked at plainly, claims found by writing out every pointer that
 * there is. The questions are random, and the same in every run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

enum {
	N_RULES = 400,
	N_USERS = 12,
	N_QUESTIONS = 100000,
	N_DOCUMENTS = 600,
	POINTER_ROOM = 64,
};

/* Picks one of an array of texts. */
#define PICK(seed, array) (array)[next_random((seed), ARRAY_LEN(array))]

static const char *const keys[] = {"a", "aa", "b"};
static const char *const profiles[] = {"digest", "dsgo-auth", "jws", "new"};
static const char *const audiences[] = {"did:a", "did:b", "did:aa", "x"};
static const char *const pointers[] = {
	"/n", "/o/n", "/o/l/0", "/o/l/1", "/l/0/n", "/m~1m", "/t~0", "/iss", "/"};
static const char *const values[] = {"x", "xy", "json:1", "json:true", "json:null", ""};
static const char *const patterns[] = {"x*", "*y", "?", "*", "x?y", ""};
static const char *const methods[] = {"GET", "POST"};
static const char *const paths[] = {"/a", "/a/b", "/b"};
static const char *const targets[] = {"GET /a*", "* /b", "POST *", "GET /a/?"};
static const char *const names[] = {"n", "o", "l", "m/m", "t~", "iss", "", "aud"};

/* xorshift64: the same questions in every run and on every machine. */
static uint64_t next_random(uint64_t *seed, uint64_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % below;
}

struct plain_rule {
	unsigned int user;
	char name[16];
	const char *values[4][3];
	struct policy_claim_spec claims[4];
	const char *audiences[3];
	const char *targets[2];
	struct policy_hours hours[2];
	struct policy_rule_spec spec; /* into the arrays before */
};

static void make_claim(struct plain_rule *rule, size_t i, uint64_t *seed)
{
	static const size_t n_values[] = {
		[POLICY_CLAIM_MUST_BE] = 1,
		[POLICY_CLAIM_MAY_BE] = 2,
		[POLICY_CLAIM_ABSENT] = 0,
		[POLICY_CLAIM_MATCHES] = 1,
	};
	const enum policy_claim_kind kind =
		(enum policy_claim_kind)next_random(seed, 4);

	for (size_t j = 0; j < 3; j++)
		rule->values[i][j] = kind == POLICY_CLAIM_MATCHES ? PICK(seed, patterns)
								  : PICK(seed, values);
	rule->claims[i] = (struct policy_claim_spec){.pointer = PICK(seed, pointers),
		.kind = kind,
		.values = rule->values[i],
		.n_values = n_values[kind]};
}

static bool is_profile(const struct plain_rule *rule, const char *profile)
{
	return strcmp(rule->spec.profile, profile) == 0;
}

/* Only what the profile can limit; "new" can all. */
static void limit_rule(struct plain_rule *rule, uint64_t *seed)
{
	struct policy_rule_spec *spec = &rule->spec;
	const bool is_digest = is_profile(rule, "digest");
	const bool is_dsgo = is_profile(rule, "dsgo-auth");
	const bool is_new = is_profile(rule, "new");

	if (is_digest)
		return;
	if (is_dsgo || is_new) {
		spec->n_audiences = (size_t)next_random(seed, 4);
		spec->has_audiences =
			spec->n_audiences > 0 || next_random(seed, 8) == 0;
	}
	spec->n_claim_specs = (size_t)(next_random(seed, 2) * next_random(seed, 5));
	spec->max_size = (size_t)(next_random(seed, 3) * 20);
	spec->claims = (enum policy_claims)next_random(seed, 4);
	if (is_dsgo && spec->claims == POLICY_CLAIMS_ANY)
		spec->claims = POLICY_CLAIMS_FREE;
	if (spec->claims == POLICY_CLAIMS_NONE) {
		spec->n_claim_specs = 0;
		spec->claims = is_profile(rule, "jws") ? POLICY_CLAIMS_FREE
						       : POLICY_CLAIMS_NONE;
	}
	if (is_new)
		spec->n_targets = (size_t)(next_random(seed, 3));
	for (size_t i = 0; is_dsgo && i < spec->n_claim_specs; i++) {
		if (strcmp(rule->claims[i].pointer, "/iss") == 0)
			rule->claims[i].pointer = "/n";
	}
}

static void make_rule(struct plain_rule *rule, size_t number, uint64_t *seed)
{
	(void)snprintf(rule->name, sizeof(rule->name), "r%zu", number);
	rule->user = (unsigned int)next_random(seed, N_USERS);
	for (size_t i = 0; i < ARRAY_LEN(rule->claims); i++)
		make_claim(rule, i, seed);
	for (size_t i = 0; i < ARRAY_LEN(rule->audiences); i++)
		rule->audiences[i] = PICK(seed, audiences);
	for (size_t i = 0; i < ARRAY_LEN(rule->targets); i++)
		rule->targets[i] = PICK(seed, targets);
	for (size_t i = 0; i < ARRAY_LEN(rule->hours); i++) {
		rule->hours[i].from = (uint32_t)next_random(seed, 10);
		rule->hours[i].to =
			rule->hours[i].from + 1 + (uint32_t)next_random(seed, 10);
	}
	rule->spec = (struct policy_rule_spec){.name = rule->name,
		.key = PICK(seed, keys),
		.profile = PICK(seed, profiles),
		.audiences = rule->audiences,
		.claim_specs = rule->claims,
		.targets = rule->targets,
		.hours = rule->hours,
		.n_hours = (size_t)(next_random(seed, 2) * next_random(seed, 3))};
	limit_rule(rule, seed);
}

static json_t *random_scalar(uint64_t *seed)
{
	static const char *const texts[] = {"x", "xy", "xzy", "y", "", "z"};

	switch (next_random(seed, 5)) {
	case 0:
		return json_integer((json_int_t)next_random(seed, 3));
	case 1:
		return json_boolean(next_random(seed, 2) == 0);
	case 2:
		return json_null();
	default:
		return json_string(PICK(seed, texts));
	}
}

static json_t *random_value(uint64_t *seed, unsigned int depth)
{
	const uint64_t kind = depth == 0 ? 0 : next_random(seed, 4);
	json_t *value;

	if (kind < 2)
		return random_scalar(seed);
	value = kind == 2 ? json_object() : json_array();
	for (uint64_t i = next_random(seed, 4); i > 0; i--) {
		json_t *inner = random_value(seed, depth - 1);

		assert_int_equal(
			kind == 2 ? json_object_set(value, PICK(seed, names), inner)
				  : json_array_append(value, inner),
			0);
		json_decref(inner);
	}
	return value;
}

static json_t *random_document(uint64_t *seed)
{
	json_t *document = json_object();

	for (uint64_t i = next_random(seed, 4); i > 0; i--) {
		json_t *value = random_value(seed, 3);

		assert_int_equal(
			json_object_set(document, PICK(seed, names), value), 0);
		json_decref(value);
	}
	return document;
}

/* Writes name behind pointer as RFC 6901 has it. */
static void write_step(char out[POINTER_ROOM], const char *pointer, const char *name)
{
	size_t len = (size_t)snprintf(out, POINTER_ROOM, "%s/", pointer);

	for (; *name != '\0'; name++) {
		const char *as = *name == '~' ? "~0" : *name == '/' ? "~1" : NULL;

		len += (size_t)(as != NULL ? snprintf(out + len, POINTER_ROOM - len,
						     "%s", as)
					   : snprintf(out + len, POINTER_ROOM - len,
						     "%c", *name));
	}
}

/* By writing out the pointer of everything below value. */
static json_t *find_plainly(json_t *value, const char *here, const char *wanted)
{
	char below[POINTER_ROOM];
	json_t *found = NULL;
	json_t *inner;
	const char *name;
	size_t i;

	if (strcmp(here, wanted) == 0)
		return value;
	json_object_foreach(value, name, inner)
	{
		write_step(below, here, name);
		if (found == NULL)
			found = find_plainly(inner, below, wanted);
	}
	json_array_foreach(value, i, inner)
	{
		(void)snprintf(below, sizeof(below), "%s/%zu", here, i);
		if (found == NULL)
			found = find_plainly(inner, below, wanted);
	}
	return found;
}

static bool matches_plainly(const char *pattern, const char *text)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '*')
		return matches_plainly(pattern + 1, text) ||
		       (*text != '\0' && matches_plainly(pattern, text + 1));
	return *text != '\0' && (*pattern == '?' || *pattern == *text) &&
	       matches_plainly(pattern + 1, text + 1);
}

static bool equals_plainly(const json_t *found, const char *wanted)
{
	if (strcmp(wanted, "json:1") == 0)
		return json_is_integer(found) && json_integer_value(found) == 1;
	if (strcmp(wanted, "json:true") == 0)
		return json_is_true(found);
	if (strcmp(wanted, "json:null") == 0)
		return json_is_null(found);
	return json_is_string(found) && strcmp(json_string_value(found), wanted) == 0;
}

static bool holds_plainly(const struct policy_claim_spec *claim, json_t *document)
{
	const json_t *found =
		document == NULL ? NULL : find_plainly(document, "", claim->pointer);
	bool is_one = false;

	if (claim->kind == POLICY_CLAIM_MATCHES)
		return json_is_string(found) &&
		       matches_plainly(claim->values[0], json_string_value(found));
	for (size_t i = 0; i < claim->n_values; i++)
		is_one = is_one || equals_plainly(found, claim->values[i]);
	if (claim->kind == POLICY_CLAIM_MUST_BE)
		return is_one;
	return found == NULL || is_one;
}

static bool is_audience_fine(
	const struct policy_rule_spec *spec, const struct policy_question *question)
{
	bool is_fine = !spec->has_audiences;

	for (size_t i = 0; i < spec->n_audiences; i++)
		is_fine = is_fine ||
			  (question->audience != NULL &&
				  strcmp(spec->audiences[i], question->audience) == 0);
	return is_fine;
}

static bool is_target_fine(
	const struct policy_rule_spec *spec, const struct policy_question *question)
{
	bool is_fine = spec->n_targets == 0;
	char asked[POINTER_ROOM];

	if (question->method == NULL)
		return is_fine;
	for (size_t i = 0; i < spec->n_targets; i++) {
		const char *target = spec->targets[i];

		(void)snprintf(asked, sizeof(asked), "%s %s",
			target[0] == '*' ? "*" : question->method, question->target);
		/* Its method has no star but the lone one, which stands for itself here. */
		is_fine = is_fine ||
			  (strncmp(target, asked, strcspn(asked, " ") + 1) == 0 &&
				  matches_plainly(
					  strchr(target, ' ') + 1, question->target));
	}
	return is_fine;
}

static bool is_named(const struct policy_rule_spec *spec, const char *name)
{
	char pointer[POINTER_ROOM];
	bool is_it = strcmp(spec->profile, "dsgo-auth") == 0 &&
		     (strcmp(name, "iss") == 0 || strcmp(name, "aud") == 0);

	write_step(pointer, "", name);
	for (size_t i = 0; i < spec->n_claim_specs; i++) {
		const char *of = spec->claim_specs[i].pointer;
		const size_t len = strlen(pointer);

		is_it = is_it || (strncmp(of, pointer, len) == 0 &&
					 (of[len] == '\0' || of[len] == '/'));
	}
	return is_it;
}

static bool are_others_fine(const struct policy_rule_spec *spec, json_t *document)
{
	bool is_fine = true;
	const char *name;
	json_t *value;

	if (spec->claims == POLICY_CLAIMS_FREE || spec->claims == POLICY_CLAIMS_ANY)
		return true;
	json_object_foreach(document, name, value)
	{
		is_fine = is_fine && is_named(spec, name);
	}
	return is_fine;
}

static bool is_hour_fine(
	const struct policy_rule_spec *spec, const struct policy_question *question)
{
	bool is_fine = spec->n_hours == 0;

	for (size_t i = 0; i < spec->n_hours; i++)
		is_fine = is_fine || (question->week_minute >= spec->hours[i].from &&
					     question->week_minute < spec->hours[i].to);
	return is_fine;
}

static const char *const order[] = {"audience", "target", "claim", "claims",
	"token-like", "size", "hours", "allowed"};

/* How far the question comes in the order. */
static size_t judge_plainly(const struct policy_rule_spec *spec,
	const struct policy_question *question, json_t *document)
{
	const bool is_limited =
		spec->n_claim_specs > 0 || spec->claims == POLICY_CLAIMS_LISTED;
	bool holds = true;

	for (size_t i = 0; i < spec->n_claim_specs; i++)
		holds = holds && holds_plainly(&spec->claim_specs[i], document);
	if (!is_audience_fine(spec, question))
		return 0;
	if (!is_target_fine(spec, question))
		return 1;
	if (strcmp(spec->profile, "jws") == 0 && document == NULL && is_limited)
		return 3;
	if (!holds)
		return 2;
	if (!are_others_fine(spec, document))
		return 3;
	if (question->is_token_like && spec->claims != POLICY_CLAIMS_ANY)
		return 4;
	if (spec->max_size != 0 && question->size > spec->max_size)
		return 5;
	return is_hour_fine(spec, question) ? 7 : 6;
}

struct answer {
	const char *rule;
	const char *nearest;
};

static struct answer decide_plainly(const struct plain_rule *rules, unsigned int user,
	const struct policy_question *question, json_t *document)
{
	struct answer answer = {"no-rule", ""};
	size_t furthest = 0;

	for (size_t i = 0; i < N_RULES; i++) {
		const struct policy_rule_spec *spec = &rules[i].spec;
		size_t far;

		if (rules[i].user != user || strcmp(spec->key, question->key) != 0 ||
			strcmp(spec->profile, question->profile) != 0)
			continue;
		far = judge_plainly(spec, question, document);
		if (far == 7)
			return (struct answer){spec->name, ""};
		if (answer.nearest[0] != '\0' && far <= furthest)
			continue;
		furthest = far;
		answer = (struct answer){order[far], spec->name};
	}
	return answer;
}

static void fill(struct policy *policy, struct plain_rule *rules, uint64_t *seed)
{
	char client[16];
	const char *rival = NULL;

	for (unsigned int user = 0; user < N_USERS; user++) {
		const struct policy_client_spec spec = {
			.name = client, .has_user = true, .user = user, .weight = 1};

		(void)snprintf(client, sizeof(client), "c%u", user);
		assert_int_equal(policy_add_client(policy, &spec, &rival), STATUS_OK);
	}
	for (size_t i = 0; i < N_RULES; i++) {
		make_rule(&rules[i], i, seed);
		(void)snprintf(client, sizeof(client), "c%u", rules[i].user);
		assert_int_equal(
			policy_add_rule(policy, client, &rules[i].spec), STATUS_OK);
	}
}

static struct policy_question random_question(uint64_t *seed)
{
	const bool has_target = next_random(seed, 4) > 0;

	return (struct policy_question){.key = PICK(seed, keys),
		.profile = PICK(seed, profiles),
		.audience = next_random(seed, 5) == 0 ? NULL : PICK(seed, audiences),
		.size = (size_t)next_random(seed, 50),
		.method = has_target ? PICK(seed, methods) : NULL,
		.target = has_target ? PICK(seed, paths) : NULL,
		.is_token_like = next_random(seed, 4) == 0,
		.week_minute = (uint32_t)next_random(seed, 20)};
}

/* Counts how often each answer came, so that the test cannot be one of nothing. */
static void count_answer(size_t counts[ARRAY_LEN(order)], const char *rule)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(order) && strcmp(order[i], rule) != 0)
		i++;
	counts[i]++;
}

static void policy_agrees_with_reading_all_rules(void **state)
{
	static struct plain_rule rules[N_RULES];
	CLEANUP(policy_freep) struct policy *policy = NULL;
	json_t *documents[N_DOCUMENTS];
	size_t counts[ARRAY_LEN(order)] = {0};
	uint64_t seed = UINT64_C(0x5a6567656c);

	(void)state;
	assert_int_equal(policy_new(&policy), STATUS_OK);
	fill(policy, rules, &seed);
	for (size_t i = 0; i < N_DOCUMENTS; i++)
		documents[i] = i == 0 ? NULL : random_document(&seed);
	for (size_t i = 0; i < N_QUESTIONS; i++) {
		json_t *document = documents[next_random(&seed, N_DOCUMENTS)];
		const unsigned int user = (unsigned int)next_random(&seed, N_USERS);
		const struct policy_peer peer = {.uid = user};
		struct policy_question question = random_question(&seed);
		struct policy_verdict verdict;
		struct answer wanted;

		question.claims = document;
		verdict = policy_decide(policy_find_client(policy, &peer), &question);
		wanted = decide_plainly(rules, user, &question, document);
		assert_string_equal(verdict.rule, wanted.rule);
		assert_string_equal(verdict.nearest, wanted.nearest);
		assert_int_equal(verdict.status,
			policy_is_reserved(wanted.rule) ? STATUS_DENIED : STATUS_OK);
		count_answer(counts, wanted.rule);
	}
	for (size_t i = 0; i < N_DOCUMENTS; i++)
		json_decref(documents[i]);
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		assert_true(counts[i] > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_agrees_with_reading_all_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
