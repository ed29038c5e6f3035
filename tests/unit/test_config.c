/* SPDX-License-Identifier: Apache-2.0 */
/* What the words mean: texts in, one value or lines of errors out. No file is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_fixture.h"

enum {
	ERRORS_MAX = 1 << 16,
	GID_CLIENTS = 50,
};

/* A machine of our own: four users, one group, and files that are good by their name. */
static bool has_user(const char *name, uid_t *out)
{
	static const struct {
		const char *name;
		uid_t uid;
	} users[] = {{"planning", 1000}, {"alias", 1000}, {"archief", 1001},
		{"nobody", 65534}};

	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		if (strcmp(users[i].name, name) == 0) {
			*out = users[i].uid;
			return true;
		}
	}
	return false;
}

static bool has_group(const char *name, gid_t *out)
{
	*out = GID_CLIENTS;
	return strcmp(name, "zegel-clients") == 0;
}

static const struct config_world world = {has_user, has_group, config_is_not_bad,
	config_is_not_bad, config_is_not_bad, config_read_not_bad};

/* The first door: what libconfuse would read in another way, or not read at all. */
static const struct config_wrong wrong_texts[] = {
	{"client \"a\" {\n user = planning\n",
		"z.conf:1: expected } for the { on this line, found the end of the "
		"file\n"},
	{"\nstate-directory = \"/var\n",
		"z.conf:2: expected \" at the end of the string, on the same line\n"},
	{"state-directory = \"/var",
		"z.conf:1: expected \" at the end of the string, on the same line\n"},
	{"\n\nstate-directory = \"/var/${HOME}\"\n",
		"z.conf:3: nothing is expanded here: remove the ${\n"},
	{"state-directory = ${HOME}\n",
		"z.conf:1: nothing is expanded here: remove the ${\n"},
	{"state-directory = \"/a\\tb\"\n",
		"z.conf:1: a string cannot hold a backslash\n"},
	{"state-directory = '/a'\n",
		"z.conf:1: expected \" around a string, found '\n"},
	{"/* no */\n", "z.conf:1: expected a word, \"text\", =, {, } or a # comment, "
		       "found the byte 0x2f\n"},
	{"min-left = 5;\n",
		"z.conf:1: expected a word, \"text\", =, {, } or a # comment, found "
		"the byte 0x3b\n"},
	{"min-left = 5\r\n",
		"z.conf:1: expected a word, \"text\", =, {, } or a # comment, found "
		"the byte 0x0d\n"},
	{"# bell \a\n", "z.conf:1: expected text, found the byte 0x07\n"},
	{"key \"\xc3\xa9\" { }\n",
		"z.conf:1: expected printable ASCII in a string, found the byte "
		"0xc3\n"},
	{"}\n", "z.conf:1: } without a { before it\n"},
	{"a { b { c { d { e {\n",
		"z.conf:1: braces within braces, deeper than any section\n"},
	{"token \"usb\" {\n environment = { }\n}\n",
		"z.conf:2: an empty list: leave the word out, or fill it\n"},
	{"client \"a\" { allow \"r\" {\n audience = {}\n} }\n",
		"z.conf:2: an empty list: leave the word out, or fill it\n"},
	{"token \"usb\" {\n environment += { \"A=1\" }\n}\n",
		"z.conf:2: a list is given once and whole: there is no +=\n"},
};

