/* SPDX-License-Identifier: Apache-2.0 */
/* The words of client and allow: each wrong value with its error, and what they mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_fixture.h"

static bool has_group(const char *name, gid_t *out)
{
	*out = strcmp(name, "nogroup") == 0 ? 65534 : (gid_t)strlen(name);
	return strcmp(name, "unknown") != 0;
}

static const struct config_world world = {config_has_some_users, has_group,
	config_is_absolute, config_is_absolute, config_is_absolute,
	config_read_absolute};

#define KEY                CONFIG_TOKEN CONFIG_KEY
#define WITH_CLIENT(words) "client \"a\" {\n" words "\n}\n"
#define WITH_RULE(words)                                                               \
	KEY "client \"a\" { user = planning allow \"r\" {\n" words "\n} }\n"
#define WITH_AUTH(words)   WITH_RULE("key = bouw profile = dsgo-auth\n" words)
#define WITH_JWS(words)    WITH_RULE("key = bouw profile = jws\n" words)
#define WITH_DIGEST(words) WITH_RULE("key = bouw profile = digest\n" words)
#define WITH_CLAIM(words)  WITH_AUTH("claim \"/s\" {\n" words "\n}")

#define X16  "xxxxxxxxxxxxxxxx"
#define X64  X16 X16 X16 X16
#define X256 X64 X64 X64 X64

#define AT_C  "z:2: client \"a\": "
#define NO_ID " that cannot be named, found "
#define UNIT                                                                           \
	"unit: expected the name of a unit such as a.service, a@b.service or "         \
	"a.scope, found "
#define APART "; expected a user, unit, exe, label or listen that differs\n"

static const struct config_wrong wrong_clients[] = {
	{"client \"a\" { }\n", "z:1: client \"a\": expected at least one of user, "
			       "group, unit, exe, label and listen\n"},
	{WITH_CLIENT("weight = 5"), "z:1: client \"a\": expected at least one of user, "
				    "group, unit, exe, label and listen\n"},
	{WITH_CLIENT("user = unknown"),
		AT_C "user: expected a user of this machine, found \"unknown\"\n"},
	{WITH_CLIENT("user = nobody"),
		AT_C "user: expected a user of its own: uid 65534 is everyone" NO_ID
		     "\"nobody\"\n"},
	{WITH_CLIENT("group = unknown"),
		AT_C "group: expected a group of this machine, found \"unknown\"\n"},
	{WITH_CLIENT("group = nogroup"),
		AT_C "group: expected a group of its own: gid 65534 is every one" NO_ID
		     "\"nogroup\"\n"},
	{WITH_CLIENT("unit = a"), AT_C UNIT "\"a\"\n"},
	{WITH_CLIENT("unit = \"\""), AT_C UNIT "\"\"\n"},
	{WITH_CLIENT("unit = .service"), AT_C UNIT "\".service\"\n"},
	{WITH_CLIENT("unit = a.slice"), AT_C UNIT "\"a.slice\"\n"},
	{WITH_CLIENT("unit = a.service.d"), AT_C UNIT "\"a.service.d\"\n"},
	{WITH_CLIENT("unit = \"a@.service\""), AT_C UNIT "\"a@.service\"\n"},
	{WITH_CLIENT("unit = \"a/b.service\""), AT_C UNIT "\"a/b.service\"\n"},
	{WITH_CLIENT("unit = \"a b.service\""), AT_C UNIT "\"a b.service\"\n"},
	{WITH_CLIENT("unit = \"" X64 X64 X64 X16 X16 X16 "xxxxxxxx.service\""),
		AT_C UNIT "\"" X64 X64 X64 X16 X16 X16 "xxxxxxxx....\"\n"},
	{WITH_CLIENT("unit = \"" X64 X64 X64 X16 X16 X16 "xxxxxxx.service\""), ""},
	{WITH_CLIENT("unit = \"a@b.service\""), ""},
	{WITH_CLIENT("unit = session-1.scope"), ""},
	{WITH_CLIENT("exe = \"a\""),
		AT_C "exe: expected an absolute path of at most 511 bytes, found "
		     "\"a\"\n"},
	{WITH_CLIENT("label = \"\""),
		AT_C "label: expected 1 to 255 characters, found \"\"\n"},
	{WITH_CLIENT("label = \"" X256 "\""), AT_C
		"label: expected 1 to 255 characters, found \"" X64 X64 X64 X16 X16 X16
		"xxxxxxxxx...\"\n"},
	{WITH_CLIENT("label = \"system_u:system_r:a_t:s0 (enforce)\""), ""},
	{WITH_CLIENT("listen = other"),
		AT_C "listen: expected the name of a listen section, found "
		     "\"other\"\n"},
	{WITH_CLIENT("listen = officer"),
		AT_C "listen: expected the name of a listen section, found "
		     "\"officer\"\n"},
	{WITH_CLIENT("listen = client"), ""},
	{WITH_CLIENT("user = planning\nweight = 0"),
		"z:3: client \"a\": weight: expected a whole number from 1 to 100, "
		"found \"0\"\n"},
	{WITH_CLIENT("user = planning\nweight = 101"),
		"z:3: client \"a\": weight: expected a whole number from 1 to 100, "
		"found \"101\"\n"},
	{WITH_CLIENT("user = planning group = staff unit = a.service exe = \"/a\" "
		     "label = a_t listen = client weight = 100"),
		""},
	{"client \"a\" { user = planning }\nclient \"b\" {\n user = alias\n}\n",
		"z:2: client \"b\": ambiguous: one process could be this client and "
		"client \"a\"" APART},
	{"client \"a\" { group = one }\nclient \"b\" {\n group = three\n}\n",
		"z:2: client \"b\": ambiguous: one process could be this client and "
		"client \"a\"" APART},
	{"client \"a\" { user = planning unit = a.service }\n"
	 "client \"b\" { user = planning unit = b.service }\n"
	 "client \"c\" { user = planning }\n",
		"z:3: client \"c\": ambiguous: one process could be this client and "
		"client \"a\"" APART},
	{"client \"a\" { user = planning unit = a.service }\n"
	 "client \"b\" { user = planning unit = b.service }\n",
		""},
};

#define AT_R "z:4: client \"a\": allow \"r\": "
#define AT_5 "z:5: client \"a\": allow \"r\": "
#define IDLE ", so this would limit nothing\n"

static const struct config_wrong wrong_rules[] = {
	{WITH_RULE(""), "z:3: client \"a\": allow \"r\": key: expected the name of a "
			"key, found nothing\n"
			"z:3: client \"a\": allow \"r\": profile: expected the name "
			"of a profile, found nothing\n"},
	{WITH_RULE("key = other profile = digest"),
		AT_R "key: expected the name of a key section, found \"other\"\n"},
	{WITH_RULE("key = bouw profile = any"),
		AT_R "profile: expected a profile: dsgo-auth, jws or digest, found "
		     "\"any\"\n"},
	{WITH_RULE("key = bouw profile = dsgo-nr target = \"* *\" max-size = 5"),
		AT_R "profile: dsgo-nr: not supported yet by this version\n"},
	{WITH_RULE("key = bouw profile = jades"),
		AT_R "profile: jades: not supported yet by this version\n"},
	{WITH_RULE("key = bouw profile = jades-http"),
		AT_R "profile: jades-http: not supported yet by this version\n"},
	{WITH_RULE("key = bouw profile = cades"),
		AT_R "profile: cades: not supported yet by this version\n"},
	{WITH_AUTH("max-size = 0"), AT_5
		"max-size: expected a whole number from 1 to 65536, found \"0\"\n"},
	{WITH_AUTH("max-size = 65537"),
		AT_5 "max-size: expected a whole number from 1 to 65536, found "
		     "\"65537\"\n"},
	{WITH_AUTH("rate = 0"),
		AT_5 "rate: expected a whole number from 1 to 100000, found \"0\"\n"},
	{WITH_AUTH("rate = 100001"),
		AT_5 "rate: expected a whole number from 1 to 100000, found "
		     "\"100001\"\n"},
	{WITH_AUTH("rate = 1 burst = 0"),
		AT_5 "burst: expected a whole number from 1 to 100000, found \"0\"\n"},
	{WITH_AUTH("burst = 5"), AT_5 "burst: expected rate too: burst is how many of "
				      "it may come at once\n"},
	{WITH_AUTH("concurrent = 100001"),
		AT_5 "concurrent: expected a whole number from 1 to 100000, found "
		     "\"100001\"\n"},
	{WITH_DIGEST("rate = 1 burst = 100000 concurrent = 1 hours = \"mo "
		     "00:00-24:00\""),
		""},
	/* Would look like a limit and could not be one. */
	{WITH_DIGEST("audience = x"),
		AT_5 "audience: profile digest has no audience" IDLE},
	{WITH_DIGEST("audience-file = \"/x\""),
		AT_5 "audience-file: profile digest has no audience" IDLE},
	{WITH_DIGEST("max-size = 64"),
		AT_5 "max-size: profile digest has no size of its own" IDLE},
	{WITH_DIGEST("target = \"* *\""),
		AT_5 "target: profile digest has no HTTP target" IDLE},
	{WITH_DIGEST("claims = free"),
		AT_5 "claims: profile digest has no claims, so a rule about them would "
		     "limit nothing\n"},
	{WITH_DIGEST("claim \"/a\" { absent = true }"),
		"z:3: client \"a\": allow \"r\": profile digest has no claims, so a "
		"rule about them would limit nothing\n"},
	{WITH_JWS("audience = x"), AT_5 "audience: profile jws has no audience" IDLE},
	{WITH_JWS("target = \"* *\""),
		AT_5 "target: profile jws has no HTTP target" IDLE},
	{WITH_AUTH("target = \"* *\""),
		AT_5 "target: profile dsgo-auth has no HTTP target" IDLE},
	{KEY "client \"a\" { user = planning allow \"no-rule\" { key = bouw "
	     "profile = digest } }\n",
		"z:3: client \"a\": allow \"no-rule\": expected another name: the "
		"record uses this one for refusals\n"},
	{KEY "client \"a\" { user = planning allow \"busy\" { key = bouw "
	     "profile = digest } }\n",
		"z:3: client \"a\": allow \"busy\": expected another name: the "
		"record uses this one for refusals\n"},
};

