/* SPDX-License-Identifier: Apache-2.0 */
/* Each wrong value of each word, with the words and the line of its error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config_fixture.h"

static bool has_group(const char *name, gid_t *out)
{
	*out = 50;
	return strcmp(name, "unknown") != 0;
}

static const struct config_world world = {config_has_some_users, has_group,
	config_is_not_bad, config_is_not_bad, config_is_not_bad, config_read_not_bad};

#define WITH_TOKEN(words)                                                              \
	"token \"t\" { module = \"/m\" uri = \"pkcs11:serial=1\"\n" words "\n}\n"
#define WITH_KEY(words) CONFIG_TOKEN "key \"k\" {\n" words "\n}\n"
#define WITH_ON(words)  CONFIG_TOKEN "key \"k\" { on \"usb\" {\n" words "\n} }\n"
#define GOOD_ON         "on \"usb\" { uri = \"pkcs11:object=b\" certificate = \"b\" }"
#define X16             "xxxxxxxxxxxxxxxx"
#define X64             X16 X16 X16 X16

static const struct config_wrong wrong_roots[] = {
	{"\nstate-directory = \"var\"\n",
		"z:2: state-directory: expected an absolute path, found \"var\"\n"},
	{"min-left = 0\n",
		"z:1: min-left: expected a whole number from 1 to 25, found \"0\"\n"},
	{"min-left = 26\n",
		"z:1: min-left: expected a whole number from 1 to 25, found \"26\"\n"},
	{"min-left = 0x5\n",
		"z:1: min-left: expected a whole number from 1 to 25, found \"0x5\"\n"},
	{"min-left = \"\"\n",
		"z:1: min-left: expected a whole number from 1 to 25, found \"\"\n"},
	{"line-max = 100001\n", "z:1: line-max: expected a whole number from 1 to "
				"100000, found \"100001\"\n"},
	{"line-max = 99999999999999999999\n",
		"z:1: line-max: expected a whole number from 1 to 100000, found "
		"\"99999999999999999999\"\n"},
	{"min-left = 1 line-max = 1\n", ""},
	{"min-left = 25 line-max = 100000\n", ""},
	/* Errors of meaning come all at once. */
	{"min-left = 0\nline-max = 0\n",
		"z:1: min-left: expected a whole number from 1 to 25, found \"0\"\n"
		"z:2: line-max: expected a whole number from 1 to 100000, found "
		"\"0\"\n"},
};

#define MODE "expected an octal mode from 0600 to 0666, without execute bits, found "

static const struct config_wrong wrong_listens[] = {
	{"listen \"a b\" { }\n", "z:1: listen \"a b\": expected a name: 1 to 64 "
				 "characters of A-Z a-z 0-9 . _ -\n"},
	{"listen \"" X64 "\" { }\n", ""},
	{"listen \"\" {\n}\n", "z:1: listen \"\": expected a name: 1 to 64 characters "
			       "of A-Z a-z 0-9 . _ -\n"},
	{"listen \"a\" {\n path = \"run\" }\n",
		"z:2: listen \"a\": path: expected an absolute path of at most 107 "
		"bytes, found \"run\"\n"},
	{"listen \"a\" {\n path = \"/" X64 X16 X16 "xxxxxxxxxxx\" }\n",
		"z:2: listen \"a\": path: expected an absolute path of at most 107 "
		"bytes, found \"/" X64 X16 X16 "xxxxxxxxxxx\"\n"},
	{"listen \"a\" {\n path = \"/" X64 X16 X16 "xxxxxxxxxx\" }\n", ""},
	{"listen \"a\" { mode = \"0670\" }\n",
		"z:1: listen \"a\": mode: " MODE "\"0670\"\n"},
	{"listen \"a\" { mode = \"0060\" }\n",
		"z:1: listen \"a\": mode: " MODE "\"0060\"\n"},
	{"listen \"a\" { mode = \"1660\" }\n",
		"z:1: listen \"a\": mode: " MODE "\"1660\"\n"},
	{"listen \"a\" { mode = \"0680\" }\n",
		"z:1: listen \"a\": mode: " MODE "\"0680\"\n"},
	{"listen \"a\" { mode = \"00660\" }\n",
		"z:1: listen \"a\": mode: " MODE "\"00660\"\n"},
	{"listen \"a\" { mode = \"\" }\n", "z:1: listen \"a\": mode: " MODE "\"\"\n"},
	{"listen \"a\" { group = unknown }\n",
		"z:1: listen \"a\": group: expected a group of this machine, found "
		"\"unknown\"\n"},
	{"listen \"a\" { path = \"/r\" }\nlisten \"b\" { path = \"/r\" }\n",
		"z:2: listen \"b\": path: expected a path that no other socket has, "
		"found \"/r\"\n"},
};

