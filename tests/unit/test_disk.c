/* SPDX-License-Identifier: Apache-2.0 */
/* Real faults of real files: what each of them is called, and what it leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "small_disk.h"
#include "util/disk.h"
#include "util/fd.h"

enum {
	DISK_KIB = 256,
	PIECE = 4096,
};

static const char name[] = "audit.jsonl";

static int set_up(void **state)
{
	int *directory = malloc(sizeof(*directory));

	assert_non_null(directory);
	small_disk_mount(DISK_KIB);
	*directory = open(SMALL_DISK, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(*directory >= 0);
	*state = directory;
	return 0;
}

static int tear_down(void **state)
{
	fd_closep(*state);
	free(*state);
	small_disk_unmount();
	return 0;
}

static int open_new(void **state)
{
	int fd = FD_NONE;

	assert_int_equal(disk_open(*(int *)*state, name, true, &fd), STATUS_OK);
	return fd;
}

static struct bytes get_piece(void)
{
	static const uint8_t piece[PIECE] = {1};

	return (struct bytes){piece, sizeof(piece)};
}

static off_t get_size(int fd)
{
	struct stat facts;

	assert_int_equal(fstat(fd, &facts), 0);
	return facts.st_size;
}

static long get_blocks(int fd)
{
	struct stat facts;

	assert_int_equal(fstat(fd, &facts), 0);
	return (long)facts.st_blocks;
}

static void a_new_file_is_ours_alone_and_appended_to(void **state)
{
	CLEANUP(fd_closep) int fd = open_new(state);
	CLEANUP(fd_closep) int again = FD_NONE;
	struct stat facts;
	char read_back[8] = "";

	assert_int_equal(fstat(fd, &facts), 0);
	assert_int_equal(facts.st_mode & 07777, 0600);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(disk_append(fd, bytes_from_text("one")), STATUS_OK);
	assert_int_equal(disk_open(*(int *)*state, name, false, &again), STATUS_OK);
	assert_int_equal(disk_append(again, bytes_from_text("two")), STATUS_OK);
	assert_int_equal(disk_append(fd, bytes_from_text("")), STATUS_OK);
	assert_int_equal(disk_sync(fd), STATUS_OK);
	assert_int_equal(disk_sync_directory(*(int *)*state), STATUS_OK);
	assert_int_equal(pread(fd, read_back, sizeof(read_back), 0), 6);
	assert_string_equal(read_back, "onetwo");
}

static void what_must_not_be_there_is_not_opened(void **state)
{
	CLEANUP(fd_closep) int fd = open_new(state);
	int other = 12345;

	assert_int_not_equal(fd, FD_NONE);
	assert_int_equal(
		disk_open(*(int *)*state, name, true, &other), STATUS_BAD_FILE);
	assert_int_equal(
		disk_open(*(int *)*state, "missing", false, &other), STATUS_NOT_FOUND);
	assert_int_equal(other, 12345);
}

static void only_a_regular_file_is_opened(void **state)
{
	const int directory = *(int *)*state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP(fd_closep) int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	static const char *const names[] = {
		"link", "dangling", "fifo", "folder", "socket"};
	int fd = 12345;

	(void)snprintf(
		address.sun_path, sizeof(address.sun_path), "%s/socket", SMALL_DISK);
	assert_int_equal(symlinkat("/etc/passwd", directory, "link"), 0);
	assert_int_equal(symlinkat("/nowhere", directory, "dangling"), 0);
	assert_int_equal(mkfifoat(directory, "fifo", 0600), 0);
	assert_int_equal(mkdirat(directory, "folder", 0700), 0);
	assert_int_equal(
		bind(socket_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(
			disk_open(directory, names[i], false, &fd), STATUS_BAD_FILE);
		assert_int_equal(
			disk_open(directory, names[i], true, &fd), STATUS_BAD_FILE);
	}
	assert_int_equal(fd, 12345);
}

static void a_full_disk_says_so_and_takes_bytes_again_when_it_is_not(void **state)
{
	CLEANUP(fd_closep) int fd = open_new(state);
	enum status status = STATUS_OK;

	for (size_t i = 0; i <= DISK_KIB && status == STATUS_OK; i++)
		status = disk_append(fd, get_piece());
	assert_int_equal(status, STATUS_DISK_FULL);
	assert_int_equal(disk_truncate(fd, PIECE), STATUS_OK);
	assert_int_equal(get_size(fd), PIECE);
	assert_int_equal(disk_append(fd, get_piece()), STATUS_OK);
}

static void space_that_was_set_aside_is_there_when_the_disk_is_full(void **state)
{
	CLEANUP(fd_closep) int fd = open_new(state);

	assert_int_equal(disk_append(fd, get_piece()), STATUS_OK);
	assert_int_equal(disk_reserve(fd, PIECE, (off_t)4 * PIECE), STATUS_OK);
	assert_int_equal(get_size(fd), PIECE);
	small_disk_fill(0);
	assert_int_equal(
		disk_reserve(fd, (off_t)5 * PIECE, (off_t)8 * PIECE), STATUS_DISK_FULL);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(disk_append(fd, get_piece()), STATUS_OK);
	assert_int_equal(disk_append(fd, get_piece()), STATUS_DISK_FULL);
}

static void truncating_gives_back_what_was_set_aside(void **state)
{
	CLEANUP(fd_closep) int fd = open_new(state);
	long blocks;

	assert_int_equal(disk_append(fd, get_piece()), STATUS_OK);
	blocks = get_blocks(fd);
	assert_int_equal(disk_reserve(fd, PIECE, (off_t)8 * PIECE), STATUS_OK);
	assert_true(get_blocks(fd) > blocks);
	assert_int_equal(disk_truncate(fd, PIECE), STATUS_OK);
	assert_int_equal(get_blocks(fd), blocks);
}

static void a_read_only_disk_says_so(void **state)
{
	int fd = open_new(state);

	fd_closep(&fd);
	small_disk_set_read_only(true);
	assert_int_equal(disk_open(*(int *)*state, name, false, &fd), STATUS_READ_ONLY);
	assert_int_equal(disk_open(*(int *)*state, "new", true, &fd), STATUS_READ_ONLY);
	assert_int_equal(disk_rename(*(int *)*state, name, "older"), STATUS_READ_ONLY);
	small_disk_set_read_only(false);
	assert_int_equal(disk_open(*(int *)*state, name, false, &fd), STATUS_OK);
	fd_closep(&fd);
}

static void a_file_beyond_its_limit_fails_and_ends_no_process(void **state)
{
	CLEANUP(fd_closep) int fd = open_new(state);
	struct rlimit before, limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){.rlim_cur = PIECE + 10, .rlim_max = before.rlim_max};
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(disk_append(fd, get_piece()), STATUS_OK);
	/* Half of it is written, and then it fails. */
	assert_int_equal(disk_append(fd, get_piece()), STATUS_IO);
	assert_int_equal(get_size(fd), PIECE + 10);
	assert_int_equal(disk_reserve(fd, PIECE, PIECE), STATUS_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
}

