/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/fd.h"

struct folder {
	char path[64];
	char file[128];
};

typedef void act_fn(const char *path);

/* What another does between two reads of fd_read_file(); NULL: nothing. */
static act_fn **between_reads(void)
{
	static act_fn *act;

	return &act;
}

/* To which file. */
static const char **between_path(void)
{
	static const char *path;

	return &path;
}

ssize_t __wrap_read(int fd, void *buf, size_t count);
ssize_t __real_read(int fd, void *buf, size_t count);

ssize_t __wrap_read(int fd, void *buf, size_t count)
{
	const ssize_t n = __real_read(fd, buf, count);
	act_fn *act = *between_reads();

	*between_reads() = NULL;
	if (act != NULL)
		act(*between_path());
	return n;
}

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	if (folder == NULL)
		return -1;
	(void)snprintf(folder->path, sizeof(folder->path), "/tmp/zegel-fd-XXXXXX");
	if (mkdtemp(folder->path) == NULL)
		return -1;
	(void)snprintf(folder->file, sizeof(folder->file), "%s/file", folder->path);
	*state = folder;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;

	(void)unlink(folder->file);
	(void)rmdir(folder->path);
	free(folder);
	return 0;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void fd_close_closes_and_forgets(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int number = fd;

	(void)state;
	assert_true(is_open(number));
	fd_closep(&fd);
	assert_int_equal(fd, FD_NONE);
	assert_false(is_open(number));
	fd_closep(&fd);
}

static void fd_take_moves_out(void **state)
{
	int fd = 7;

	(void)state;
	assert_int_equal(fd_take(&fd), 7);
	assert_int_equal(fd, FD_NONE);
}

static void fd_file_reads_as_it_was_written(void **state)
{
	const struct folder *folder = *state;
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(100);
	struct stat facts;

	assert_int_equal(
		fd_write_file(folder->file, 0640, bytes_from_text("one")), STATUS_OK);
	assert_int_equal(fd_write_file(folder->file, 0600, bytes_from_text("second")),
		STATUS_OK);
	assert_int_equal(buf_append_text(&out, "old"), STATUS_OK);
	assert_int_equal(fd_read_file(folder->file, &out), STATUS_OK);
	assert_true(bytes_is_equal(buf_get(&out), bytes_from_text("second")));
	assert_int_equal(stat(folder->file, &facts), 0);
	assert_int_equal(facts.st_mode & 07777, 0600);
}

static void fd_write_file_leaves_nothing_beside_it(void **state)
{
	const struct folder *folder = *state;
	char beside[160];

	(void)snprintf(beside, sizeof(beside), "%s.new", folder->file);
	assert_int_equal(
		fd_write_file(folder->file, 0600, bytes_from_text("one")), STATUS_OK);
	assert_int_not_equal(access(beside, F_OK), 0);
}

static void fd_write_file_into_no_folder_is_an_error(void **state)
{
	const struct folder *folder = *state;
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/none/file", folder->path);
	assert_int_equal(fd_write_file(path, 0600, bytes_from_text("one")), STATUS_IO);
}

static void fd_read_file_refuses_one_that_is_too_long(void **state)
{
	const struct folder *folder = *state;
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(5);

	assert_int_equal(
		fd_write_file(folder->file, 0600, bytes_from_text("12345")), STATUS_OK);
	assert_int_equal(fd_read_file(folder->file, &out), STATUS_OK);
	assert_int_equal(fd_write_file(folder->file, 0600, bytes_from_text("123456")),
		STATUS_OK);
	assert_int_equal(fd_read_file(folder->file, &out), STATUS_BAD_FILE);
}

static void write_at(const char *path, off_t at)
{
	CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "new", 3, at), 3);
}

/* The kernel's clock for files has steps of some milliseconds. */
static void make_old(const char *path)
{
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void append_some(const char *path)
{
	write_at(path, 6);
}

static void overwrite_some(const char *path)
{
	write_at(path, 0);
}

static void cut_off(const char *path)
{
	assert_int_equal(truncate(path, 2), 0);
}

static void put_another_there(const char *path)
{
	assert_int_equal(
		fd_write_file(path, 0600, bytes_from_text("another")), STATUS_OK);
}

static void look_only(const char *path)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
}

static void fd_read_file_reads_one_state_of_it(void **state)
{
	static const struct {
		act_fn *act;
		enum status status;
	} cases[] = {
		{append_some, STATUS_CHANGED_FILE},
		{overwrite_some, STATUS_CHANGED_FILE},
		{cut_off, STATUS_CHANGED_FILE},
		/* The old one, whole. */
		{put_another_there, STATUS_OK},
		{look_only, STATUS_OK},
	};
	const struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);

		assert_int_equal(
			fd_write_file(folder->file, 0600, bytes_from_text("before")),
			STATUS_OK);
		make_old(folder->file);
		*between_path() = folder->file;
		*between_reads() = cases[i].act;
		assert_int_equal(fd_read_file(folder->file, &out), cases[i].status);
		if (cases[i].status == STATUS_OK)
			assert_true(bytes_is_equal(
				buf_get(&out), bytes_from_text("before")));
	}
}

static void fd_read_file_tells_what_is_not_there(void **state)
{
	const struct folder *folder = *state;
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(5);

	assert_int_equal(fd_read_file(folder->file, &out), STATUS_NOT_FOUND);
}

static void fd_read_file_refuses_what_is_not_a_regular_file(void **state)
{
	const struct folder *folder = *state;
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(5);

	assert_int_equal(fd_read_file(folder->path, &out), STATUS_BAD_FILE);
	assert_int_equal(fd_read_file("/dev/zero", &out), STATUS_BAD_FILE);
	assert_int_equal(mkfifo(folder->file, 0600), 0);
	assert_int_equal(fd_read_file(folder->file, &out), STATUS_BAD_FILE);
}

static void fd_read_file_follows_no_symbolic_link(void **state)
{
	const struct folder *folder = *state;
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);

	assert_int_equal(symlink("/etc/passwd", folder->file), 0);
	assert_int_equal(fd_read_file(folder->file, &out), STATUS_IO);
	assert_int_equal(out.len, 0);
}

static void fd_write_all_to_a_broken_pipe_is_an_error(void **state)
{
	CLEANUP(fd_closep) int writer = FD_NONE;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	writer = ends[1];
	(void)close(ends[0]);
	assert_int_equal(fd_write_all(writer, bytes_from_text("x")), STATUS_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fd_close_closes_and_forgets),
		cmocka_unit_test(fd_take_moves_out),
		cmocka_unit_test_setup_teardown(
			fd_file_reads_as_it_was_written, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(fd_write_file_leaves_nothing_beside_it,
			make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			fd_write_file_into_no_folder_is_an_error, make_folder,
			remove_folder),
		cmocka_unit_test_setup_teardown(
			fd_read_file_refuses_one_that_is_too_long, make_folder,
			remove_folder),
		cmocka_unit_test_setup_teardown(
			fd_read_file_reads_one_state_of_it, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(fd_read_file_tells_what_is_not_there,
			make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			fd_read_file_refuses_what_is_not_a_regular_file, make_folder,
			remove_folder),
		cmocka_unit_test_setup_teardown(fd_read_file_follows_no_symbolic_link,
			make_folder, remove_folder),
		cmocka_unit_test(fd_write_all_to_a_broken_pipe_is_an_error),
	};

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
