/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the third door into the line, with a token whose worker is on its way: who is let
 * in waits. What the limits of a rule and the places of a line do, and that everything is
 * given back however an act ends before it had its turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit_fixture.h"
#include "chain_fixture.h"
#include "seal/seal.h"

enum {
	ADA = 1000,
	BOB = 1001,
	PLACES = 8, /* for two: two places each, and four for whoever comes */
};

struct office {
	struct world world;
	struct token_spec token;
	struct policy *policy;
	struct loop *loop;
	struct archive archive;
	struct sealer *sealer;
	enum status answered; /* how the last act ended */
};

static const char *const audiences[] = {"did:x"};

static const struct policy_rule_spec free_rule = {
	.name = "free", .key = "rsa", .profile = "dsgo-auth"};
static const struct policy_rule_spec rated_rule = {.name = "rated",
	.key = "rsa",
	.profile = "dsgo-auth",
	.audiences = audiences,
	.n_audiences = 1,
	.has_audiences = true,
	.rate = {.per_second = 1, .burst = 2}};
static const struct policy_rule_spec counted_rule = {.name = "counted",
	.key = "rsa",
	.profile = "dsgo-auth",
	.rate = {.concurrent = 1}};

static bool on_done(void *context, const struct seal_owner *owner, uint64_t act_id,
	const struct seal_answer *answer)
{
	struct office *office = context;

	(void)owner;
	(void)act_id;
	office->answered = answer->status;
	loop_stop(office->loop);
	return true;
}

static void open_sealer(struct office *office)
{
	static char name[] = "usb";
	struct key_on_spec on = {
		name, (char[]){"pkcs11:object=rsa"}, office->world.path};
	const struct key_spec key = {.name = (char[]){"rsa"}, .on = &on, .n_on = 1};
	const struct sealer_setup setup = {.loop = office->loop,
		.mode = LINK_CONNECT,
		.policy = office->policy,
		.audit = office->archive.audit,
		.tokens = &office->token,
		.n_tokens = 1,
		.keys = &key,
		.n_keys = 1,
		.min_left_s = 5,
		.line_max = PLACES};

	office->token = (struct token_spec){.name = name,
		.module = (char[]){"/nowhere.so"},
		.uri = (char[]){"pkcs11:token=usb"},
		.pin = TOKEN_PIN_FILE,
		.pin_path = (char[]){"/nowhere"},
		.n_sessions = 1,
		.deadline_ms = 1000};
	assert_int_equal(sealer_new(&setup, &office->sealer), STATUS_OK);
	sealer_set_done(office->sealer, on_done, office);
	sealer_start(office->sealer);
}

static void add_client(struct office *office, const char *name, uid_t uid,
	const struct policy_rule_spec *rule)
{
	const struct policy_client_spec spec = {
		.name = name, .has_user = true, .user = uid, .weight = 1};
	const char *rival = NULL;

	assert_int_equal(policy_add_client(office->policy, &spec, &rival), STATUS_OK);
	assert_int_equal(policy_add_rule(office->policy, name, rule), STATUS_OK);
}

static int open_office(void **state, const struct policy_rule_spec *rule)
{
	struct office *office = calloc(1, sizeof(*office));

	assert_non_null(office);
	open_world(&office->world, EVP_RSA_gen(2048), &seal_subject);
	assert_int_equal(policy_new(&office->policy), STATUS_OK);
	add_client(office, "ada", ADA, rule);
	add_client(office, "bob", BOB, &free_rule);
	assert_int_equal(loop_new(&office->loop), STATUS_OK);
	open_archive(&office->archive, office->loop);
	open_sealer(office);
	*state = office;
	return 0;
}

static int set_up_free(void **state)
{
	return open_office(state, &free_rule);
}

static int set_up_rated(void **state)
{
	return open_office(state, &rated_rule);
}

static int set_up_counted(void **state)
{
	return open_office(state, &counted_rule);
}

static int tear_down(void **state)
{
	struct office *office = *state;

	sealer_freep(&office->sealer);
	close_archive(&office->archive);
	loop_freep(&office->loop);
	policy_freep(&office->policy);
	close_world(&office->world);
	free(office);
	return 0;
}

static enum status ask_with(const struct office *office, uid_t uid,
	const struct request_fields *fields, struct seal_begun *out)
{
	const struct policy_peer peer = {.uid = uid};
	const struct seal_asker asker = {
		.client = policy_find_client(office->policy, &peer),
		.uid = uid,
		.unit = ""};
	const struct seal_owner owner = {.connection = 1, .request = 2};
	struct seal_request *request = NULL;

	assert_int_equal(request_new(fields, &request), STATUS_OK);
	return seal_begin(office->sealer, &asker, &request, &owner, out);
}

static struct request_fields get_fields(void)
{
	return (struct request_fields){.key = bytes_from_text("rsa"),
		.profile = bytes_from_text("dsgo-auth"),
		.input = INPUT_DSGO_AUTH,
		.audience = bytes_from_text("did:x")};
}

static enum status ask(const struct office *office, uid_t uid, struct seal_begun *out)
{
	const struct request_fields fields = get_fields();

	return ask_with(office, uid, &fields, out);
}

static void a_spent_rate_is_busy_and_says_until_when(void **state)
{
	struct seal_begun begun;

	assert_int_equal(ask(*state, ADA, &begun), STATUS_OK);
	assert_int_equal(ask(*state, ADA, &begun), STATUS_OK);
	assert_int_equal(ask(*state, ADA, &begun), STATUS_RATE);
	assert_int_equal(status_wire(STATUS_RATE), WIRE_BUSY);
	assert_in_range(begun.retry_after_ms, 1, 1000);
	assert_int_equal(ask(*state, BOB, &begun), STATUS_OK);
}

