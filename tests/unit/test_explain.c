/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is explained is what happens: each question is asked twice, for an explanation and
 * for a seal, and the words agree. One token waits for its officer, one for its worker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_fixture.h"
#include "chain_fixture.h"
#include "seal/explain.h"
#include "util/fd.h"

#define IDENTIFIER "did:ishare:EU.NL.NTRNL-12345678"

struct office {
	struct world rsa;
	struct world ec;
	struct token_spec tokens[2];
	struct policy *policy;
	const struct policy_client *client;
	struct loop *loop;
	struct archive archive;
	struct sealer *sealer;
};

static const char *const audiences[] = {"did:x"};

static const struct policy_rule_spec rules[] = {
	{.name = "login",
		.key = "rsa",
		.profile = "dsgo-auth",
		.audiences = audiences,
		.n_audiences = 1,
		.has_audiences = true},
	{.name = "raw", .key = "rsa", .profile = "digest"},
	{.name = "plain", .key = "rsa", .profile = "jws"},
	{.name = "ec-login", .key = "ec", .profile = "dsgo-auth"},
	{.name = "ec-raw", .key = "ec", .profile = "digest"},
	{.name = "locked", .key = "locked", .profile = "digest"},
	{.name = "lost", .key = "nowhere", .profile = "digest"},
};

static bool on_done(void *context, const struct seal_owner *owner, uint64_t act_id,
	const struct seal_answer *answer)
{
	(void)context;
	(void)owner;
	(void)act_id;
	(void)answer;
	return true;
}

static struct token_spec token(char *name, enum token_pin pin)
{
	static char module[] = "/nowhere.so";
	static char uri[] = "pkcs11:token=usb";
	static char path[] = "/nowhere";

	return (struct token_spec){.name = name,
		.module = module,
		.uri = uri,
		.pin = pin,
		.pin_path = pin == TOKEN_PIN_FILE ? path : NULL,
		.n_sessions = 1,
		.deadline_ms = 1000};
}

static void open_sealer(struct office *office)
{
	static char up[] = "up";
	static char shut[] = "shut";
	struct key_on_spec on[] = {
		{up, (char[]){"pkcs11:object=rsa"}, office->rsa.path},
		{up, (char[]){"pkcs11:object=ec"}, office->ec.path},
		{shut, (char[]){"pkcs11:object=rsa"}, office->rsa.path},
	};
	const struct key_spec keys[] = {
		{.name = (char[]){"rsa"}, .on = &on[0], .n_on = 1},
		{.name = (char[]){"ec"}, .on = &on[1], .n_on = 1},
		{.name = (char[]){"locked"}, .on = &on[2], .n_on = 1},
	};
	const struct sealer_setup setup = {.loop = office->loop,
		.mode = LINK_CONNECT,
		.policy = office->policy,
		.audit = office->archive.audit,
		.tokens = office->tokens,
		.n_tokens = ARRAY_LEN(office->tokens),
		.keys = keys,
		.n_keys = ARRAY_LEN(keys),
		.min_left_s = 5,
		.line_max = 1000};

	office->tokens[0] = token(up, TOKEN_PIN_FILE);
	office->tokens[1] = token(shut, TOKEN_PIN_OFFICER);
	assert_int_equal(sealer_new(&setup, &office->sealer), STATUS_OK);
	sealer_set_done(office->sealer, on_done, NULL);
	sealer_start(office->sealer);
}