/* The second door: libconfuse with our grammar; the first error only. */
static const struct config_wrong wrong_syntax[] = {
	{"speed = 5\nmore = 6\n", "z.conf:1: speed: unknown word\n"},
	{"\ninclude(\"other.conf\")\n",
		"z.conf:2: expected a word, \"text\", =, {, } or a # comment, found "
		"the byte 0x28\n"},
	{"include \"other.conf\"\n",
		"z.conf:1: include: does not exist: use files in conf.d\n"},
	{"client \"a\" {\n hours = \"9-17\"\n}\n",
		"z.conf:2: client \"a\": hours: does not exist here: give it to each "
		"allow\n"},
	{"client \"a\" { allow \"r\" { claim \"/a\" {\n must = x\n} } }\n",
		"z.conf:2: claim \"/a\": must: unknown word\n"},
	{"client \"a\" { allow \"r\" { claim \"/a\" { }\n claim \"/a\" { } } }\n",
		"z.conf:2: allow \"r\": found duplicate title '/a'\n"},
	/* Elsewhere the same word is only unknown. */
	{"rate = 20\n", "z.conf:1: rate: unknown word\n"},
	{"client \"a\\x\" { }\n", "z.conf:1: a string cannot hold a backslash\n"},
	{"min-left = 5\nmin-left = 6\n", "z.conf:2: min-left: given twice\n"},
	{"token \"usb\" {\n uri = \"a\"\n\n uri = \"a\"\n}\n",
		"z.conf:4: token \"usb\": uri: given twice\n"},
	{"token \"usb\" {\n environment = { \"A=1\" }\n environment = { \"B=1\" }\n}\n",
		"z.conf:3: token \"usb\": environment: given twice\n"},
	{"token \"usb\" {\n environment = \"A=1\"\n environment = \"B=1\"\n}\n",
		"z.conf:3: token \"usb\": environment: given twice\n"},
	{"token \"usb\" {\n environment = { \"A=1\", \"B=1\", }\n"
	 " environment = { \"C=1\" }\n}\n",
		"z.conf:3: token \"usb\": environment: given twice\n"},
	{"client \"a\" { allow \"r\" { audience = { \"x\" }\n audience = { \"y\" } } "
	 "}\n",
		"z.conf:2: allow \"r\": audience: given twice\n"},
	{"key \"a\" { }\nkey \"b\" { }\nkey \"a\" { }\n",
		"z.conf:3: found duplicate title 'a'\n"},
	{"key \"a\" { on \"t\" { }\n on \"t\" { } }\n",
		"z.conf:2: key \"a\": found duplicate title 't'\n"},
	{"client \"a\" { allow \"r\" { }\n allow \"r\" { } }\n",
		"z.conf:2: client \"a\": found duplicate title 'r'\n"},
	{"key { }\n", "z.conf:1: missing title for section 'key'\n"},
	{"key \"a\" = 5\n", "z.conf:1: missing opening brace for section 'key'\n"},
	{"min-left 5\n", "z.conf:1: missing equal sign after option 'min-left'\n"},
	{"min-left = \n", "z.conf:2: premature end of file\n"},
	{"min-left = { 5 }\n", "z.conf:1: unexpected token '{'\n"},
};

static void config_refuses_what_would_be_misread(void **state)
{
	(void)state;
	config_check_wrong(&world, "z.conf", wrong_texts, ARRAY_LEN(wrong_texts));
}

static void config_gives_the_first_error_of_syntax(void **state)
{
	(void)state;
	config_check_wrong(&world, "z.conf", wrong_syntax, ARRAY_LEN(wrong_syntax));
}

/* A scanner left inside a string or comment would misread the next file. */
static void config_forgets_a_bad_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong_syntax); i++) {
		CLEANUP(freep)
		char *bad = config_errors_of(
			&world, "z.conf", bytes_from_text(wrong_syntax[i].text));
		CLEANUP(freep)
		char *good = config_errors_of(
			&world, "z.conf", bytes_from_text(CONFIG_TOKEN CONFIG_KEY));

		assert_string_not_equal(bad, "");
		assert_string_equal(good, "");
	}
}

static void config_refuses_a_nul(void **state)
{
	static const char text[] = "min-left = 5 # \0 \nmin-left = 6\n";
	CLEANUP(freep)
	char *errors = config_errors_of(
		&world, "z.conf", (struct bytes){(const uint8_t *)text, sizeof(text)});

	(void)state;
	assert_string_equal(errors, "z.conf:1: expected text, found the byte 0x00\n");
}

static void config_escapes_foreign_text(void **state)
{
	static const struct config_wrong wrongs[] = {
		{CONFIG_TOKEN CONFIG_KEY
			"client \"a\" { user = \"planning\"\n allow \"x<y\" { key = "
			"bouw profile = \"a%n b\" } }\n",
			"z.conf:4: client \"a\": allow \"x<y\": expected a name: 1 to "
			"64 characters of A-Z a-z 0-9 . _ -\n"
			"z.conf:4: client \"a\": allow \"x<y\": profile: expected a "
			"profile: dsgo-auth, jws or digest, found \"a%n b\"\n"},
	};

	(void)state;
	config_check_wrong(&world, "z.conf", wrongs, ARRAY_LEN(wrongs));
}

static void config_counts_what_it_does_not_show(void **state)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(ERRORS_MAX);
	CLEANUP(freep) char *errors = NULL;

	(void)state;
	for (int i = 0; i < CONFIG_ERRORS_MAX + 7; i++)
		assert_int_equal(
			buf_append_format(&text, "client \"c%d\" { user = nix }\n", i),
			STATUS_OK);
	errors = config_errors_of(&world, "z.conf", buf_get(&text));
	assert_non_null(strstr(errors, "z.conf:50: client \"c49\": user: expected"));
	assert_null(strstr(errors, "z.conf:51:"));
	assert_non_null(strstr(errors, "\nand 7 more\n"));
}