#define AT_T "z:2: token \"t\": "

static const struct config_wrong wrong_tokens[] = {
	{"token \"t\" {\n\n}\n",
		"z:1: token \"t\": module: expected the path of a PKCS#11 module, "
		"found "
		"nothing\n"
		"z:1: token \"t\": uri: expected a PKCS#11 URI, found nothing\n"},
	{"token \"t\" { uri = \"pkcs11:serial=1\"\n module = \"m.so\" }\n",
		AT_T "module: expected an absolute path of at most 511 bytes, found "
		     "\"m.so\"\n"},
	{"token \"t\" { uri = \"pkcs11:serial=1\"\n module = \"/bad.so\" }\n",
		AT_T "module: \"/bad.so\" is bad\n"},
	{"token \"t\" { module = \"/m\"\n uri = \"pkcs11:model=x\" }\n",
		AT_T "uri: expected a PKCS#11 URI with serial or token (the label), "
		     "found \"pkcs11:model=x\"\n"},
	{WITH_TOKEN("environment = { \"A\" }"),
		AT_T "environment: expected NAME=VALUE, found \"A\"\n"},
	{WITH_TOKEN("environment = { \"=1\" }"),
		AT_T "environment: expected NAME=VALUE, found \"=1\"\n"},
	{WITH_TOKEN("environment = { \"1A=1\" }"),
		AT_T "environment: expected NAME=VALUE, found \"1A=1\"\n"},
	{WITH_TOKEN("environment = { \"A=1\", \"LD_PRELOAD=/x\" }"),
		AT_T "environment: expected no LD_ variable and not PATH, found "
		     "\"LD_PRELOAD=/x\"\n"},
	{WITH_TOKEN("environment = { \"PATH=/x\" }"),
		AT_T "environment: expected no LD_ variable and not PATH, found "
		     "\"PATH=/x\"\n"},
	{WITH_TOKEN("environment = { \"A=1\", \"AB=1\", \"A=2\" }"),
		AT_T "environment: expected each variable once, found \"A=2\"\n"},
	{WITH_TOKEN("environment = { \"PATHS=1\", \"_=\", \"A=B=C\" }"), ""},
	{WITH_TOKEN("environment = { \"A0=\", \"A1=\", \"A2=\", \"A3=\", \"A4=\", "
		    "\"A5=\", \"A6=\", \"A7=\", \"A8=\", \"A9=\", \"B0=\", \"B1=\", "
		    "\"B2=\", \"B3=\", \"B4=\", \"B5=\", \"B6=\" }"),
		"z:1: token \"t\": environment: expected at most 16, found 17\n"},
	{WITH_TOKEN("environment = { \"A=" X64 X64 X64 X16 X16 X16 "xxxxxxxxxxxxx\" }"),
		""},
	{WITH_TOKEN(
		 "environment = { \"A=" X64 X64 X64 X16 X16 X16 "xxxxxxxxxxxxxx\" }"),
		AT_T "environment: expected NAME=VALUE of at most 255 bytes, found "
		     "\"A=" X64 X64 X64 X16 X16 X16 "xxxxxxx...\"\n"},
	/* Whatever stands there may be a PIN. */
	{WITH_TOKEN("pin = \"123456\""),
		AT_T "pin: expected \"officer\" or \"file:/path\", and never the PIN "
		     "itself\n"},
	{WITH_TOKEN("pin = \"credential:usb\""),
		AT_T "pin: credential: not supported yet by this version\n"},
	{WITH_TOKEN("pin = \"file:pin\""),
		AT_T "pin: expected file: with an absolute path of at most 511 bytes, "
		     "found \"file:pin\"\n"},
	{WITH_TOKEN("pin = \"file:/bad\""), AT_T "pin: \"/bad\" is bad\n"},
	{WITH_TOKEN("pin = \"officer\""), ""},
	{WITH_TOKEN("sessions = 65"),
		AT_T "sessions: expected a whole number from 1 to 64, found \"65\"\n"},
	{WITH_TOKEN("sessions = 0"),
		AT_T "sessions: expected a whole number from 1 to 64, found \"0\"\n"},
	{WITH_TOKEN("deadline = 61"),
		AT_T "deadline: expected a whole number from 1 to 60, found \"61\"\n"},
	{WITH_TOKEN("deadline = 0.5"),
		AT_T "deadline: expected a whole number from 1 to 60, found \"0.5\"\n"},
};

