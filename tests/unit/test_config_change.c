/* SPDX-License-Identifier: Apache-2.0 */
/* What a reload may change, and what it names as in need of a restart: word by word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config_change.h"
#include "config_fixture.h"

enum {
	ERRORS_MAX = 1 << 16,
	TEXT_MAX = 1 << 13,
};

#define RESTART "; this needs a restart\n"

/* Names end in their number. */
static bool has_user(const char *name, uid_t *out)
{
	*out = (uid_t)name[strlen(name) - 1];
	return true;
}

static bool has_group(const char *name, gid_t *out)
{
	*out = (gid_t)name[strlen(name) - 1];
	return strcmp(name, "zegel-officers") != 0;
}

static bool read_list(const char *path, struct buf *out, struct config_why *why)
{
	return config_is_absolute(path, why) &&
	       buf_append_text(out, path + 1) == STATUS_OK;
}

static const struct config_world world = {has_user, has_group, config_is_absolute,
	config_is_absolute, config_is_absolute, read_list};

/* Every word of the grammar. */
static const char base[] =
	"state-directory = \"/s\"\nmin-left = 5\nline-max = 10\n"
	"audit-directory = \"/a\"\naudit-sync = seal\naudit-rotate-mib = 5\n"
	"audit-rotate-daily = true\ncheckpoint-key = k1\ncheckpoint-lines = 6\n"
	"checkpoint-minutes = 7\nofficer-socket = \"/o\"\nofficer-group = g1\n"
	"listen \"l1\" { path = \"/l1\" mode = 0660 group = g3 }\n"
	"listen \"l2\" { path = \"/l2\" }\n"
	"token \"t1\" { module = \"/m1\" uri = \"pkcs11:serial=1\"\n"
	"environment = { \"A=1\", \"B=1\" } pin = \"file:/p1\" sessions = 2 deadline = "
	"3 "
	"}\n"
	"token \"t2\" { module = \"/m2\" uri = \"pkcs11:serial=2\" pin = officer }\n"
	"key \"k1\" { on \"t1\" { uri = \"pkcs11:object=a\" certificate = \"/c1\" }\n"
	"on \"t2\" { uri = \"pkcs11:object=b\" certificate = \"/c2\" }\n"
	"identifier = \"did:k1\" x5c-root = true }\n"
	"key \"k2\" { on \"t2\" { uri = \"pkcs11:object=c\" certificate = \"/c3\" } }\n"
	"client \"c1\" { user = u1 group = g1 unit = \"a.service\" exe = \"/e\" label "
	"= l\n"
	"listen = l1 weight = 2\n"
	"allow \"r1\" { key = k1 profile = dsgo-auth audience = x audience-file = "
	"\"/y\"\n"
	"claims = listed claim \"/z\" { absent = true } max-size = 8 rate = 9 burst = "
	"9\n"
	"concurrent = 4 hours = \"mo-fr 08:00-18:00\" } }\n";

struct edit {
	const char *old; /* stands in base exactly once */
	const char *new;
	const char *errors;
};

static void write_text(const struct edit *edit, char out[static TEXT_MAX])
{
	const char *at = strstr(base, edit->old);
	const size_t before = (size_t)(at - base);

	assert_non_null(at);
	assert_null(strstr(at + 1, edit->old));
	assert_true(strlen(base) + strlen(edit->new) < TEXT_MAX);
	memcpy(out, base, before);
	memcpy(out + before, edit->new, strlen(edit->new));
	strcpy(out + before + strlen(edit->new), at + strlen(edit->old));
}

static struct config *build(const char *text)
{
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	const struct config_source source = {"z", bytes_from_text(text)};
	struct config *config = NULL;
	const char *words = NULL;
	const enum status status =
		config_build_texts(&source, 1, &world, &errors, &config);

	assert_int_equal(buf_get_text(&errors, &words), STATUS_OK);
	assert_string_equal(words, "");
	assert_int_equal(status, STATUS_OK);
	return config;
}

static void check(const struct edit *edit)
{
	char text[TEXT_MAX];
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	CLEANUP(config_freep) struct config *now = build(base);
	CLEANUP(config_freep) struct config *next = NULL;
	const char *words = NULL;
	enum status status;

	write_text(edit, text);
	next = build(text);
	status = config_change_judge(now, next, &errors);
	assert_int_equal(buf_get_text(&errors, &words), STATUS_OK);
	assert_string_equal(words, edit->errors);
	assert_int_equal(
		status, edit->errors[0] == '\0' ? STATUS_OK : STATUS_BAD_CONFIG);
}

