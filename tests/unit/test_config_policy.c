/* SPDX-License-Identifier: Apache-2.0 */
/* That every word of a rule arrives: from a text to what policy_decide() says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_fixture.h"
#include "policy/policy_describe.h"

enum {
	ERRORS_MAX = 1 << 16,
	OUT_MAX = 1 << 16,
};

static bool has_user(const char *name, uid_t *out)
{
	*out = (uid_t)(1000 + name[0]);
	return true;
}

static bool has_group(const char *name, gid_t *out)
{
	*out = (gid_t)(2000 + name[0]);
	return true;
}

static bool read_list(const char *path, struct buf *out, struct config_why *why)
{
	(void)path;
	(void)why;
	return buf_append_text(out, "did:c\n") == STATUS_OK;
}

static const struct config_world world = {has_user, has_group, config_is_absolute,
	config_is_absolute, config_is_absolute, read_list};

static const char text[] =
	"token \"usb\" { module = \"/m.so\" uri = \"pkcs11:serial=1\" }\n"
	"key \"bouw\" { on \"usb\" { uri = \"pkcs11:object=b\" certificate = "
	"\"b.pem\" } }\n"
	"listen \"box\" { path = \"/run/box.sock\" }\n"
	"client \"all\" {\n"
	"    user = u  group = g  unit = \"a@1.service\"  exe = \"/usr/bin/a\"\n"
	"    label = \"a_t\"  listen = box  weight = 7\n"
	"    allow \"everything\" {\n"
	"        key = bouw  profile = dsgo-auth\n"
	"        audience = { \"did:b\", \"did:a\" }  audience-file = \"/list\"\n"
	"        claims = listed\n"
	"        claim \"/scope\" { must-be = \"iSHARE\" }\n"
	"        claim \"/env/0\" { may-be = { \"test\", \"json:5\" } }\n"
	"        claim \"/admin\" { absent = true }\n"
	"        claim \"/party\" { matches = \"did:*\" }\n"
	"        max-size = 4096\n"
	"        rate = 20  burst = 40  concurrent = 2\n"
	"        hours = { \"mo-tu 08:00-18:00\", \"fr-su 10:00-24:00\" }\n"
	"    }\n"
	"    allow \"plain\" { key = bouw profile = jws claims = any rate = 5 }\n"
	"}\n";

static const char description[] =
	"rule \"everything\": key bouw; profile dsgo-auth; audience \"did:a\", "
	"\"did:b\", \"did:c\"; claim \"/scope\" is \"iSHARE\"; claim \"/env/0\" is "
	"nothing or one of \"test\", 5; claim \"/admin\" is nothing; claim \"/party\" "
	"is a text that matches \"did:*\"; claims listed; max-size 4096; hours mo "
	"08:00-18:00, tu 08:00-18:00, fr 10:00-24:00, sa 10:00-24:00, su 10:00-24:00; "
	"rate 20; burst 40; concurrent 2\n"
	"rule \"plain\": key bouw; profile jws; claims any; rate 5; burst 5; contains "
	"every other kind of seal\n";

static void build(const char *of, struct config **out)
{
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	const struct config_source source = {"z", bytes_from_text(of)};
	const char *said = NULL;
	const enum status status = config_build_texts(&source, 1, &world, &errors, out);

	assert_int_equal(buf_get_text(&errors, &said), STATUS_OK);
	assert_string_equal(said, "");
	assert_int_equal(status, STATUS_OK);
}

static void config_gives_every_word_of_a_rule_to_the_policy(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_MAX);
	const char *said = NULL;

	(void)state;
	build(text, &config);
	assert_int_equal(
		policy_describe(policy_get_client(config->policy, "all"), &out),
		STATUS_OK);
	assert_int_equal(buf_get_text(&out, &said), STATUS_OK);
	assert_string_equal(said, description);
	assert_int_equal(
		policy_client_get_weight(policy_get_client(config->policy, "all")), 7);
}

/* One thing wrong at a time: each of the words of the client counts. */
static void config_gives_every_word_of_a_client_to_the_policy(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	const gid_t groups[] = {1, 2000 + 'g'};
	const struct policy_peer peer = {.uid = 1000 + 'u',
		.gid = 1,
		.groups = groups,
		.n_groups = 2,
		.unit = "a@1.service",
		.exe = "/usr/bin/a",
		.label = "a_t",
		.listen = "box"};
	struct policy_peer others[6];

	(void)state;
	build(text, &config);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		others[i] = peer;
	others[0].uid = 1000;
	others[1].n_groups = 1;
	others[2].unit = "a@2.service";
	others[3].exe = "/usr/bin/b";
	others[4].label = "";
	others[5].listen = "client";
	assert_non_null(policy_find_client(config->policy, &peer));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_null(policy_find_client(config->policy, &others[i]));
}

struct hour_case {
	const char *hours;
	uint32_t minute;
	bool is_in;
};

#define DAY(n) ((n)*1440U)

static const struct hour_case hour_cases[] = {
	{"mo 08:00-18:00", DAY(0) + 479, false},
	{"mo 08:00-18:00", DAY(0) + 480, true},
	{"mo 08:00-18:00", DAY(0) + 1079, true},
	{"mo 08:00-18:00", DAY(0) + 1080, false},
	{"mo 08:00-18:00", DAY(1) + 480, false},
	{"mo-fr 00:00-24:00", DAY(4) + 1439, true},
	{"mo-fr 00:00-24:00", DAY(5), false},
	{"su 00:00-24:00", DAY(6) + 1439, true},
	/* Over the end of the week. */
	{"fr-mo 12:00-13:00", DAY(4) + 720, true},
	{"fr-mo 12:00-13:00", DAY(5) + 720, true},
	{"fr-mo 12:00-13:00", DAY(6) + 720, true},
	{"fr-mo 12:00-13:00", DAY(0) + 720, true},
	{"fr-mo 12:00-13:00", DAY(1) + 720, false},
	{"fr-mo 12:00-13:00", DAY(3) + 720, false},
	{"su-sa 00:00-00:01", DAY(2), true},
};

static void config_hours_are_minutes_of_the_week(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hour_cases); i++) {
		CLEANUP(config_freep) struct config *config = NULL;
		const struct policy_question question = {.key = "bouw",
			.profile = "digest",
			.week_minute = hour_cases[i].minute};
		char of[512];

		(void)snprintf(of, sizeof(of),
			"token \"usb\" { module = \"/m\" uri = \"pkcs11:serial=1\" }\n"
			"key \"bouw\" { on \"usb\" { uri = \"pkcs11:object=b\" "
			"certificate = \"b\" } }\n"
			"client \"c\" { user = u allow \"r\" { key = bouw profile = "
			"digest hours = \"%s\" } }\n",
			hour_cases[i].hours);
		build(of, &config);
		assert_string_equal(
			policy_decide(policy_get_client(config->policy, "c"), &question)
				.rule,
			hour_cases[i].is_in ? "r" : "hours");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_gives_every_word_of_a_rule_to_the_policy),
		cmocka_unit_test(config_gives_every_word_of_a_client_to_the_policy),
		cmocka_unit_test(config_hours_are_minutes_of_the_week),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
