/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
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

#include "entry_fixture.h"
#include "sources.h"
#include "util/fd.h"

enum {
	NAME_LEN = 128,
	PATH_LEN = 256,
	N_MANY = 2000, /* more than a process may open by default */
};

struct folder {
	char path[64];
};

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	if (folder == NULL)
		return -1;
	(void)snprintf(folder->path, sizeof(folder->path), "/tmp/zegel-sources-XXXXXX");
	if (mkdtemp(folder->path) == NULL)
		return -1;
	*state = folder;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;
	char command[PATH_LEN];

	(void)snprintf(command, sizeof(command), "rm -rf %s", folder->path);
	free(*state);
	return system(command);
}

static void path_of(const struct folder *folder, const char *name, char out[PATH_LEN])
{
	(void)snprintf(out, PATH_LEN, "%s/%s", folder->path, name);
}

/* A file with garbage first, then n_lines lines, of which the first has this seq. */
static void put_file(const struct folder *folder, const char *name, const char *garbage,
	uint64_t first, size_t n_lines)
{
	CLEANUP(entry_pen_deinit) struct entry_pen pen;
	char path[PATH_LEN];

	entry_pen_init(&pen);
	pen.head.seq = first - 1;
	assert_int_equal(buf_append_text(&pen.out, garbage), STATUS_OK);
	for (size_t i = 0; i < n_lines; i++)
		entry_pen_append(&pen, "stop", "");
	path_of(folder, name, path);
	assert_int_equal(
		fd_write_file(path, S_IRUSR | S_IWUSR, buf_get(&pen.out)), STATUS_OK);
}

static void add_path(struct sources *sources, const struct folder *folder,
	const char *name, enum status wanted)
{
	char path[PATH_LEN];

	path_of(folder, name, path);
	assert_int_equal(sources_add_path(sources, path), wanted);
}

static void expect_order(
	const struct sources *sources, const char *const *names, size_t n)
{
	assert_int_equal(sources->n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(strrchr(sources->list[i].name, '/') + 1, names[i]);
}

static void sources_stand_in_the_order_of_their_first_lines(void **state)
{
	static const char *const order[] = {"c", "b", "a"};
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	const struct folder *folder = *state;

	put_file(folder, "a", "", 2000, 2);
	put_file(folder, "b", "", 700, 2);
	put_file(folder, "c", "", 1, 2);
	add_path(&sources, folder, "a", STATUS_OK);
	add_path(&sources, folder, "b", STATUS_OK);
	add_path(&sources, folder, "c", STATUS_OK);
	assert_int_equal(sources_sort(&sources), STATUS_OK);
	expect_order(&sources, order, ARRAY_LEN(order));
}

/* Bad lines at the front do not move a file; one without any good line is the last. */
static void sources_find_the_place_of_a_file_with_a_bad_first_line(void **state)
{
	static const char *const order[] = {"a", "b", "c", "d"};
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	const struct folder *folder = *state;

	put_file(folder, "a", "x\nx\nx\n", 4, 2);
	put_file(folder, "b", "", 2, 2);
	put_file(folder, "c", "x\n", 4, 2);
	put_file(folder, "d", "x\n", 1, 0);
	add_path(&sources, folder, "d", STATUS_OK);
	add_path(&sources, folder, "c", STATUS_OK);
	add_path(&sources, folder, "b", STATUS_OK);
	add_path(&sources, folder, "a", STATUS_OK);
	assert_int_equal(sources_sort(&sources), STATUS_OK);
	expect_order(&sources, order, ARRAY_LEN(order));
	assert_true(sources.list[3].place == UINT64_MAX);
}

static void a_name_says_where_an_older_file_stands(void **state)
{
	static const char *const order[] = {"audit-00000000000000000001.jsonl",
		"audit-00000000000000000700.jsonl", "x"};
	static const char *const others[] = {"audit-1.jsonl",
		"audit-00000000000000000001.jsonl.gz",
		"Audit-00000000000000000001.jsonl", "audit-0000000000000000000x.jsonl",
		"audit-99999999999999999999.jsonl"};
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	CLEANUP(sources_deinit) struct sources strange = SOURCES_INIT;
	const struct folder *folder = *state;

	put_file(folder, order[0], "", 900, 1);
	put_file(folder, order[1], "", 1, 1);
	put_file(folder, "x", "", 700, 1);
	add_path(&sources, folder, "x", STATUS_OK);
	add_path(&sources, folder, order[1], STATUS_OK);
	add_path(&sources, folder, order[0], STATUS_OK);
	assert_int_equal(sources_sort(&sources), STATUS_OK);
	expect_order(&sources, order, ARRAY_LEN(order));
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		put_file(folder, others[i], "", 5, 1);
		add_path(&strange, folder, others[i], STATUS_OK);
	}
	assert_int_equal(sources_sort(&strange), STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_false(strange.list[i].has_named_seq);
		assert_int_equal(strange.list[i].place, 5);
	}
}

