/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole configurations: the one that the sandbox writes, the example of the manual, and
 * those that are as long as they may be, or one longer.
 */
#include <fcntl.h>
#include <pwd.h>
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
	PATH_ROOM = 256,
	TEXT_ROOM = 2048,
	ERRORS_MAX = 1 << 16,
	UID_NOBODY = 65534,
};

/* A machine on which all is there and good, and every user is another. */
static bool has_user(const char *name, uid_t *out)
{
	*out = 1000;
	for (const char *c = name; *c != '\0'; c++)
		*out = *out * 31U + (unsigned char)*c;
	return true;
}

static bool has_group(const char *name, gid_t *out)
{
	*out = (gid_t)strlen(name);
	return true;
}

static const struct config_world world = {has_user, has_group, config_is_absolute,
	config_is_absolute, config_is_absolute, config_read_absolute};

/* One text of which a part is repeated; @ in it is the number of the repeat. */
struct limit {
	size_t n;
	const char *before;
	const char *part;
	const char *after;
	const char *errors; /* "" when so many are good */
};

#define ONS    "on \"t@\" { uri = \"pkcs11:id=%01\" certificate = c }\n"
#define TOKENS "token \"t@\" { module = \"/m\" uri = \"pkcs11:serial=@\" }\n"
#define RULE                                                                           \
	CONFIG_TOKEN CONFIG_KEY                                                        \
		"client \"a\" { user = planning\n allow \"r\" { key = bouw "           \
		"profile = dsgo-auth "
#define AT_RULE "z.conf:4: client \"a\": allow \"r\": "
#define ALLOWS  "allow \"r@\" { key = bouw profile = digest }\n"

static const struct limit limits[] = {
	{16, "", "listen \"l@\" { path = \"/l@\" }\n", "", ""},
	{17, "", "listen \"l@\" { path = \"/l@\" }\n", "",
		"z.conf: listen: expected at most 16, found 17\n"},
	{64, "", TOKENS, "", ""},
	{65, "", TOKENS, "", "z.conf: token: expected at most 64, found 65\n"},
	{1025, "", "key \"k@\" { identifier = i@ }\n", "",
		"z.conf: key: expected at most 1024, found 1025\n"},
	{17, CONFIG_TOKEN "key \"k\" {\n", ONS, "}\n",
		"z.conf:2: key \"k\": on: expected at most 16, found 17\n"},
	{10001, "", "client \"c@\" { user = u@ }\n", "",
		"z.conf: client: expected at most 10000, found 10001\n"},
	{1024, CONFIG_TOKEN CONFIG_KEY "client \"a\" { user = planning\n", ALLOWS,
		"}\n", ""},
	{1025, CONFIG_TOKEN CONFIG_KEY "client \"a\" { user = planning\n", ALLOWS,
		"}\n",
		"z.conf:3: client \"a\": allow: expected at most 1024, found 1025\n"},
	{256,
		CONFIG_TOKEN CONFIG_KEY
		"client \"a\" { user = planning\n allow \"r\" { key = bouw "
		"profile = dsgo-auth audience = {",
		"a@,\n", "} } }\n", ""},
	{257,
		CONFIG_TOKEN CONFIG_KEY
		"client \"a\" { user = planning\n allow \"r\" { key = bouw "
		"profile = dsgo-auth audience = {",
		"a@,\n", "} } }\n",
		"z.conf:4: client \"a\": allow \"r\": audience: expected at most 256, "
		"found 257\n"},
	{16,
		"token \"t\" { module = \"/m\" uri = \"pkcs11:serial=1\" environment = "
		"{",
		"\"A@=1\",\n", "} }\n", ""},
	{17,
		"token \"t\" { module = \"/m\" uri = \"pkcs11:serial=1\" environment = "
		"{",
		"\"A@=1\",\n", "} }\n",
		"z.conf:1: token \"t\": environment: expected at most 16, found 17\n"},
	{64, RULE, "claim \"/c@\" { absent = true }\n", "} }\n", ""},
	{65, RULE, "claim \"/c@\" { absent = true }\n", "} }\n",
		AT_RULE "claim: expected at most 64, found 65\n"},
	{64, RULE "claim \"/c\" { may-be = {", "v@,\n", "} } } }\n", ""},
	{65, RULE "claim \"/c\" { may-be = {", "v@,\n", "} } } }\n",
		AT_RULE "claim \"/c\": may-be: expected at most 64, found 65\n"},
	{32, RULE "hours = {", "\"mo 00:00-24:00\",\n", "} } }\n", ""},
	{33, RULE "hours = {", "\"mo 00:00-24:00\",\n", "} } }\n",
		AT_RULE "hours: expected at most 32, found 33\n"},
	{65,
		CONFIG_TOKEN CONFIG_KEY
		"client \"a\" { user = planning\n allow \"r\" { key = bouw "
		"profile = dsgo-nr target = {",
		"\"POST /@\",\n", "} } }\n",
		AT_RULE "profile: dsgo-nr: not supported yet by this version\n" AT_RULE
			"target: expected at most 64, found 65\n"},
	{65537, "", "x{}", "", "z.conf:1: more than 65536 sections\n"},
};