static int set_up(void **state)
{
	const struct policy_client_spec spec = {
		.name = "ada", .has_user = true, .user = 1000, .weight = 1};
	struct office *office = calloc(1, sizeof(*office));
	const char *rival = NULL;

	assert_non_null(office);
	open_world(&office->rsa, EVP_RSA_gen(2048), &seal_subject);
	open_world(&office->ec, EVP_EC_gen("P-384"), &seal_subject);
	assert_int_equal(policy_new(&office->policy), STATUS_OK);
	assert_int_equal(policy_add_client(office->policy, &spec, &rival), STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		assert_int_equal(
			policy_add_rule(office->policy, "ada", &rules[i]), STATUS_OK);
	office->client = policy_get_client(office->policy, "ada");
	assert_int_equal(loop_new(&office->loop), STATUS_OK);
	open_archive(&office->archive, office->loop);
	open_sealer(office);
	*state = office;
	return 0;
}

static int tear_down(void **state)
{
	struct office *office = *state;

	sealer_freep(&office->sealer);
	close_archive(&office->archive);
	loop_freep(&office->loop);
	policy_freep(&office->policy);
	close_world(&office->rsa);
	close_world(&office->ec);
	free(office);
	return 0;
}

#define TEXT(text)                                                                     \
	{                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                              \
	}
#define AUTH(its_key, its_audience)                                                    \
	.key = TEXT(its_key), .profile = TEXT("dsgo-auth"), .input = INPUT_DSGO_AUTH,  \
	.audience = TEXT(its_audience)
#define CLAIMS(json) AUTH("rsa", "did:x"), .has_claims = true, .claims = TEXT(json)
#define DIGEST(its_key, its_digest)                                                    \
	.key = TEXT(its_key), .profile = TEXT("digest"), .input = INPUT_DIGEST,        \
	.digest = TEXT(its_digest)
#define JWS(its_payload)                                                               \
	.key = TEXT("rsa"), .profile = TEXT("jws"), .input = INPUT_JWS,                \
	.has_payload = true, .payload = TEXT(its_payload)
#define BYTES_16 "0123456789abcdef"

struct row {
	struct request_fields fields;
	enum status status;
	const char *rule;
	const char *nearest;
	const char *part; /* of the text */
};

static const struct row rows[] = {
	{{AUTH("rsa", "did:x")}, STATUS_OK, "login", "", "allowed by rule \"login\""},
	{{CLAIMS("{\"a\":1}")}, STATUS_OK, "login", "", "rule \"login\": allowed"},
	{{AUTH("rsa", "did:y")}, STATUS_DENIED, "audience", "login",
		"expected \"did:x\", found \"did:y\""},
	{{AUTH("rsa", "a b")}, STATUS_BAD_AUDIENCE, "", "",
		"refused before any rule is asked: BAD_AUDIENCE: aud must be"},
	{{CLAIMS("[]")}, STATUS_BAD_CLAIMS, "", "", "any rule is asked: BAD_CLAIMS"},
	{{CLAIMS("{\"exp\":1}")}, STATUS_CLAIMS_RESERVED, "", "", "CLAIMS_RESERVED"},
	{{CLAIMS("{\"sub\":\"x\"}")}, STATUS_CLAIMS_IDENTITY, "identity", "login",
		"\nrefused behind the rules: CLAIMS_IDENTITY: claims: iss, sub and "
		"aud"},
	{{CLAIMS("{\"sub\":\"" IDENTIFIER "\"}")}, STATUS_OK, "login", "", "allowed"},
	{{AUTH("ec", "did:x")}, STATUS_KEY_ALGORITHM, "", "ec-login",
		"behind the rules: KEY_ALGORITHM: the key cannot do"},
	{{AUTH("none", "did:x")}, STATUS_DENIED, "no-rule", "",
		"key \"none\": there is no key section of this name"},
	{{AUTH("locked", "did:x")}, STATUS_DENIED, "no-rule", "",
		"key \"locked\": locked: an officer must unlock its token"},
	{{AUTH("a/b\n", "did:x")}, STATUS_BAD_NAME, "", "", "key \"a/b\\x0a\": "},
	{{.key = TEXT("rsa"), .profile = TEXT("none")}, STATUS_UNKNOWN_PROFILE, "", "",
		"UNKNOWN_PROFILE: no such profile"},
	{{.key = TEXT("rsa"), .profile = TEXT("jws")}, STATUS_BAD_INPUT, "", "",
		"BAD_INPUT"},
	{{DIGEST("rsa", BYTES_16 BYTES_16)}, STATUS_OK, "raw", "",
		"warning: rule \"raw\" (digest) contains every other kind"},
	{{DIGEST("rsa", BYTES_16)}, STATUS_BAD_DIGEST, "", "raw",
		"behind the rules: BAD_DIGEST"},
	{{DIGEST("rsa", "")}, STATUS_BAD_DIGEST, "", "", "any rule is asked: BAD_DI"},
	{{DIGEST("ec", BYTES_16 BYTES_16)}, STATUS_BAD_DIGEST, "", "ec-raw", ""},
	{{DIGEST("locked", BYTES_16 BYTES_16)}, STATUS_LOCKED, "", "locked",
		"behind the rules: LOCKED: the token is locked"},
	{{DIGEST("nowhere", BYTES_16 BYTES_16)}, STATUS_DENIED, "", "lost",
		"key \"nowhere\": there is no key section"},
	{{JWS("hello")}, STATUS_OK, "plain", "", "allowed by rule \"plain\""},
	{{JWS("{\"iss\":1}")}, STATUS_DENIED, "token-like", "plain",
		"token-like: expected what could not pass"},
};

static struct policy_verdict explain(const struct office *office,
	const struct explain_question *question, struct buf *text)
{
	struct policy_verdict verdict;

	assert_int_equal(
		explain_request(office->sealer, question, text, &verdict), STATUS_OK);
	return verdict;
}

/* What the agent says to the same question when it is meant. */
static enum status ask(struct office *office, const struct request_fields *fields)
{
	const struct seal_asker asker = {
		.client = office->client, .uid = 1000, .pid = 1, .unit = ""};
	const struct seal_owner owner = {.connection = 1, .request = 1};
	struct seal_request *request = NULL;
	struct seal_begun begun;
	const enum status status = request_new(fields, &request);

	if (status != STATUS_OK)
		return status;
	return seal_begin(office->sealer, &asker, &request, &owner, &begun);
}

static void check(struct office *office, const struct row *row)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(EXPLAIN_MAX);
	const struct explain_question question = {
		.client = office->client, .fields = row->fields};
	const struct policy_verdict verdict = explain(office, &question, &text);
	const char *words = NULL;

	assert_int_equal(buf_get_text(&text, &words), STATUS_OK);
	if (strstr(words, row->part) == NULL)
		fail_msg("expected \"%s\" in: %s", row->part, words);
	assert_int_equal(verdict.status, row->status);
	assert_string_equal(verdict.client, "ada");
	assert_string_equal(verdict.rule, row->rule);
	assert_string_equal(verdict.nearest, row->nearest);
	assert_int_equal(
		status_wire(ask(office, &row->fields)), status_wire(row->status));
}

