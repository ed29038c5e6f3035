/* SPDX-License-Identifier: Apache-2.0 */
/* Real files in a folder of our own: which are read, in which order, and whose they are. */
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

#include "config/internal.h"
#include "util/fd.h"

enum {
	PATH_ROOM = 512,
	ERRORS_MAX = 1 << 16,
};

/* A folder below the temporary one, itself a folder that we own alone. */
struct place {
	char folder[PATH_ROOM / 4];
	char path[PATH_ROOM]; /* of the last path_of() */
};

static const char *path_of(struct place *place, const char *name)
{
	(void)snprintf(place->path, sizeof(place->path), "%s/%s", place->folder, name);
	return place->path;
}

static void write_file(
	struct place *place, const char *name, mode_t mode, struct bytes bytes)
{
	const char *path = path_of(place, name);

	assert_int_equal(fd_write_file(path, 0600, bytes), STATUS_OK);
	assert_int_equal(chmod(path, mode), 0);
}

static void write_text(struct place *place, const char *name, const char *text)
{
	write_file(place, name, 0644, bytes_from_text(text));
}

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	const char *parent = getenv("TMPDIR");

	if (place == NULL)
		return -1;
	(void)snprintf(place->folder, sizeof(place->folder), "%s/zegel-config.XXXXXX",
		parent == NULL ? "/tmp" : parent);
	if (mkdtemp(place->folder) == NULL)
		return -1;
	*state = place;
	return mkdir(path_of(place, "conf.d"), 0755);
}

static int tear_down(void **state)
{
	CLEANUP(freep) struct place *place = *state;
	char command[PATH_ROOM];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", place->folder);
	return system(command);
}

struct loaded {
	struct config *config; /* owns */
	struct buf errors;
	enum status status;
};

static void loaded_deinit(struct loaded *loaded)
{
	config_freep(&loaded->config);
	buf_deinit(&loaded->errors);
}

static struct loaded load(struct place *place)
{
	struct loaded loaded = {.errors = BUF_INIT(ERRORS_MAX)};

	loaded.status = config_load(
		path_of(place, "zegel.conf"), &loaded.errors, &loaded.config);
	assert_true((loaded.config != NULL) == (loaded.status == STATUS_OK));
	assert_true((loaded.errors.len > 0) == (loaded.status != STATUS_OK));
	return loaded;
}

/* errors: what the first line says behind the folder. */
static void check_load(struct place *place, enum status status, const char *errors)
{
	CLEANUP(loaded_deinit) struct loaded loaded = load(place);
	const char *text = NULL;
	char wanted[PATH_ROOM * 2];

	assert_int_equal(buf_get_text(&loaded.errors, &text), STATUS_OK);
	(void)snprintf(wanted, sizeof(wanted), "%s/%s", place->folder, errors);
	assert_int_equal(loaded.status, status);
	if (status == STATUS_OK)
		assert_string_equal(text, "");
	else
		assert_string_equal(text, wanted);
}

static void config_says_that_there_is_no_file(void **state)
{
	check_load(*state, STATUS_NOT_FOUND, "zegel.conf: not found\n");
}

static void config_needs_no_folder_beside_it(void **state)
{
	struct place *place = *state;

	assert_int_equal(rmdir(path_of(place, "conf.d")), 0);
	write_text(place, "zegel.conf", "min-left = 6\n");
	check_load(place, STATUS_OK, "");
}

static void config_reads_the_folder_in_the_order_of_names(void **state)
{
	struct place *place = *state;
	CLEANUP(loaded_deinit) struct loaded loaded = {0};

	write_text(place, "zegel.conf", "listen \"main\" { path = \"/r/0\" }\n");
	write_text(place, "conf.d/b.conf", "listen \"b\" { path = \"/r/b\" }\n");
	write_text(place, "conf.d/B.conf", "listen \"B\" { path = \"/r/B\" }\n");
	write_text(place, "conf.d/10.conf", "listen \"ten\" { path = \"/r/10\" }\n");
	write_text(place, "conf.d/9.conf", "listen \"nine\" { path = \"/r/9\" }\n");
	write_text(place, "conf.d/c.conf~", "not read\n");
	write_text(place, "conf.d/.hidden.conf", "not read\n");
	write_text(place, "conf.d/README", "not read\n");
	write_text(place, "conf.d/.conf", "not read\n");
	loaded = load(place);
	assert_int_equal(loaded.status, STATUS_OK);
	assert_int_equal(loaded.config->n_listens, 5);
	assert_string_equal(loaded.config->listens[0].name, "main");
	assert_string_equal(loaded.config->listens[1].name, "ten");
	assert_string_equal(loaded.config->listens[2].name, "nine");
	assert_string_equal(loaded.config->listens[3].name, "B");
	assert_string_equal(loaded.config->listens[4].name, "b");
}