static void append_part(struct buf *text, const char *part, size_t number)
{
	for (; *part != '\0'; part++) {
		const struct bytes one = {(const uint8_t *)part, 1};

		if (*part == '@')
			assert_int_equal(
				buf_append_format(text, "%zu", number), STATUS_OK);
		else
			assert_int_equal(buf_append(text, one), STATUS_OK);
	}
}

static void config_holds_its_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		const struct limit *limit = &limits[i];
		CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_FILE_MAX);
		CLEANUP(freep) char *errors = NULL;

		assert_int_equal(buf_append_text(&text, limit->before), STATUS_OK);
		for (size_t j = 0; j < limit->n; j++)
			append_part(&text, limit->part, j);
		assert_int_equal(buf_append_text(&text, limit->after), STATUS_OK);
		errors = config_errors_of(&world, "z.conf", buf_get(&text));
		assert_string_equal(errors, limit->errors);
	}
}

/* A folder under /tmp, and where the last load wrote its errors. */
struct place {
	char folder[64];
	char *errors; /* owns */
};

static int place_setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	(void)umask(022);
	(void)snprintf(place->folder, sizeof(place->folder), "/tmp/zegel-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	*state = place;
	return 0;
}

static int place_teardown(void **state)
{
	struct place *place = *state;
	char command[PATH_ROOM];

	(void)snprintf(command, sizeof(command), "rm -rf %s", place->folder);
	assert_int_equal(system(command), 0);
	free(place->errors);
	free(place);
	return 0;
}

struct path {
	char text[PATH_ROOM];
};

static struct path path_of(const struct place *place, const char *name)
{
	struct path path;

	(void)snprintf(path.text, sizeof(path.text), "%s/%s", place->folder, name);
	return path;
}

static void write_file(
	const struct place *place, const char *name, mode_t mode, const char *text)
{
	const struct path path = path_of(place, name);

	assert_int_equal(
		fd_write_file(path.text, mode, bytes_from_text(text)), STATUS_OK);
	assert_int_equal(chmod(path.text, mode), 0);
}

static void make_folder(const struct place *place, const char *name, mode_t mode)
{
	const struct path path = path_of(place, name);

	assert_int_equal(mkdir(path.text, 0755), 0);
	assert_int_equal(chmod(path.text, mode), 0);
}

/* Loads zegel.conf of the folder; its errors go to place, without the folder's name. */
static enum status load(struct place *place, struct config **out)
{
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	const struct path path = path_of(place, "zegel.conf");
	const enum status status = config_load(path.text, &errors, out);
	const size_t len = strlen(place->folder) + 1;
	const char *text = NULL;
	char *to;

	assert_int_equal(buf_get_text(&errors, &text), STATUS_OK);
	freep(&place->errors);
	to = place->errors = malloc(errors.len + 1);
	assert_non_null(to);
	while (*text != '\0') {
		if (strncmp(text, place->folder, len - 1) == 0 && text[len - 1] == '/')
			text += len;
		else
			*to++ = *text++;
	}
	*to = '\0';
	return status;
}

static void check_load(struct place *place, enum status expected, const char *errors)
{
	CLEANUP(config_freep) struct config *config = NULL;
	const enum status status = load(place, &config);

	assert_string_equal(place->errors, errors);
	assert_int_equal(status, expected);
	assert_true((config != NULL) == (status == STATUS_OK));
}