static void a_file_takes_another_name_and_replaces_none(void **state)
{
	const int directory = *(int *)*state;
	CLEANUP(fd_closep) int fd = open_new(state);
	CLEANUP(fd_closep) int other = FD_NONE;

	assert_int_equal(disk_rename(directory, "missing", "older"), STATUS_NOT_FOUND);
	assert_int_equal(disk_rename(directory, name, "older"), STATUS_OK);
	assert_int_equal(disk_open(directory, name, true, &other), STATUS_OK);
	assert_int_equal(disk_append(other, bytes_from_text("new")), STATUS_OK);
	assert_int_equal(disk_rename(directory, name, "older"), STATUS_BAD_FILE);
	assert_int_equal(get_size(fd), 0);
	assert_int_equal(get_size(other), 3);
}

static void what_cannot_be_synced_or_cut_fails(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(disk_sync(ends[1]), STATUS_IO);
	assert_int_equal(disk_sync_directory(ends[1]), STATUS_IO);
	assert_int_equal(disk_truncate(ends[1], 0), STATUS_IO);
	assert_int_equal(disk_append(ends[0], bytes_from_text("x")), STATUS_IO);
	assert_int_equal(disk_reserve(ends[1], 0, 1), STATUS_IO);
	fd_closep(&ends[0]);
	fd_closep(&ends[1]);
}

static void a_file_system_that_sets_nothing_aside_is_no_fault(void **state)
{
	CLEANUP(fd_closep) int fd = open("/proc/self/comm", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(disk_reserve(fd, 0, PIECE), STATUS_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_is_ours_alone_and_appended_to),
		TEST(what_must_not_be_there_is_not_opened),
		TEST(only_a_regular_file_is_opened),
		TEST(a_full_disk_says_so_and_takes_bytes_again_when_it_is_not),
		TEST(space_that_was_set_aside_is_there_when_the_disk_is_full),
		TEST(truncating_gives_back_what_was_set_aside),
		TEST(a_read_only_disk_says_so),
		TEST(a_file_beyond_its_limit_fails_and_ends_no_process),
		TEST(a_file_takes_another_name_and_replaces_none),
		TEST(what_cannot_be_synced_or_cut_fails),
		TEST(a_file_system_that_sets_nothing_aside_is_no_fault),
	};

	if (!small_disk_begin())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