static const struct config_wrong wrong_keys[] = {
	{CONFIG_TOKEN "key \"k\" {\n}\n",
		"z:2: key \"k\": expected at least one on \"TOKEN\" { … }\n"},
	{WITH_KEY("on \"hsm\" { uri = \"pkcs11:object=b\" certificate = \"b\" }"),
		"z:3: key \"k\": on \"hsm\": there is no token of this name\n"},
	{WITH_ON(""),
		"z:2: key \"k\": on \"usb\": uri: expected a PKCS#11 URI, found "
		"nothing\n"
		"z:2: key \"k\": on \"usb\": certificate: expected the path of a PEM "
		"file, found nothing\n"},
	{WITH_ON("uri = \"pkcs11:token=x\" certificate = \"b\""),
		"z:3: key \"k\": on \"usb\": uri: expected a PKCS#11 URI of the "
		"attributes object and id only, found \"pkcs11:token=x\"\n"},
	{WITH_ON("uri = \"pkcs11:object=b\" certificate = \"a/../../b\""),
		"z:3: key \"k\": on \"usb\": certificate: expected a path of at most "
		"511 bytes without .., found \"a/../../b\"\n"},
	{WITH_ON("uri = \"pkcs11:object=b\" certificate = \"/..\""),
		"z:3: key \"k\": on \"usb\": certificate: expected a path of at most "
		"511 bytes without .., found \"/..\"\n"},
	{WITH_ON("uri = \"pkcs11:object=b\" certificate = \"\""),
		"z:3: key \"k\": on \"usb\": certificate: expected a path of at most "
		"511 bytes without .., found \"\"\n"},
	{WITH_ON("uri = \"pkcs11:object=b\" certificate = \"..a/b..pem\""), ""},
	{WITH_ON("uri = \"pkcs11:object=b\" certificate = \"bad.pem\""),
		"z:3: key \"k\": on \"usb\": certificate: \"/var/lib/zegel/bad.pem\" "
		"is bad\n"},
	{WITH_KEY(GOOD_ON "\nidentifier = \"did ishare\""),
		"z:4: key \"k\": identifier: expected 1 to 256 printable ASCII "
		"characters without space, found \"did ishare\"\n"},
	{WITH_KEY(GOOD_ON "\nx5c-root = yes"),
		"z:4: key \"k\": x5c-root: expected true or false, found \"yes\"\n"},
	{WITH_KEY(GOOD_ON "\nx5c-root = false"), ""},
};

struct uri_case {
	const char *uri;
	const char *wrong; /* NULL: good */
};

#define RFC  "a PKCS#11 URI of characters that RFC 7512 allows, others as %XX"
#define HEX  "a PKCS#11 URI with two hexadecimal digits after each %"
#define PAIR "a PKCS#11 URI of name=value, with ; between"
#define SLOT                                                                           \
	"a PKCS#11 URI that names the token by serial or label: never a slot number"