static void what_is_explained_is_what_happens(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(*state, &rows[i]);
}

/* The last line of the record. */
static void check_refusal(struct office *office, const struct policy_verdict *verdict)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
	char path[sizeof(office->archive.folder) + sizeof("/audit.jsonl")];
	char expected[256];
	const char *lines = NULL;
	const char *last = NULL;

	audit_flush(office->archive.audit);
	(void)snprintf(path, sizeof(path), "%s/audit.jsonl", office->archive.folder);
	assert_int_equal(fd_read_file(path, &text), STATUS_OK);
	assert_int_equal(buf_get_text(&text, &lines), STATUS_OK);
	last = strstr(lines, "\"kind\":\"refusal\"");
	assert_non_null(last);
	for (const char *next = last; next != NULL;
		next = strstr(next + 1, "\"kind\":\"refusal\""))
		last = next;
	(void)snprintf(expected, sizeof(expected), "\"rule\":\"%s\",\"nearest\":\"%s\"",
		verdict->rule, verdict->nearest);
	if (strstr(last, expected) == NULL)
		fail_msg("expected %s in: %s", expected, last);
}

static void the_record_of_a_denial_says_what_is_explained(void **state)
{
	struct office *office = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_deinit) struct buf text = BUF_INIT(EXPLAIN_MAX);
		const struct explain_question question = {
			.client = office->client, .fields = rows[i].fields};
		const struct policy_verdict verdict = explain(office, &question, &text);

		if (rows[i].status != STATUS_DENIED)
			continue;
		(void)ask(office, &rows[i].fields);
		check_refusal(office, &verdict);
	}
}

static void of_a_stranger_nothing_is_looked_at(void **state)
{
	static const struct request_fields bad = {.key = TEXT("\xff")};
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(EXPLAIN_MAX);
	const struct explain_question question = {.fields = bad};
	const struct policy_verdict verdict = explain(*state, &question, &text);
	const char *words = NULL;

	assert_int_equal(verdict.status, STATUS_DENIED);
	assert_string_equal(verdict.rule, POLICY_REFUSED_STRANGER);
	assert_int_equal(buf_get_text(&text, &words), STATUS_OK);
	assert_string_equal(words, "refused: stranger: no client section fits\n"
				   "key \"\\xff\": there is no key section of this "
				   "name\n");
}

static void any_digest_is_as_long_as_the_key_wants_it(void **state)
{
	static const struct {
		struct request_fields fields;
		enum status status;
	} cases[] = {
		{{DIGEST("rsa", "")}, STATUS_OK},
		{{DIGEST("ec", "")}, STATUS_OK},
		{{DIGEST("locked", "")}, STATUS_LOCKED},
		{{DIGEST("none", "")}, STATUS_DENIED},
	};
	struct office *office = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_deinit) struct buf text = BUF_INIT(EXPLAIN_MAX);
		const struct explain_question question = {.client = office->client,
			.fields = cases[i].fields,
			.is_any_digest = true};

		assert_int_equal(
			explain(office, &question, &text).status, cases[i].status);
	}
}

static void nothing_is_written_when_there_is_no_room(void **state)
{
	const struct office *office = *state;
	const struct explain_question question = {
		.client = office->client, .fields = rows[0].fields};
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(8);
	struct policy_verdict verdict = {.rule = "untouched"};

	assert_int_equal(explain_request(office->sealer, &question, &text, &verdict),
		STATUS_NO_MEMORY);
	assert_string_equal(verdict.rule, "untouched");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_explained_is_what_happens),
		TEST(the_record_of_a_denial_says_what_is_explained),
		TEST(of_a_stranger_nothing_is_looked_at),
		TEST(any_digest_is_as_long_as_the_key_wants_it),
		TEST(nothing_is_written_when_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