/* Errors that do not fit are never taken for no error. */
static void config_stays_bad_when_errors_do_not_fit(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(10);
	const struct config_source source = {
		"z.conf", bytes_from_text("min-left = 99\nline-max = 0\n")};

	(void)state;
	assert_int_equal(config_build_texts(&source, 1, &world, &errors, &config),
		STATUS_BAD_CONFIG);
	assert_int_equal(errors.len, 0);
	assert_null(config);
}

static void config_defaults_hold_for_an_empty_text(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	const struct config_source source = {"z.conf", {NULL, 0}};

	(void)state;
	assert_int_equal(
		config_build_texts(&source, 1, &world, &errors, &config), STATUS_OK);
	assert_string_equal(config->state_directory, "/var/lib/zegel");
	assert_int_equal(config->min_left_s, 5);
	assert_int_equal(config->line_max, 1000);
	assert_int_equal(config->n_listens, 1);
	assert_string_equal(config->listens[0].name, "client");
	assert_string_equal(config->listens[0].path, "/run/zegel/zegel.sock");
	assert_int_equal(config->listens[0].mode, 0660);
	assert_true(config->listens[0].has_group);
	assert_int_equal(config->listens[0].group, GID_CLIENTS);
	assert_int_equal(config->n_tokens, 0);
	assert_int_equal(config->n_keys, 0);
	assert_null(
		policy_find_client(config->policy, &(struct policy_peer){.uid = 1000}));
}

/* The example of the design, without the words that are not supported yet. */
static const char example[] =
	"state-directory = \"/srv/zegel\"\n"
	"min-left = 10\nline-max = 20\n"
	"listen \"api\" { path = \"/run/api.sock\" mode = 0600 }\n"
	"listen \"open\" { path = \"/run/open.sock\" mode = \"666\" group = "
	"\"zegel-clients\" }\n"
	"token \"usb\" {\n"
	"    module      = \"/usr/lib/opensc-pkcs11.so\"  # absolute\n"
	"    uri         = \"pkcs11:serial=DENK0100123\"\n"
	"    environment = { \"OPENSC_CONF=/etc/zegel/opensc.conf\", \"A=\" }\n"
	"    pin         = \"file:/etc/zegel/pin\"\n"
	"    sessions    = 4\n    deadline    = 7\n}\n"
	"token \"hsm\" { module = \"/m.so\" uri = "
	"\"pkcs11:token=Great%20ones;model=x\" }\n"
	"key \"bouwplanning\" {\n"
	"    on \"usb\" { uri = \"pkcs11:object=bouwplanning\"  certificate = "
	"\"bouwplanning.pem\" }\n"
	"    on \"hsm\" { uri = \"pkcs11:id=%00%01;object=b\" certificate = "
	"\"/etc/b.pem\" }\n"
	"    identifier = \"did:ishare:EU.NL.NTRNL-12345678\"\n"
	"    x5c-root = true\n}\n"
	"client \"planning-api\" {\n    user = \"planning\"\n"
	"    allow \"login\" { key = \"bouwplanning\"  profile = \"dsgo-auth\"  "
	"audience = { \"did:ishare:EU.NL.NTRNL-76660680\" } }\n"
	"    allow \"raw\" { key = bouwplanning profile = digest }\n}\n"
	"client \"silent\" { user = \"archief\" }";

static void check_example_keys(const struct config *config)
{
	const struct key_spec *key = &config->keys[0];

	assert_int_equal(config->n_keys, 1);
	assert_string_equal(key->name, "bouwplanning");
	assert_int_equal(key->n_on, 2);
	assert_string_equal(key->on[0].token, "usb");
	assert_string_equal(key->on[0].uri, "pkcs11:object=bouwplanning");
	assert_string_equal(key->on[0].certificate, "/srv/zegel/bouwplanning.pem");
	assert_string_equal(key->on[1].token, "hsm");
	assert_string_equal(key->on[1].certificate, "/etc/b.pem");
	assert_string_equal(key->identifier, "did:ishare:EU.NL.NTRNL-12345678");
	assert_true(key->has_root);
}