static const struct uri_case token_uris[] = {
	{"pkcs11:serial=1", NULL},
	{"pkcs11:token=My%20token;manufacturer=a;model=b;serial=%c3%A9", NULL},
	{"pkcs11:serial=a=b&c:d[e]@!$'()*+,", NULL},
	{"pkcs11:", "a PKCS#11 URI with serial or token (the label)"},
	{"PKCS11:serial=1", "a PKCS#11 URI, beginning with pkcs11:"},
	{"serial=1", "a PKCS#11 URI, beginning with pkcs11:"},
	{"", "a PKCS#11 URI, beginning with pkcs11:"},
	{"pkcs11:slot-id=0", SLOT},
	{"pkcs11:serial=1;slot-id=0", SLOT},
	{"pkcs11:slot-description=x", SLOT},
	{"pkcs11:serial=1;object=a", "a PKCS#11 URI of the attributes token, serial, "
				     "manufacturer and model only"},
	{"pkcs11:serial=1?pin-value=1234",
		"a PKCS#11 URI without ?: PIN and module have words of their own"},
	{"pkcs11:serial=1;serial=2", "a PKCS#11 URI with each attribute once"},
	{"pkcs11:serial=", "a PKCS#11 URI without empty values"},
	{"pkcs11:serial", PAIR},
	{"pkcs11:serial=1;", PAIR},
	{"pkcs11:serial=1;;token=a", PAIR},
	{"pkcs11:serial=a b", RFC},
	{"pkcs11:serial=a/b", RFC},
	{"pkcs11:serial=a%2", HEX},
	{"pkcs11:serial=a%", HEX},
	{"pkcs11:serial=a%;token=b", HEX},
	{"pkcs11:serial=a%2g", HEX},
	{"pkcs11:serial=a%00", "a PKCS#11 URI without %00"},
	{"pkcs11:serial=" X64 X64 X64 X64 X64 X64 X64 X16 X16 X16 "xx",
		"a PKCS#11 URI of at most 511 bytes"},
	{"pkcs11:serial=" X64 X64 X64 X64 X64 X64 X64 X16 X16 X16 "x", NULL},
};

static const struct uri_case key_uris[] = {
	{"pkcs11:object=a", NULL},
	{"pkcs11:id=%00%ff", NULL},
	{"pkcs11:id=%01;object=a", NULL},
	{"pkcs11:", "a PKCS#11 URI with object (the label) or id"},
	{"pkcs11:object=%00", "a PKCS#11 URI without %00"},
	{"pkcs11:slot-id=1;object=a", SLOT},
	{"pkcs11:object=a;type=private",
		"a PKCS#11 URI of the attributes object and id only"},
};

static void config_uri_takes_lasting_names_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(token_uris); i++) {
		const char *wrong = config_uri_judge_token(token_uris[i].uri);

		assert_string_equal(wrong == NULL ? "" : wrong,
			token_uris[i].wrong == NULL ? "" : token_uris[i].wrong);
	}
	for (size_t i = 0; i < ARRAY_LEN(key_uris); i++) {
		const char *wrong = config_uri_judge_key(key_uris[i].uri);

		assert_string_equal(wrong == NULL ? "" : wrong,
			key_uris[i].wrong == NULL ? "" : key_uris[i].wrong);
	}
}

static void config_words_of_the_top(void **state)
{
	(void)state;
	config_check_wrong(&world, "z", wrong_roots, ARRAY_LEN(wrong_roots));
}

static void config_words_of_listen(void **state)
{
	(void)state;
	config_check_wrong(&world, "z", wrong_listens, ARRAY_LEN(wrong_listens));
}

static void config_words_of_token(void **state)
{
	(void)state;
	config_check_wrong(&world, "z", wrong_tokens, ARRAY_LEN(wrong_tokens));
}

static void config_words_of_key(void **state)
{
	(void)state;
	config_check_wrong(&world, "z", wrong_keys, ARRAY_LEN(wrong_keys));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_words_of_the_top),
		cmocka_unit_test(config_words_of_listen),
		cmocka_unit_test(config_words_of_token),
		cmocka_unit_test(config_words_of_key),
		cmocka_unit_test(config_uri_takes_lasting_names_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
