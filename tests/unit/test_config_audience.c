/* SPDX-License-Identifier: Apache-2.0 */
/* For whom: the list in the configuration and the one in a file of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config_fixture.h"
#include "util/fd.h"

enum {
	ERRORS_MAX = 1 << 16,
	PATH_ROOM = 256,
	TEXT_ROOM = 1024,
};

#define X16  "xxxxxxxxxxxxxxxx"
#define X256 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16

/* Files by their names. */
static const struct {
	const char *path;
	const char *text;
} files[] = {
	{"/good", "# who may\n\ndid:a\n \t did:b \t\n#did:c\n   # did:d\ndid:#e"},
	{"/empty", ""},
	{"/comments", "# nobody yet\n\n"},
	{"/bad", "did:a\ndid b\n" X256 "\n" X256 "x\ndid:\"\"\n\x01\n"},
	{"/crlf", "did:a\r\n"},
	{"/one", "did:one\n"},
};

static bool has_user(const char *name, uid_t *out)
{
	*out = 1000;
	return name[0] != '\0';
}

static bool has_group(const char *name, gid_t *out)
{
	*out = 1;
	return name[0] != '\0';
}

/* "/N" has N lines; "/Nx" so many audiences, all the same. */
static bool make_list(const char *path, struct buf *out)
{
	char *end = NULL;
	const unsigned long n = strtoul(path + 1, &end, 10);

	for (unsigned long i = 0; i < n; i++)
		assert_int_equal(
			buf_append_text(out, *end == 'x' ? "x\n" : "#\n"), STATUS_OK);
	return n > 0;
}

static bool read_list(const char *path, struct buf *out, struct config_why *why)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (strcmp(files[i].path, path) == 0)
			return buf_append_text(out, files[i].text) == STATUS_OK;
	}
	(void)snprintf(why->text, sizeof(why->text), "\"%s\" is not safe", path);
	return make_list(path, out);
}

static const struct config_world world = {has_user, has_group, config_is_absolute,
	config_is_absolute, config_is_absolute, read_list};

#define KEY CONFIG_TOKEN CONFIG_KEY
#define RULE(name, words)                                                              \
	"allow \"" name "\" { key = bouw profile = dsgo-auth\n" words "\n}\n"
#define WITH_RULE(words) KEY "client \"a\" { user = u\n" RULE("r", words) "}\n"

static enum status build(const char *text, struct buf *errors, struct config **out)
{
	const struct config_source source = {"z", bytes_from_text(text)};

	return config_build_texts(&source, 1, &world, errors, out);
}

#define AT       "z:5: client \"a\": allow \"r\": "
#define EXPECTED "1 to 256 printable ASCII characters without space, found "

static const struct config_wrong wrongs[] = {
	{WITH_RULE("audience = { \"x\", \"a b\" }"),
		AT "audience: expected " EXPECTED "\"a b\"\n"},
	{WITH_RULE("audience = { \"x\", \"\" }"),
		AT "audience: expected " EXPECTED "\"\"\n"},
	{WITH_RULE("audience = { x, y, x }"),
		AT "audience: expected each audience once, found \"x\"\n"},
	{WITH_RULE("audience = { x, y }"), ""},
	{WITH_RULE("audience-file = good"),
		AT "audience-file: expected an absolute path of at most 511 bytes, "
		   "found \"good\"\n"},
	{WITH_RULE("audience-file = \"/nowhere\""),
		AT "audience-file: \"/nowhere\" is not safe\n"},
	{WITH_RULE("audience-file = \"/bad\""),
		"/bad:2: expected an audience: " EXPECTED "\"did b\"\n"
		"/bad:4: expected an audience: " EXPECTED
		"\"" X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16
		"xxxxxxxxx...\"\n"
		"/bad:5: expected an audience: " EXPECTED "\"did:\\x22\\x22\"\n"
		"/bad:6: expected an audience: " EXPECTED "\"\\x01\"\n"},
	{WITH_RULE("audience-file = \"/crlf\""),
		"/crlf:1: expected an audience: " EXPECTED "\"did:a\\x0d\"\n"},
	{WITH_RULE("audience-file = \"/good\""), ""},
	{WITH_RULE("audience-file = \"/100000\""), ""},
	{WITH_RULE("audience-file = \"/100001\""),
		"/100001:100001: expected at most 100000 lines\n"},
};

static void config_audience_says_what_is_wrong_and_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
		CLEANUP(config_freep) struct config *config = NULL;
		CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
		const enum status status = build(wrongs[i].text, &errors, &config);
		const char *text = NULL;

		assert_int_equal(buf_get_text(&errors, &text), STATUS_OK);
		assert_string_equal(text, wrongs[i].errors);
		assert_int_equal(status,
			wrongs[i].errors[0] == '\0' ? STATUS_OK : STATUS_BAD_CONFIG);
	}
}