static void config_refuses_a_nul_in_a_file(void **state)
{
	static const char text[] = "min-left = 5\n\0min-left = 6\n";
	const struct path path = path_of(*state, "zegel.conf");
	const struct bytes bytes = {(const uint8_t *)text, sizeof(text) - 1};

	assert_int_equal(fd_write_file(path.text, 0600, bytes), STATUS_OK);
	check_load(*state, STATUS_BAD_CONFIG,
		"zegel.conf:2: expected a word, \"text\", =, {, } or a # comment, "
		"found "
		"the byte 0x00\n");
}

/* What `zegel sandbox` writes, word for word, and the files that it names. */
static void write_sandbox(const struct place *place)
{
	const char *dir = place->folder;
	const struct passwd *me = getpwuid(geteuid());
	char text[TEXT_ROOM];

	assert_non_null(me);
	(void)snprintf(text, sizeof(text),
		"state-directory = \"%s/state\"\n"
		"listen \"client\" {\n\tpath = \"%s/zegel.sock\"\n"
		"\tmode = \"0600\"\n}\n"
		"token \"sandbox\" {\n\tmodule = \"%s/module.so\"\n"
		"\turi = \"pkcs11:token=zegel-sandbox\"\n"
		"\tenvironment = { \"SOFTHSM2_CONF=%s/softhsm2.conf\" }\n"
		"\tpin = \"file:%s/pin\"\n\tsessions = 2\n}\n"
		"key \"sandbox\" {\n\ton \"sandbox\" { uri = \"pkcs11:object=sandbox\" "
		" "
		"certificate = \"sandbox.pem\" }\n\tx5c-root = true\n}\n"
		"client \"me\" {\n\tuser = \"%s\"\n"
		"\tallow \"dsgo-auth\" { key = \"sandbox\"  profile = \"dsgo-auth\" }\n"
		"\tallow \"digest\" { key = \"sandbox\"  profile = \"digest\" }\n}\n",
		dir, dir, dir, dir, dir, me->pw_name);
	make_folder(place, "state", 0700);
	write_file(place, "zegel.conf", 0600, text);
	write_file(place, "module.so", 0755, "");
	write_file(place, "pin", 0600, "1234");
	write_file(place, "state/sandbox.pem", 0644, "");
}

static void config_reads_what_the_sandbox_writes(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	const struct path pin = path_of(*state, "pin");
	const struct path certificate = path_of(*state, "state/sandbox.pem");

	if (geteuid() == UID_NOBODY)
		skip();
	write_sandbox(*state);
	assert_int_equal(load(*state, &config), STATUS_OK);
	assert_string_equal(config->tokens[0].pin_path, pin.text);
	assert_string_equal(config->keys[0].on[0].certificate, certificate.text);
	assert_int_equal(config->listens[0].mode, 0600);
	assert_true(policy_can_use(policy_find_client(config->policy,
					   &(struct policy_peer){.uid = geteuid()}),
		"sandbox", "dsgo-auth"));
}