static void config_names_the_file_of_an_error(void **state)
{
	struct place *place = *state;

	write_text(place, "zegel.conf", "min-left = 5\n");
	write_text(place, "conf.d/a.conf", "# one\n\nmin-left = 5\n");
	check_load(
		place, STATUS_BAD_CONFIG, "conf.d/a.conf:3: min-left: given twice\n");
}

static void config_refuses_a_folder_file_that_it_cannot_read(void **state)
{
	CLEANUP(loaded_deinit) struct loaded loaded = {0};
	struct place *place = *state;

	write_text(place, "zegel.conf", "min-left = 5\n");
	assert_int_equal(symlink("/nowhere", path_of(place, "conf.d/a.conf")), 0);
	check_load(place, STATUS_NOT_FOUND, "conf.d/a.conf: not found\n");
	assert_int_equal(unlink(path_of(place, "conf.d/a.conf")), 0);
	assert_int_equal(mkfifo(path_of(place, "conf.d/a.conf"), 0600), 0);
	loaded = load(place);
	assert_int_equal(loaded.status, STATUS_BAD_CONFIG);
}

static void config_refuses_a_file_over_one_mebibyte(void **state)
{
	struct place *place = *state;
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_FILE_MAX + 1);

	assert_int_equal(buf_reserve(&text, CONFIG_FILE_MAX + 1), STATUS_OK);
	memset(text.p, '\n', CONFIG_FILE_MAX + 1);
	text.len = CONFIG_FILE_MAX;
	write_file(place, "zegel.conf", 0644, buf_get(&text));
	check_load(place, STATUS_OK, "");
	text.len++;
	write_file(place, "zegel.conf", 0644, buf_get(&text));
	check_load(place, STATUS_BAD_CONFIG,
		"zegel.conf: expected a regular file of at most 1048576 bytes\n");
}

static void config_refuses_what_others_can_write(void **state)
{
	struct place *place = *state;
	CLEANUP(loaded_deinit) struct loaded loaded = {0};
	const char *text = NULL;

	write_text(place, "zegel.conf", "min-left = 5\n");
	assert_int_equal(chmod(path_of(place, "zegel.conf"), 0664), 0);
	loaded = load(place);
	assert_int_equal(loaded.status, STATUS_BAD_CONFIG);
	assert_int_equal(buf_get_text(&loaded.errors, &text), STATUS_OK);
	assert_non_null(strstr(text, "can be written by its group or others"));
	loaded_deinit(&loaded);

	assert_int_equal(chmod(path_of(place, "zegel.conf"), 0644), 0);
	assert_int_equal(chmod(place->folder, 0777), 0);
	loaded = load(place);
	assert_int_equal(loaded.status, STATUS_BAD_CONFIG);
	assert_int_equal(buf_get_text(&loaded.errors, &text), STATUS_OK);
	assert_non_null(strstr(text, "is a folder on the way that its group"));
	assert_int_equal(chmod(place->folder, 0700), 0);
}

static void check_safe(struct place *place, const char *name, const char *why)
{
	struct config_why found = {.text = ""};
	const bool is_safe = config_place_is_safe(path_of(place, name), NULL, &found);

	if (why == NULL)
		assert_string_equal(found.text, "");
	else
		assert_non_null(strstr(found.text, why));
	assert_true(is_safe == (why == NULL));
}