/* Ten rules of 100000 are a million; one more is too many. */
static void config_audience_counts_those_of_all_rules(void **state)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	CLEANUP(config_freep) struct config *config = NULL;
	const char *as_text = NULL;

	(void)state;
	assert_int_equal(
		buf_append_text(&text, KEY "client \"a\" { user = u\n"), STATUS_OK);
	for (int i = 0; i < 10; i++)
		assert_int_equal(
			buf_append_format(&text,
				"allow \"r%d\" { key = bouw profile = dsgo-auth "
				"audience-file = \"/100000x\" }\n",
				i),
			STATUS_OK);
	text.len--;
	assert_int_equal(buf_append_text(&text, "\n}\n"), STATUS_OK);
	assert_int_equal(buf_get_text(&text, &as_text), STATUS_OK);
	assert_int_equal(build(as_text, &errors, &config), STATUS_OK);
	config_freep(&config);
	text.len -= 2;
	assert_int_equal(
		buf_append_text(&text, RULE("more", "audience = x") "}\n"), STATUS_OK);
	assert_int_equal(buf_get_text(&text, &as_text), STATUS_OK);
	assert_int_equal(build(as_text, &errors, &config), STATUS_BAD_CONFIG);
	assert_int_equal(buf_get_text(&errors, &as_text), STATUS_OK);
	assert_string_equal(as_text,
		"z:14: client \"a\": allow \"more\": expected at most 1000000 "
		"audiences in all rules together\n");
}

struct audience_case {
	const char *words;
	const char *audience;
	bool is_allowed;
};

static const struct audience_case cases[] = {
	{"", "did:x", true},
	{"audience = \"did:x\"", "did:x", true},
	{"audience = \"did:x\"", "did:a", false},
	{"audience-file = \"/good\"", "did:a", true},
	{"audience-file = \"/good\"", "did:b", true},
	{"audience-file = \"/good\"", "did:c", false},
	{"audience-file = \"/good\"", "#did:c", false},
	{"audience-file = \"/good\"", "did:#e", true},
	{"audience-file = \"/good\"", "did:x", false},
	/* Together they are one list. */
	{"audience = \"did:x\" audience-file = \"/good\"", "did:x", true},
	{"audience = \"did:x\" audience-file = \"/good\"", "did:a", true},
	{"audience = \"did:a\" audience-file = \"/good\"", "did:a", true},
	{"audience = \"did:x\" audience-file = \"/good\"", "did:y", false},
	/* A file that names nobody allows nobody. */
	{"audience-file = \"/empty\"", "did:a", false},
	{"audience-file = \"/comments\"", "did:a", false},
	{"audience = \"did:a\" audience-file = \"/empty\"", "did:a", true},
};

static void config_audience_is_list_and_file_together(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(config_freep) struct config *config = NULL;
		CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
		const struct policy_question question = {.key = "bouw",
			.profile = "dsgo-auth",
			.audience = cases[i].audience};
		char text[TEXT_ROOM];

		(void)snprintf(text, sizeof(text), WITH_RULE("%s"), cases[i].words);
		assert_int_equal(build(text, &errors, &config), STATUS_OK);
		assert_string_equal(
			policy_decide(policy_get_client(config->policy, "a"), &question)
				.rule,
			cases[i].is_allowed ? "r" : "audience");
	}
}

static void config_hash_knows_the_files_of_audiences(void **state)
{
	static const char *const texts[] = {
		WITH_RULE("audience-file = \"/good\""),
		WITH_RULE("audience-file = \"/good\" # \n"),
		WITH_RULE("audience-file = \"/5x\""),
		WITH_RULE("audience-file = \"/6x\""),
	};
	uint8_t hashes[ARRAY_LEN(texts)][CONFIG_HASH_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(config_freep) struct config *config = NULL;
		CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);

		assert_int_equal(build(texts[i], &errors, &config), STATUS_OK);
		memcpy(hashes[i], config->hash, CONFIG_HASH_LEN);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(hashes[i], hashes[j], CONFIG_HASH_LEN);
	}
}

struct place {
	char folder[PATH_ROOM / 2];
	char list[PATH_ROOM];
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	(void)umask(022);
	(void)snprintf(place->folder, sizeof(place->folder), "/tmp/zegel-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	(void)snprintf(place->list, sizeof(place->list), "%s/list", place->folder);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	CLEANUP(freep) struct place *place = *state;

	(void)unlink(place->list);
	return rmdir(place->folder);
}

static void check_read(const struct place *place, const char *why)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(CONFIG_LIST_MAX);
	struct config_why found = {.text = ""};
	const bool is_read = config_place_world()->read_list(place->list, &out, &found);

	assert_true(is_read == (why == NULL));
	assert_non_null(strstr(found.text, why == NULL ? "" : why));
	assert_true(!is_read || bytes_is_equal(buf_get(&out), bytes_from_text("x\n")));
}

/* Whoever can write the list could be for whomever he likes. */
static void config_place_judges_a_list_as_the_configuration(void **state)
{
	struct place *place = *state;

	check_read(place, "No such file");
	assert_int_equal(
		fd_write_file(place->list, 0644, bytes_from_text("x\n")), STATUS_OK);
	check_read(place, NULL);
	assert_int_equal(chmod(place->list, 0664), 0);
	check_read(place, "can be written by its group or others");
	assert_int_equal(chmod(place->list, 0644), 0);
	assert_int_equal(chmod(place->folder, 0777), 0);
	check_read(place, "is a folder on the way");
	assert_int_equal(chmod(place->folder, 0700), 0);
	assert_int_equal(truncate(place->list, CONFIG_LIST_MAX + 1), 0);
	check_read(place, "is longer than 33554432 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_audience_says_what_is_wrong_and_where),
		cmocka_unit_test(config_audience_counts_those_of_all_rules),
		cmocka_unit_test(config_audience_is_list_and_file_together),
		cmocka_unit_test(config_hash_knows_the_files_of_audiences),
		cmocka_unit_test_setup_teardown(
			config_place_judges_a_list_as_the_configuration, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