#define METHOD                                                                         \
	"target: expected a method or *, a space and a pattern without spaces, at "    \
	"most 1024 characters, found "
#define NOT_YET        AT_R "profile: dsgo-nr: not supported yet by this version\n"
#define WITH_NR(words) WITH_RULE("key = bouw profile = dsgo-nr\n" words)

static const struct config_wrong wrong_targets[] = {
	{WITH_NR("target = \"/a\""), NOT_YET AT_5 METHOD "\"/a\"\n"},
	{WITH_NR("target = { \"POST /a\", \"P*T /a\" }"),
		NOT_YET AT_5 METHOD "\"P*T /a\"\n"},
	{WITH_NR("target = { \"POST /a b\" }"), NOT_YET AT_5 METHOD "\"POST /a b\"\n"},
	{WITH_NR("target = { \"POST /a\", \"* /b*?x\" }"), NOT_YET},
};

#define DAYS                                                                           \
	"hours: expected days and times such as mo-fr 08:00-18:00 (mo tu we th fr sa " \
	"su, 00:00 to 24:00), found "

static const struct config_wrong wrong_hours[] = {
	{WITH_AUTH("hours = \"8-17\""), AT_5 DAYS "\"8-17\"\n"},
	{WITH_AUTH("hours = \"\""), AT_5 DAYS "\"\"\n"},
	{WITH_AUTH("hours = \"mo\""), AT_5 DAYS "\"mo\"\n"},
	{WITH_AUTH("hours = \"m\""), AT_5 DAYS "\"m\"\n"},
	{WITH_AUTH("hours = \"Mo 08:00-18:00\""), AT_5 DAYS "\"Mo 08:00-18:00\"\n"},
	{WITH_AUTH("hours = \"mo-mo 08:00-18:00\""),
		AT_5 DAYS "\"mo-mo 08:00-18:00\"\n"},
	{WITH_AUTH("hours = \"mo- 08:00-18:00\""), AT_5 DAYS "\"mo- 08:00-18:00\"\n"},
	{WITH_AUTH("hours = \"mo  08:00-18:00\""), AT_5 DAYS "\"mo  08:00-18:00\"\n"},
	{WITH_AUTH("hours = \"mo 8:00-18:00\""), AT_5 DAYS "\"mo 8:00-18:00\"\n"},
	{WITH_AUTH("hours = \"mo 08.00-18:00\""), AT_5 DAYS "\"mo 08.00-18:00\"\n"},
	{WITH_AUTH("hours = \"mo 08:0x-18:00\""), AT_5 DAYS "\"mo 08:0x-18:00\"\n"},
	{WITH_AUTH("hours = \"mo x8:00-18:00\""), AT_5 DAYS "\"mo x8:00-18:00\"\n"},
	{WITH_AUTH("hours = \"mo 08:60-18:00\""), AT_5 DAYS "\"mo 08:60-18:00\"\n"},
	{WITH_AUTH("hours = \"mo 08:00-24:01\""), AT_5 DAYS "\"mo 08:00-24:01\"\n"},
	{WITH_AUTH("hours = \"mo 08:00 18:00\""), AT_5 DAYS "\"mo 08:00 18:00\"\n"},
	{WITH_AUTH("hours = \"mo 08:00-08:00\""), AT_5 DAYS "\"mo 08:00-08:00\"\n"},
	{WITH_AUTH("hours = \"mo 22:00-06:00\""), AT_5 DAYS "\"mo 22:00-06:00\"\n"},
	{WITH_AUTH("hours = \"mo 08:00-18:00 \""), AT_5 DAYS "\"mo 08:00-18:00 \"\n"},
	{WITH_AUTH("hours = { \"mo 00:00-24:00\",\n \"tu 24:00-24:00\" }"),
		"z:6: client \"a\": allow \"r\": " DAYS "\"tu 24:00-24:00\"\n"},
	{WITH_AUTH("hours = { \"mo-su 00:00-24:00\", \"su-sa 23:59-24:00\" }"), ""},
};