/* What comes on standard error while the folder is loaded. gives */
static char *log_of_load(struct place *place)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(fd_closep) int before = dup(STDERR_FILENO);
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(ERRORS_MAX);
	const struct path path = path_of(place, "log");
	CLEANUP(fd_closep)
	int fd = open(path.text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const char *said = NULL;
	enum status status;

	assert_true(before >= 0 && fd >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	status = load(place, &config);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(status, STATUS_OK);
	assert_int_equal(fd_read_file(path.text, &text), STATUS_OK);
	assert_int_equal(buf_get_text(&text, &said), STATUS_OK);
	return strdup(said);
}

#define GRANT "zegel: this grant contains every other kind of seal "

static void config_warns_of_each_grant_that_contains_all_others(void **state)
{
	struct place *place = *state;
	CLEANUP(freep) char *digest = NULL;
	CLEANUP(freep) char *more = NULL;

	write_sandbox(place);
	digest = log_of_load(place);
	assert_string_equal(
		digest, GRANT "client=me rule=digest key=sandbox profile=digest\n");
	make_folder(place, "conf.d", 0755);
	write_file(place, "conf.d/a.conf", 0644,
		"client \"other\" { listen = client unit = a.service user = daemon\n"
		"allow \"a\" { key = sandbox profile = jws }\n"
		"allow \"b\" { key = sandbox profile = jws claims = any }\n"
		"allow \"c\" { key = sandbox profile = dsgo-auth }\n"
		"allow \"d\" { key = sandbox profile = digest } }\n");
	more = log_of_load(place);
	assert_string_equal(more,
		GRANT "client=me rule=digest key=sandbox profile=digest\n" GRANT
		      "client=other rule=d key=sandbox profile=digest\n" GRANT
		      "client=other rule=b key=sandbox profile=jws\n");
}

/* Whatever the sandbox names, made wrong in one way. */
struct spoiled {
	const char *name;
	mode_t mode; /* 0: not there at all */
	const char *errors;
};

static const struct spoiled spoiled[] = {
	{"module.so", 0,
		"zegel.conf:7: token \"sandbox\": module: \"module.so\" No such file "
		"or "
		"directory\n"},
	{"module.so", 0775,
		"zegel.conf:7: token \"sandbox\": module: \"module.so\" can be written "
		"by its group or others\n"},
	{"module.so", 0757,
		"zegel.conf:7: token \"sandbox\": module: \"module.so\" can be written "
		"by its group or others\n"},
	{"pin", 0,
		"zegel.conf:10: token \"sandbox\": pin: \"pin\" No such file or "
		"directory\n"},
	{"pin", 0640,
		"zegel.conf:10: token \"sandbox\": pin: \"pin\" must be of mode 0600: "
		"the PIN is for us alone\n"},
	{"pin", 0604,
		"zegel.conf:10: token \"sandbox\": pin: \"pin\" must be of mode 0600: "
		"the PIN is for us alone\n"},
	{"pin", 0622,
		"zegel.conf:10: token \"sandbox\": pin: \"pin\" can be written by its "
		"group or others\n"},
	{"state/sandbox.pem", 0,
		"zegel.conf:14: key \"sandbox\": on \"sandbox\": certificate: "
		"\"state/sandbox.pem\" No such file or directory\n"},
};

static void config_judges_what_the_sandbox_names(void **state)
{
	struct place *place = *state;

	if (geteuid() == UID_NOBODY)
		skip();
	write_sandbox(place);
	for (size_t i = 0; i < ARRAY_LEN(spoiled); i++) {
		const struct path path = path_of(place, spoiled[i].name);
		struct stat before;

		assert_int_equal(stat(path.text, &before), 0);
		if (spoiled[i].mode == 0)
			assert_int_equal(unlink(path.text), 0);
		else
			assert_int_equal(chmod(path.text, spoiled[i].mode), 0);
		check_load(place, STATUS_BAD_CONFIG, spoiled[i].errors);
		write_file(place, spoiled[i].name, before.st_mode & 0777, "");
	}
	check_load(place, STATUS_OK, "");
}

/* The seal floor opens it without following links; so it is refused here already. */
static void config_refuses_a_certificate_that_is_a_link(void **state)
{
	const struct path path = path_of(*state, "state/sandbox.pem");

	write_sandbox(*state);
	assert_int_equal(unlink(path.text), 0);
	assert_int_equal(symlink("/etc/passwd", path.text), 0);
	check_load(*state, STATUS_BAD_CONFIG,
		"zegel.conf:14: key \"sandbox\": on \"sandbox\": certificate: "
		"\"state/sandbox.pem\" is a symbolic link, not a regular file\n");
}

/* docs/zegel.conf.example, as a machine would have it where all of it exists. */
static void config_reads_the_example_of_the_manual(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	struct config_source source = {"example", {NULL, 0}};
	const char *said = NULL;
	enum status status;

	(void)state;
	assert_int_equal(fd_read_file(ZEGEL_CONF_EXAMPLE, &text), STATUS_OK);
	source.text = buf_get(&text);
	status = config_build_texts(&source, 1, &world, &errors, &config);
	assert_int_equal(buf_get_text(&errors, &said), STATUS_OK);
	assert_string_equal(said, "");
	assert_int_equal(status, STATUS_OK);
	assert_int_equal(config->n_tokens, 2);
	assert_int_equal(config->n_keys, 1);
}

#define FILE_TEST(test)                                                                \
	cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_holds_its_limits),
		FILE_TEST(config_refuses_a_nul_in_a_file),
		FILE_TEST(config_reads_what_the_sandbox_writes),
		FILE_TEST(config_warns_of_each_grant_that_contains_all_others),
		FILE_TEST(config_judges_what_the_sandbox_names),
		FILE_TEST(config_refuses_a_certificate_that_is_a_link),
		cmocka_unit_test(config_reads_the_example_of_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
