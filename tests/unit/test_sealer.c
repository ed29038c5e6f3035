/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The third door, with a token that waits for its officer: no worker is needed to see who
 * is refused, with which word, and that a refusal leaves nothing behind. What happens at
 * a token is for the flow tests, with real ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "audit_fixture.h"
#include "chain_fixture.h"
#include "seal/seal.h"

enum {
	FRIEND = 1000,
	STRANGER = 1001,
};

struct office {
	struct world rsa;
	struct world ec;
	struct token_spec token;
	struct policy *policy;
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
		.n_audiences = 1},
	{.name = "raw", .key = "rsa", .profile = "digest"},
	{.name = "ec-login", .key = "ec", .profile = "dsgo-auth"},
	{.name = "ec-raw", .key = "ec", .profile = "digest"},
	{.name = "plain", .key = "rsa", .profile = "jws"},
};

static bool on_done(void *context, const struct seal_owner *owner, uint64_t act_id,
	const struct seal_answer *answer)
{
	(void)context;
	(void)owner;
	(void)act_id;
	(void)answer;
	fail_msg("an act that was refused at the door was answered later");
	return false;
}

static void open_sealer(struct office *office)
{
	static char name[] = "usb";
	static char module[] = "/nowhere.so";
	static char uri[] = "pkcs11:token=usb";
	struct key_on_spec on[] = {
		{name, (char[]){"pkcs11:object=rsa"}, office->rsa.path},
		{name, (char[]){"pkcs11:object=ec"}, office->ec.path},
	};
	const struct key_spec keys[] = {
		{.name = (char[]){"rsa"}, .on = &on[0], .n_on = 1, .has_root = true},
		{.name = (char[]){"ec"}, .on = &on[1], .n_on = 1, .has_root = true},
	};
	const struct sealer_setup setup = {.loop = office->loop,
		.policy = office->policy,
		.audit = office->archive.audit,
		.tokens = &office->token,
		.n_tokens = 1,
		.keys = keys,
		.n_keys = ARRAY_LEN(keys),
		.min_left_s = 5,
		.line_max = 10};

	office->token = (struct token_spec){.name = name,
		.module = module,
		.uri = uri,
		.pin = TOKEN_PIN_OFFICER,
		.n_sessions = 1,
		.deadline_ms = 1000};
	assert_int_equal(sealer_new(&setup, &office->sealer), STATUS_OK);
	sealer_set_done(office->sealer, on_done, NULL);
	sealer_start(office->sealer);
}

static int set_up(void **state)
{
	struct office *office = calloc(1, sizeof(*office));
	const char *rival = NULL;

	assert_non_null(office);
	open_world(&office->rsa, EVP_RSA_gen(2048), &seal_subject);
	open_world(&office->ec, EVP_EC_gen("P-256"), &seal_subject);
	assert_int_equal(policy_new(&office->policy), STATUS_OK);
	assert_int_equal(policy_add_client(office->policy,
				 &(struct policy_client_spec){.name = "friend",
					 .has_user = true,
					 .user = FRIEND,
					 .weight = 1},
				 &rival),
		STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		assert_int_equal(policy_add_rule(office->policy, "friend", &rules[i]),
			STATUS_OK);
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

static enum status ask(
	const struct office *office, uid_t uid, const struct request_fields *fields)
{
	const struct policy_peer peer = {.uid = uid};
	const struct seal_asker asker = {
		.client = policy_find_client(office->policy, &peer),
		.uid = uid,
		.unit = ""};
	const struct seal_owner owner = {.connection = 1, .request = 2};
	struct seal_request *request = NULL;
	struct seal_begun begun;

	assert_int_equal(request_new(fields, &request), STATUS_OK);
	return seal_begin(office->sealer, &asker, &request, &owner, &begun);
}

static struct request_fields auth(const char *key, const char *audience)
{
	return (struct request_fields){.key = bytes_from_text(key),
		.profile = bytes_from_text("dsgo-auth"),
		.input = INPUT_DSGO_AUTH,
		.audience = bytes_from_text(audience)};
}

static void what_no_rule_allows_looks_like_what_is_not_there(void **state)
{
	struct request_fields fields = auth("rsa", "did:y");

	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_DENIED);
	fields = auth("nothing", "did:x");
	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_DENIED);
	fields = auth("rsa", "did:x");
	assert_int_equal(ask(*state, STRANGER, &fields), STATUS_DENIED);
}