static void check_all(const struct edit *edits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(&edits[i]);
}

#define AUDIT      "a word that begins with audit- or checkpoint-: has changed" RESTART
#define OFFICER    "officer-socket or officer-group: has changed" RESTART
#define SAME(name) name ": has changed" RESTART

static const struct edit restarts[] = {
	{"\"/s\"", "\"/t\"", "state-directory: has changed" RESTART},
	{"\"/a\"", "\"/b\"", AUDIT},
	{"= seal", "= interval", AUDIT},
	{"audit-rotate-mib = 5", "audit-rotate-mib = 6", AUDIT},
	{"audit-rotate-daily = true", "audit-rotate-daily = false", AUDIT},
	{"checkpoint-key = k1", "checkpoint-key = k2", AUDIT},
	{"checkpoint-lines = 6", "checkpoint-lines = 5", AUDIT},
	{"checkpoint-minutes = 7", "checkpoint-minutes = 6", AUDIT},
	{"checkpoint-key = k1\ncheckpoint-lines = 6\ncheckpoint-minutes = 7\n", "",
		AUDIT},
	{"\"/o\"", "\"/p\"", OFFICER},
	{"officer-group = g1", "officer-group = g2", OFFICER},
	{"officer-group = g1\n", "", OFFICER},
	{"path = \"/l1\"", "path = \"/l3\"", SAME("listen \"l1\"")},
	{"0660", "0600", SAME("listen \"l1\"")},
	{"group = g3", "group = g2", SAME("listen \"l1\"")},
	{"group = g3", "", SAME("listen \"l1\"")},
	{"listen \"l2\"", "listen \"l3\"",
		"listen \"l2\": is gone" RESTART "listen \"l3\": is new" RESTART},
	{"listen \"l2\" { path = \"/l2\" }\n", "", "listen \"l2\": is gone" RESTART},
	{"/m1", "/m3", SAME("token \"t1\"")},
	{"serial=1", "serial=3", SAME("token \"t1\"")},
	{"B=1", "B=2", SAME("token \"t1\"")},
	{", \"B=1\"", "", SAME("token \"t1\"")},
	{"environment = { \"A=1\", \"B=1\" }", "", SAME("token \"t1\"")},
	{"file:/p1", "file:/p2", SAME("token \"t1\"")},
	{"file:/p1", "officer", SAME("token \"t1\"")},
	{"sessions = 2", "sessions = 3", SAME("token \"t1\"")},
	{"deadline = 3", "deadline = 4", SAME("token \"t1\"")},
	{"key \"k2\"",
		"token \"t3\" { module = \"/m\" uri = \"pkcs11:serial=1\" }\nkey "
		"\"k2\"",
		"token \"t3\": is new" RESTART},
	{"object=a", "object=d", SAME("key \"k1\"")},
	{"/c1", "/c4", SAME("key \"k1\"")},
	{"on \"t2\" { uri = \"pkcs11:object=b\" certificate = \"/c2\" }", "",
		SAME("key \"k1\"")},
	{"on \"t2\" { uri = \"pkcs11:object=c\"",
		"on \"t1\" { uri = \"pkcs11:object=c\"", SAME("key \"k2\"")},
	{"did:k1", "did:k2", SAME("key \"k1\"")},
	{"identifier = \"did:k1\"", "", SAME("key \"k1\"")},
	{"x5c-root = true", "", SAME("key \"k1\"")},
	{"key \"k2\"", "key \"k3\"",
		"key \"k2\": is gone" RESTART "key \"k3\": is new" RESTART},
};

static void what_lives_with_the_process_needs_a_restart(void **state)
{
	(void)state;
	check_all(restarts, ARRAY_LEN(restarts));
}