#define AT_S   "z:5: client \"a\": allow \"r\": claim \"/s\": "
#define AT_S6  "z:6: client \"a\": allow \"r\": claim \"/s\": "
#define ONE_OF "expected exactly one of must-be, may-be, absent and matches\n"
#define VALUE                                                                          \
	"expected a text of at most 1024 characters, or json: and a scalar such as "   \
	"json:true, found "
#define POINTER                                                                        \
	"expected a JSON pointer of at most 256 characters and 16 names, such as "     \
	"/scope or /a/0 (~0 for ~, ~1 for /)\n"
#define OWN   "the agent says this claim itself: a rule about it would limit nothing\n"
#define X1024 X256 X256 X256 X256

static const struct config_wrong wrong_claims[] = {
	{WITH_CLAIM(""), AT_S ONE_OF},
	{WITH_CLAIM("must-be = x may-be = x"), AT_S ONE_OF},
	{WITH_CLAIM("absent = true matches = x"), AT_S ONE_OF},
	{WITH_CLAIM("absent = false"),
		AT_S6 "absent: expected true (without the section a claim is free), "
		      "found \"false\"\n"},
	{WITH_CLAIM("must-be = \"json:x\""), AT_S6 "must-be: " VALUE "\"json:x\"\n"},
	{WITH_CLAIM("must-be = \"json:[1]\""),
		AT_S6 "must-be: " VALUE "\"json:[1]\"\n"},
	{WITH_CLAIM("may-be = { x, \"json:\" }"), AT_S6 "may-be: " VALUE "\"json:\"\n"},
	{WITH_CLAIM("must-be = \"" X1024 "\""), ""},
	{WITH_CLAIM("must-be = \"" X1024 "x\""), AT_S6
		"must-be: " VALUE "\"" X64 X64 X64 X16 X16 X16 "xxxxxxxxx...\"\n"},
	{WITH_CLAIM("matches = \"" X256 "\""), ""},
	{WITH_CLAIM("matches = \"" X256 "x\""),
		AT_S6 "matches: expected a pattern of at most 256 characters, found "
		      "\"" X64 X64 X64 X16 X16 X16 "xxxxxxxxx...\"\n"},
	{WITH_AUTH("claim \"s\" { must-be = x }"),
		"z:5: client \"a\": allow \"r\": claim \"s\": " POINTER},
	{WITH_AUTH("claim \"\" { must-be = x }"),
		"z:5: client \"a\": allow \"r\": claim \"\": " POINTER},
	{WITH_AUTH("claim \"/a~b\" { must-be = x }"),
		"z:5: client \"a\": allow \"r\": claim \"/a~b\": " POINTER},
	{WITH_AUTH("claim \"/aud\" { must-be = x }"),
		"z:5: client \"a\": allow \"r\": claim \"/aud\": " OWN},
	{WITH_AUTH("claim \"/iss/0\" { must-be = x }"),
		"z:5: client \"a\": allow \"r\": claim \"/iss/0\": " OWN},
	{WITH_AUTH("claim \"/exp\" { absent = true }"),
		"z:5: client \"a\": allow \"r\": claim \"/exp\": " OWN},
	{WITH_AUTH("claim \"/a/aud\" { must-be = x }"), ""},
	{WITH_AUTH("claim \"/issuer\" { must-be = x }"), ""},
	/* Of a plain JWS nobody else says them. */
	{WITH_JWS("claim \"/aud\" { must-be = x }"), ""},
	{WITH_AUTH("claims = all"),
		AT_5 "claims: expected free, listed or none for this profile, found "
		     "\"all\"\n"},
	{WITH_AUTH("claims = any"),
		AT_5 "claims: expected free, listed or none for this profile, found "
		     "\"any\"\n"},
	{WITH_JWS("claims = none"),
		AT_5 "claims: expected free, listed or any for this profile, found "
		     "\"none\"\n"},
	{WITH_RULE("key = bouw profile = new\nclaims = all"),
		AT_R "profile: expected a profile: dsgo-auth, jws or digest, found "
		     "\"new\"\n" AT_5 "claims: expected free, listed, none or any, "
		     "found \"all\"\n"},
	{WITH_RULE("key = bouw profile = new\nclaim \"/iss\" { must-be = x }"),
		AT_R "profile: expected a profile: dsgo-auth, jws or digest, found "
		     "\"new\"\n"},
	{WITH_AUTH("claims = none claim \"/s\" { absent = true }"),
		AT_5 "claims: none: then there is no claim for a claim section\n"},
	{WITH_AUTH("claims = free"), ""},
	{WITH_AUTH("claims = none"), ""},
	{WITH_AUTH("claims = listed claim \"/s\" { absent = true }"), ""},
	{WITH_JWS("claims = any"), ""},
};

static void config_words_of_client(void **state)
{
	(void)state;
	config_check_wrong(&world, "z", wrong_clients, ARRAY_LEN(wrong_clients));
}

static void config_words_of_allow(void **state)
{
	(void)state;
	config_check_wrong(&world, "z", wrong_rules, ARRAY_LEN(wrong_rules));
	config_check_wrong(&world, "z", wrong_targets, ARRAY_LEN(wrong_targets));
}

static void config_words_of_hours(void **state)
{
	(void)state;
	config_check_wrong(&world, "z", wrong_hours, ARRAY_LEN(wrong_hours));
}

static void config_words_of_claims(void **state)
{
	(void)state;
	config_check_wrong(&world, "z", wrong_claims, ARRAY_LEN(wrong_claims));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_words_of_client),
		cmocka_unit_test(config_words_of_allow),
		cmocka_unit_test(config_words_of_hours),
		cmocka_unit_test(config_words_of_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