static void check_example_tokens(const struct config *config)
{
	const struct token_spec *usb = &config->tokens[0], *hsm = &config->tokens[1];

	assert_int_equal(config->n_tokens, 2);
	assert_string_equal(usb->name, "usb");
	assert_string_equal(usb->module, "/usr/lib/opensc-pkcs11.so");
	assert_string_equal(usb->uri, "pkcs11:serial=DENK0100123");
	assert_int_equal(usb->n_environment, 2);
	assert_string_equal(usb->environment[0], "OPENSC_CONF=/etc/zegel/opensc.conf");
	assert_string_equal(usb->environment[1], "A=");
	assert_int_equal(usb->pin, TOKEN_PIN_FILE);
	assert_string_equal(usb->pin_path, "/etc/zegel/pin");
	assert_int_equal(usb->n_sessions, 4);
	assert_int_equal(usb->deadline_ms, 7000);
	assert_int_equal(hsm->pin, TOKEN_PIN_OFFICER);
	assert_null(hsm->pin_path);
	assert_int_equal(hsm->n_sessions, 1);
	assert_int_equal(hsm->deadline_ms, 5000);
}

static void check_example_policy(const struct policy *policy)
{
	const struct policy_question login = {.key = "bouwplanning",
		.profile = "dsgo-auth",
		.audience = "did:ishare:EU.NL.NTRNL-76660680"};
	const struct policy_question other = {.key = "bouwplanning",
		.profile = "dsgo-auth",
		.audience = "did:ishare:EU.NL.NTRNL-1"};
	const struct policy_question raw = {
		.key = "bouwplanning", .profile = "digest", .audience = NULL};
	const struct policy_client *client =
		policy_find_client(policy, &(struct policy_peer){.uid = 1000});

	assert_string_equal(policy_decide(client, &login).rule, "login");
	assert_string_equal(policy_decide(client, &login).client, "planning-api");
	assert_string_equal(policy_decide(client, &other).rule, "audience");
	assert_string_equal(policy_decide(client, &raw).rule, "raw");
	assert_non_null(policy_find_client(policy, &(struct policy_peer){.uid = 1001}));
	assert_null(policy_find_client(policy, &(struct policy_peer){.uid = 1002}));
}

static void config_reads_the_example(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	const struct config_source source = {"z.conf", bytes_from_text(example)};

	(void)state;
	assert_int_equal(
		config_build_texts(&source, 1, &world, &errors, &config), STATUS_OK);
	assert_string_equal(config->state_directory, "/srv/zegel");
	assert_int_equal(config->min_left_s, 10);
	assert_int_equal(config->line_max, 20);
	assert_int_equal(config->n_listens, 2);
	assert_int_equal(config->listens[0].mode, 0600);
	assert_false(config->listens[0].has_group);
	assert_int_equal(config->listens[1].mode, 0666);
	check_example_tokens(config);
	check_example_keys(config);
	check_example_policy(config->policy);
}

/* Sections of later files may refer to earlier ones; their errors name their file. */
static void config_reads_several_texts_as_one(void **state)
{
	static const char client[] =
		"client \"a\" { user = planning\n allow \"r\" { key = bouw profile = "
		"digest } }\n";
	const struct config_source sources[] = {
		{"1.conf", bytes_from_text(CONFIG_TOKEN)},
		{"2.conf", bytes_from_text("# nothing\n#\n")},
		{"3.conf", bytes_from_text(CONFIG_KEY)},
		{"4.conf", bytes_from_text(client)},
		{"5.conf", bytes_from_text("\nkey \"bouw\" { }\n")},
		{"6.conf", bytes_from_text("min-left = 1\n")},
		{"7.conf", bytes_from_text("\n\nmin-left = 1\n")}};
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	const char *text = NULL;

	(void)state;
	assert_int_equal(
		config_build_texts(sources, 4, &world, &errors, &config), STATUS_OK);
	config_freep(&config);
	assert_int_equal(config_build_texts(sources, 5, &world, &errors, &config),
		STATUS_BAD_CONFIG);
	assert_int_equal(config_build_texts(&sources[5], 2, &world, &errors, &config),
		STATUS_BAD_CONFIG);
	assert_int_equal(buf_get_text(&errors, &text), STATUS_OK);
	assert_string_equal(text, "5.conf:2: found duplicate title 'bouw'\n"
				  "7.conf:3: min-left: given twice\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_refuses_what_would_be_misread),
		cmocka_unit_test(config_gives_the_first_error_of_syntax),
		cmocka_unit_test(config_forgets_a_bad_text),
		cmocka_unit_test(config_refuses_a_nul),
		cmocka_unit_test(config_escapes_foreign_text),
		cmocka_unit_test(config_counts_what_it_does_not_show),
		cmocka_unit_test(config_stays_bad_when_errors_do_not_fit),
		cmocka_unit_test(config_defaults_hold_for_an_empty_text),
		cmocka_unit_test(config_reads_the_example),
		cmocka_unit_test(config_reads_several_texts_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