static void no_other_refusal_costs_anything_of_the_rate(void **state)
{
	struct request_fields fields = get_fields();
	struct seal_begun begun;

	for (size_t i = 0; i < 10; i++) {
		fields.audience = bytes_from_text("did:y");
		assert_int_equal(ask_with(*state, ADA, &fields, &begun), STATUS_DENIED);
		assert_int_equal(begun.retry_after_ms, 0);
		fields = get_fields();
		fields.has_claims = true;
		fields.claims = bytes_from_text("{\"iss\":\"somebody\"}");
		assert_int_equal(
			ask_with(*state, ADA, &fields, &begun), STATUS_CLAIMS_IDENTITY);
		fields = get_fields();
	}
	assert_int_equal(ask(*state, ADA, &begun), STATUS_OK);
	assert_int_equal(ask(*state, ADA, &begun), STATUS_OK);
	assert_int_equal(ask(*state, ADA, &begun), STATUS_RATE);
}

static void an_act_that_is_forgotten_is_under_way_no_more(void **state)
{
	const struct office *office = *state;
	struct seal_begun begun;
	struct seal_begun refused;

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(ask(office, ADA, &begun), STATUS_OK);
		assert_int_equal(ask(office, ADA, &refused), STATUS_CONCURRENT);
		assert_int_not_equal(refused.retry_after_ms, 0);
		seal_forget(office->sealer, begun.act_id);
	}
	assert_int_equal(sealer_get_counts(office->sealer).n_waiting, 0);
	assert_int_equal(status_wire(STATUS_CONCURRENT), WIRE_BUSY);
}

static void an_act_that_came_too_late_is_under_way_no_more(void **state)
{
	struct office *office = *state;
	struct request_fields fields = get_fields();
	struct seal_begun begun;

	fields.has_timeout = true;
	fields.timeout_ms = 1;
	assert_int_equal(ask_with(office, ADA, &fields, &begun), STATUS_OK);
	assert_int_equal(ask(office, ADA, &begun), STATUS_CONCURRENT);
	assert_int_equal(loop_run(office->loop), STATUS_OK);
	assert_int_equal(office->answered, STATUS_TIMEOUT);
	assert_int_equal(ask(office, ADA, &begun), STATUS_OK);
}

static void a_full_line_has_places_for_others(void **state)
{
	const struct office *office = *state;
	struct seal_begun first;
	struct seal_begun begun;

	assert_int_equal(ask(office, ADA, &first), STATUS_OK);
	for (size_t i = 1; i < PLACES - 2; i++)
		assert_int_equal(ask(office, ADA, &begun), STATUS_OK);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(ask(office, ADA, &begun), STATUS_BUSY);
	assert_int_not_equal(begun.retry_after_ms, 0);
	assert_int_equal(ask(office, BOB, &begun), STATUS_OK);
	assert_int_equal(ask(office, BOB, &begun), STATUS_OK);
	assert_int_equal(ask(office, BOB, &begun), STATUS_BUSY);
	assert_int_equal(sealer_get_counts(office->sealer).n_waiting, PLACES);
	seal_forget(office->sealer, first.act_id);
	assert_int_equal(ask(office, BOB, &begun), STATUS_OK);
	assert_int_equal(ask(office, ADA, &begun), STATUS_BUSY);
}

static void a_stop_answers_all_who_wait(void **state)
{
	struct office *office = *state;
	struct seal_begun begun;

	assert_int_equal(ask(office, ADA, &begun), STATUS_OK);
	assert_int_equal(ask(office, BOB, &begun), STATUS_OK);
	sealer_stop(office->sealer);
	assert_int_equal(office->answered, STATUS_STOPPING);
	assert_int_equal(sealer_get_counts(office->sealer).n_waiting, 0);
}

static void without_a_record_nobody_is_kept_waiting(void **state)
{
	struct office *office = *state;
	struct request_fields fields = get_fields();
	char path[sizeof(office->archive.folder) + sizeof("/audit.jsonl")];
	struct seal_begun begun;

	assert_int_equal(ask(office, ADA, &begun), STATUS_OK);
	(void)snprintf(path, sizeof(path), "%s/audit.jsonl", office->archive.folder);
	assert_int_equal(truncate(path, 10), 0);
	/* A refusal is a line that finds it out, at the end of the turn. */
	fields.key = bytes_from_text("another");
	assert_int_equal(ask_with(office, BOB, &fields, &begun), STATUS_DENIED);
	assert_int_equal(loop_run(office->loop), STATUS_OK);
	assert_int_equal(office->answered, STATUS_NO_RECORD);
	assert_int_equal(sealer_get_counts(office->sealer).n_waiting, 0);
}

int main(void)
{
#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_spent_rate_is_busy_and_says_until_when, set_up_rated),
		TEST(no_other_refusal_costs_anything_of_the_rate, set_up_rated),
		TEST(an_act_that_is_forgotten_is_under_way_no_more, set_up_counted),
		TEST(an_act_that_came_too_late_is_under_way_no_more, set_up_counted),
		TEST(a_full_line_has_places_for_others, set_up_free),
		TEST(a_stop_answers_all_who_wait, set_up_free),
		TEST(without_a_record_nobody_is_kept_waiting, set_up_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