static void only_regular_files_are_taken(void **state)
{
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	const struct folder *folder = *state;
	char path[PATH_LEN];

	path_of(folder, "pipe", path);
	assert_int_equal(mkfifo(path, S_IRUSR | S_IWUSR), 0);
	add_path(&sources, folder, "pipe", STATUS_BAD_FILE);
	add_path(&sources, folder, ".", STATUS_BAD_FILE);
	add_path(&sources, folder, "not-there", STATUS_NOT_FOUND);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(sources_add_path(&sources, "/dev/null"), STATUS_BAD_FILE);
	assert_int_equal(sources.n, 0);
}

static void a_directory_gives_the_record_and_nothing_else(void **state)
{
	static const char *const order[] = {
		"audit-00000000000000000001.jsonl", "audit.jsonl"};
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	const struct folder *folder = *state;
	char path[PATH_LEN], link[PATH_LEN];

	assert_int_equal(
		sources_add_directory(&sources, folder->path), STATUS_NOT_FOUND);
	put_file(folder, order[0], "", 1, 2);
	assert_int_equal(
		sources_add_directory(&sources, folder->path), STATUS_NOT_FOUND);
	put_file(folder, order[1], "", 3, 2);
	put_file(folder, "audit.jsonl.bak", "", 3, 2);
	put_file(folder, "audit-1.jsonl", "", 3, 2);
	/* The same file once more, as when the agent just closed it. */
	path_of(folder, order[1], path);
	path_of(folder, "audit-00000000000000000003.jsonl", link);
	assert_int_equal(linkat(AT_FDCWD, path, AT_FDCWD, link, 0), 0);
	assert_int_equal(sources_add_directory(&sources, folder->path), STATUS_OK);
	assert_int_equal(sources_sort(&sources), STATUS_OK);
	expect_order(&sources, order, ARRAY_LEN(order));
	assert_int_equal(
		sources_add_directory(&sources, "/not-there"), STATUS_NOT_FOUND);
}

/* Who may write there could make root read another file. */
static void a_directory_follows_no_link(void **state)
{
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	const struct folder *folder = *state;
	char path[PATH_LEN];

	put_file(folder, "audit.jsonl", "", 3, 2);
	path_of(folder, "audit-00000000000000000001.jsonl", path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(
		sources_add_directory(&sources, folder->path), STATUS_NOT_FOUND);
	assert_int_equal(errno, ELOOP);
}

static void a_record_may_have_more_files_than_the_default_limit(void **state)
{
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	const struct folder *folder = *state;
	char name[NAME_LEN];

	put_file(folder, "audit.jsonl", "", N_MANY + 1, 1);
	for (size_t i = 1; i <= N_MANY; i++) {
		char path[PATH_LEN];
		int fd;

		(void)snprintf(name, sizeof(name), "audit-%020zu.jsonl", i);
		path_of(folder, name, path);
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, S_IRUSR);
		assert_true(fd >= 0);
		(void)close(fd);
	}
	assert_int_equal(sources_add_directory(&sources, folder->path), STATUS_OK);
	assert_int_equal(sources_sort(&sources), STATUS_OK);
	assert_int_equal(sources.n, N_MANY + 1);
	for (size_t i = 0; i < N_MANY; i++)
		assert_int_equal(sources.list[i].place, i + 1);
}

#define IN_FOLDER(test)                                                                \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(sources_stand_in_the_order_of_their_first_lines),
		IN_FOLDER(sources_find_the_place_of_a_file_with_a_bad_first_line),
		IN_FOLDER(a_name_says_where_an_older_file_stands),
		IN_FOLDER(only_regular_files_are_taken),
		IN_FOLDER(a_directory_gives_the_record_and_nothing_else),
		IN_FOLDER(a_directory_follows_no_link),
		IN_FOLDER(a_record_may_have_more_files_than_the_default_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