static void config_place_judges_every_step_of_the_way(void **state)
{
	struct place *place = *state;
	char target[PATH_ROOM];

	write_text(place, "m.so", "x");
	assert_int_equal(mkdir(path_of(place, "open"), 0755), 0);
	assert_int_equal(mkdir(path_of(place, "open/in"), 0755), 0);
	write_text(place, "open/in/m.so", "x");
	write_text(place, "open/m.so", "x");
	assert_int_equal(symlink("../m.so", path_of(place, "open/up")), 0);
	assert_int_equal(symlink("loop", path_of(place, "loop")), 0);
	(void)snprintf(target, sizeof(target), "%s", path_of(place, "open"));
	assert_int_equal(symlink(target, path_of(place, "way")), 0);
	check_safe(place, "m.so", NULL);
	check_safe(place, "open/up", NULL);
	check_safe(place, "way/./in/../m.so", NULL);
	check_safe(place, "loop", "leads too far");
	check_safe(place, "none", "No such file");
	check_safe(place, "open", "is not a regular file");
	check_safe(place, "m.so/x", "is not a folder");
	check_safe(place, "m.so/", "is not");

	/* Anybody may now turn the link in "open", although it leads to a safe file. */
	assert_int_equal(chmod(path_of(place, "open"), 0777), 0);
	check_safe(place, "open/up", "is a folder on the way");
	check_safe(place, "way/in/m.so", "is a folder on the way");
	/* Sticky, as /tmp: good on the way, not as the place itself. */
	assert_int_equal(chmod(path_of(place, "open"), 01777), 0);
	check_safe(place, "open/in/m.so", NULL);
	check_safe(place, "open/up", NULL);
	check_safe(place, "open/m.so", "lies in a folder");
}

static void config_place_knows_whose_file_it_is(void **state)
{
	struct place *place = *state;

	/* Only root can give files away. */
	if (geteuid() != 0)
		skip();
	write_text(place, "m.so", "x");
	assert_int_equal(chown(path_of(place, "m.so"), 1234, 0), 0);
	check_safe(place, "m.so", "must be owned by root or by the agent's user");
	assert_int_equal(symlink("zegel.conf", path_of(place, "link")), 0);
	write_text(place, "zegel.conf", "");
	check_safe(place, "link", NULL);
	assert_int_equal(lchown(path_of(place, "link"), 1234, 0), 0);
	check_safe(place, "link", "must be owned by root or by the agent's user");
}

static void check_file(config_world_file_fn *is_good, struct place *place,
	const char *name, const char *why)
{
	struct config_why found = {.text = ""};
	const bool is = is_good(path_of(place, name), &found);

	assert_true(is == (why == NULL));
	assert_non_null(strstr(found.text, why == NULL ? "" : why));
}

static void config_place_wants_a_pin_file_for_us_alone(void **state)
{
	config_world_file_fn *const is_pin = config_place_world()->is_pin_file;
	struct place *place = *state;

	write_file(place, "pin", 0600, bytes_from_text("1234"));
	check_file(is_pin, place, "pin", NULL);
	assert_int_equal(chmod(path_of(place, "pin"), 0400), 0);
	check_file(is_pin, place, "pin", NULL);
	assert_int_equal(chmod(path_of(place, "pin"), 0640), 0);
	check_file(is_pin, place, "pin", "must be of mode 0600");
	assert_int_equal(chmod(path_of(place, "pin"), 0604), 0);
	check_file(is_pin, place, "pin", "must be of mode 0600");
	check_file(is_pin, place, "none", "No such file");
	assert_int_equal(chmod(path_of(place, "pin"), 0600), 0);
	assert_int_equal(symlink("pin", path_of(place, "link")), 0);
	check_file(is_pin, place, "link", "is not a regular file");
}

static void config_place_wants_a_certificate_that_can_be_read(void **state)
{
	config_world_file_fn *const is_certificate =
		config_place_world()->is_certificate;
	struct place *place = *state;

	write_text(place, "c.pem", "x");
	check_file(is_certificate, place, "c.pem", NULL);
	check_file(is_certificate, place, "none", "No such file");
	check_file(is_certificate, place, "conf.d", "is not a regular file");
	assert_int_equal(symlink("c.pem", path_of(place, "link")), 0);
	check_file(is_certificate, place, "link", "is a symbolic link");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(config_says_that_there_is_no_file),
		TEST(config_needs_no_folder_beside_it),
		TEST(config_reads_the_folder_in_the_order_of_names),
		TEST(config_names_the_file_of_an_error),
		TEST(config_refuses_a_folder_file_that_it_cannot_read),
		TEST(config_refuses_a_file_over_one_mebibyte),
		TEST(config_refuses_what_others_can_write),
		TEST(config_place_judges_every_step_of_the_way),
		TEST(config_place_knows_whose_file_it_is),
		TEST(config_place_wants_a_pin_file_for_us_alone),
		TEST(config_place_wants_a_certificate_that_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