static const struct edit reloads[] = {
	{"min-left = 5", "min-left = 6", ""},
	{"line-max = 10", "line-max = 1", ""},
	{"\"c1\"", "\"c2\"", ""},
	{"user = u1", "user = u2", ""},
	{"user = u1 group = g1", "user = u1 group = g2", ""},
	{"a.service", "b.service", ""},
	{"/e", "/f", ""},
	{"label = l\n", "label = m\n", ""},
	{"listen = l1", "listen = l2", ""},
	{"weight = 2", "weight = 3", ""},
	{"\"r1\"", "\"r2\"", ""},
	{"key = k1 profile", "key = k2 profile", ""},
	{"audience = x", "audience = w", ""},
	{"\"/y\"", "\"/v\"", ""},
	{"claims = listed", "claims = free", ""},
	{"claim \"/z\"", "claim \"/q\"", ""},
	{"max-size = 8", "max-size = 7", ""},
	{"rate = 9", "rate = 8", ""},
	{"burst = 9", "burst = 8", ""},
	{"concurrent = 4", "concurrent = 5", ""},
	{"mo-fr", "mo-sa", ""},
	{"client \"c1\"", "client \"c0\" { user = u9 }\nclient \"c1\"", ""},
	/* The order of sections, and the same said by a default. */
	{"listen \"l1\" { path = \"/l1\" mode = 0660 group = g3 }\n"
	 "listen \"l2\" { path = \"/l2\" }\n",
		"listen \"l2\" { path = \"/l2\" mode = 0660 }\n"
		"listen \"l1\" { path = \"/l1\" group = g3 }\n",
		""},
};

static void clients_rules_and_limits_need_none(void **state)
{
	(void)state;
	check_all(reloads, ARRAY_LEN(reloads));
}

static void all_that_has_changed_is_named_at_once(void **state)
{
	static const struct edit edit = {
		"\"/s\"\nmin-left = 5\nline-max = 10\naudit-directory = \"/a\"",
		"\"/t\"\naudit-directory = \"/b\"",
		"state-directory: has changed" RESTART AUDIT};

	(void)state;
	check(&edit);
}

static void what_has_no_room_counts_even_so(void **state)
{
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(4);
	CLEANUP(config_freep) struct config *now = build(base);
	CLEANUP(config_freep) struct config *next = build("");

	(void)state;
	assert_int_equal(config_change_judge(now, next, &errors), STATUS_BAD_CONFIG);
	assert_int_equal(errors.len, 0);
}

static void taking_over_moves_policy_limits_and_hash(void **state)
{
	static const struct edit edit = {
		"min-left = 5\nline-max = 10", "min-left = 6\nline-max = 11", ""};
	char text[TEXT_MAX];
	CLEANUP(config_freep) struct config *now = build(base);
	CLEANUP(config_freep) struct config *next = NULL;
	const struct policy *policy;
	uint8_t hash[CONFIG_HASH_LEN];

	(void)state;
	write_text(&edit, text);
	next = build(text);
	policy = next->policy;
	memcpy(hash, next->hash, sizeof(hash));
	assert_memory_not_equal(now->hash, hash, sizeof(hash));
	config_change_take(now, next);
	assert_ptr_equal(now->policy, policy);
	assert_null(next->policy);
	assert_int_equal(now->min_left_s, 6);
	assert_int_equal(now->line_max, 11);
	assert_memory_equal(now->hash, hash, sizeof(hash));
}

/*
 * Not designated, so that a new member stops the compiler here
 * (-Wmissing-field-initializers). Then: compare it in config_change.c, or take it over in
 * config_change_take(); give it a row in a table above; and add it here.
 */
static void no_member_is_forgotten(void **state)
{
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	char any[] = "x";
	char *environment[] = {any};
	struct listen_spec listens[] = {{any, any, 0600, false, 0}};
	struct token_spec tokens[] = {
		{any, any, any, environment, 1, TOKEN_PIN_FILE, any, 1, 1}};
	struct key_on_spec ons[] = {{any, any, any}};
	struct key_spec keys[] = {{any, ons, 1, any, false}};
	const struct config config = {any, listens, 1, {any, any, 0600, false, 0},
		tokens, 1, keys, 1, NULL, {any, RECORD_SYNC_SEAL, 1, true, any, 1, 1},
		1, 1, {0}};

	(void)state;
	assert_int_equal(config_change_judge(&config, &config, &errors), STATUS_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lives_with_the_process_needs_a_restart),
		cmocka_unit_test(clients_rules_and_limits_need_none),
		cmocka_unit_test(all_that_has_changed_is_named_at_once),
		cmocka_unit_test(what_has_no_room_counts_even_so),
		cmocka_unit_test(taking_over_moves_policy_limits_and_hash),
		cmocka_unit_test(no_member_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