static void a_locked_token_says_so_to_who_may_seal(void **state)
{
	const struct office *office = *state;
	const struct request_fields fields = auth("rsa", "did:x");

	assert_int_equal(ask(office, FRIEND, &fields), STATUS_LOCKED);
	assert_int_equal(sealer_get_key_state(office->sealer,
				 sealer_find_key(office->sealer, "rsa")),
		KEY_STATE_LOCKED);
	assert_int_equal(sealer_get_counts(office->sealer).n_waiting, 0);
}

static void a_key_refuses_what_it_cannot_do(void **state)
{
	static const uint8_t digest[48];
	struct request_fields fields = auth("ec", "did:x");

	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_KEY_ALGORITHM);
	fields = (struct request_fields){.key = bytes_from_text("ec"),
		.profile = bytes_from_text("digest"),
		.input = INPUT_DIGEST,
		.digest = {digest, 48}};
	/* The default of a P-256 key is ES256: 32 bytes. */
	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_BAD_DIGEST);
	fields.digest.len = 32;
	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_LOCKED);
	fields.has_algorithm = true;
	fields.algorithm = bytes_from_text("RS256");
	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_KEY_ALGORITHM);
}

static void a_jws_that_could_pass_as_a_token_is_denied(void **state)
{
	struct request_fields fields = {.key = bytes_from_text("rsa"),
		.profile = bytes_from_text("jws"),
		.input = INPUT_JWS,
		.has_payload = true,
		.payload = bytes_from_text("{\"iss\":\"did:x\",\"exp\":1}")};

	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_TOKEN_LIKE);
	/* Who may not have a jws of this key at all is not told more. */
	assert_int_equal(ask(*state, STRANGER, &fields), STATUS_DENIED);
	fields.key = bytes_from_text("ec");
	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_DENIED);
	fields.key = bytes_from_text("nothing");
	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_DENIED);
	fields.key = bytes_from_text("rsa");
	fields.has_typ = true;
	fields.typ = bytes_from_text("vnd.example");
	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_LOCKED);
	fields.has_typ = false;
	fields.payload = bytes_from_text("{\"a\":1}");
	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_LOCKED);
}

static void claims_may_not_name_another_issuer(void **state)
{
	struct request_fields fields = auth("rsa", "did:x");

	fields.has_claims = true;
	fields.claims =
		bytes_from_text("{\"iss\":\"did:ishare:EU.NL.NTRNL-99999999\"}");
	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_CLAIMS_IDENTITY);
	fields.claims =
		bytes_from_text("{\"iss\":\"did:ishare:EU.NL.NTRNL-12345678\"}");
	assert_int_equal(ask(*state, FRIEND, &fields), STATUS_LOCKED);
}

static void nobody_is_let_in_when_the_agent_stops(void **state)
{
	const struct office *office = *state;
	const struct request_fields fields = auth("rsa", "did:x");

	sealer_stop(office->sealer);
	assert_int_equal(ask(office, FRIEND, &fields), STATUS_STOPPING);
}

static void keys_are_found_by_name_and_listed_in_order(void **state)
{
	const struct office *office = *state;

	assert_int_equal(sealer_get_n_keys(office->sealer), 2);
	assert_string_equal(sealer_get_key(office->sealer, 0)->name, "ec");
	assert_string_equal(sealer_get_key(office->sealer, 1)->name, "rsa");
	assert_null(sealer_find_key(office->sealer, "rs"));
	assert_string_equal(sealer_find_key(office->sealer, "rsa")->identifier,
		"did:ishare:EU.NL.NTRNL-12345678");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_no_rule_allows_looks_like_what_is_not_there),
		TEST(a_locked_token_says_so_to_who_may_seal),
		TEST(a_key_refuses_what_it_cannot_do),
		TEST(a_jws_that_could_pass_as_a_token_is_denied),
		TEST(claims_may_not_name_another_issuer),
		TEST(nobody_is_let_in_when_the_agent_stops),
		TEST(keys_are_found_by_name_and_listed_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
