/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lines.h"
#include "util/buf.h"
#include "util/fd.h"

enum {
	FILE_MAX = 1 << 24,
	N_FILES = 40,
};

/* The file into which somebody writes while we wait; FD_NONE: nobody does. */
static int *written_meanwhile(void)
{
	static int fd = FD_NONE;

	return &fd;
}

/* The linker puts it in front of the system's (-Wl,--wrap). */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
	const int fd = *written_meanwhile();

	(void)left;
	assert_in_range(wanted->tv_nsec, 1, 100000000);
	*written_meanwhile() = FD_NONE;
	if (fd != FD_NONE)
		assert_int_equal(
			fd_write_all(fd, bytes_from_text("o\nthree\n")), STATUS_OK);
	return 0;
}

static int new_file(struct bytes content)
{
	const int fd = memfd_create("lines", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, content), STATUS_OK);
	return fd;
}

static void append_many(struct buf *out, char c, size_t n)
{
	assert_int_equal(buf_reserve(out, n), STATUS_OK);
	memset(out->p + out->len, c, n);
	out->len += n;
}

static void expect(struct lines *lines, const char *text, uint64_t number, bool has_end)
{
	struct line line;

	assert_int_equal(lines_next(lines, &line), STATUS_OK);
	assert_true(bytes_is_equal(line.text, bytes_from_text(text)));
	assert_int_equal(line.number, number);
	assert_int_equal(line.has_end, has_end);
}

static void expect_end(struct lines *lines)
{
	struct line line;

	assert_int_equal(lines_next(lines, &line), STATUS_NOT_FOUND);
	assert_int_equal(lines_next(lines, &line), STATUS_NOT_FOUND);
}

static void lines_next_gives_each_line_and_says_whether_it_ends(void **state)
{
	CLEANUP(fd_closep) int fd = new_file(bytes_from_text("one\n\nthree\nrest"));
	CLEANUP(lines_deinit) struct lines lines = LINES_INIT;

	(void)state;
	assert_int_equal(lines_init(&lines, fd), STATUS_OK);
	expect(&lines, "one", 1, true);
	expect(&lines, "", 2, true);
	expect(&lines, "three", 3, true);
	expect(&lines, "rest", 4, false);
	expect_end(&lines);
}

static void lines_of_an_empty_file_are_none(void **state)
{
	CLEANUP(fd_closep) int fd = new_file((struct bytes){NULL, 0});
	CLEANUP(lines_deinit) struct lines lines = LINES_INIT;

	(void)state;
	assert_int_equal(lines_init(&lines, fd), STATUS_OK);
	expect_end(&lines);
	assert_int_equal(lines.number, 0);
}

static void lines_do_not_move_the_place_of_a_descriptor(void **state)
{
	CLEANUP(fd_closep) int fd = new_file(bytes_from_text("one\ntwo\n"));
	CLEANUP(lines_deinit) struct lines lines = LINES_INIT;

	(void)state;
	assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
	assert_int_equal(lines_init(&lines, fd), STATUS_OK);
	expect(&lines, "one", 1, true);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
}

static void lines_next_cuts_what_is_too_long_and_finds_the_next(void **state)
{
	static const size_t lengths[] = {LINES_LINE_MAX - 1, LINES_LINE_MAX,
		LINES_LINE_MAX + 1, 2 * LINES_LINE_MAX, LINES_READ - 1, LINES_READ,
		LINES_READ + 1, LINES_READ + LINES_LINE_MAX,
		LINES_READ + LINES_LINE_MAX + 1, 5 * LINES_READ};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		CLEANUP(buf_deinit) struct buf content = BUF_INIT(FILE_MAX);
		CLEANUP(lines_deinit) struct lines lines = LINES_INIT;
		CLEANUP(fd_closep) int fd = FD_NONE;
		struct line line;

		append_many(&content, 'x', lengths[i]);
		assert_int_equal(buf_append_text(&content, "\nnext\n"), STATUS_OK);
		append_many(&content, 'y', lengths[i]);
		fd = new_file(buf_get(&content));
		assert_int_equal(lines_init(&lines, fd), STATUS_OK);
		assert_int_equal(lines_next(&lines, &line), STATUS_OK);
		assert_true(line.has_end);
		assert_int_equal(line.text.len,
			lengths[i] > LINES_LINE_MAX ? LINES_LINE_MAX : lengths[i]);
		expect(&lines, "next", 2, true);
		assert_int_equal(lines_next(&lines, &line), STATUS_OK);
		assert_int_equal(line.text.p[line.text.len - 1], 'y');
		assert_int_equal(line.has_end, lengths[i] > LINES_LINE_MAX);
		expect_end(&lines);
	}
}

/* Put together again the lines are the file, wherever the reads end. */
static void lines_together_are_the_file(void **state)
{
	(void)state;
	srandom(60);
	for (size_t n = 0; n < N_FILES; n++) {
		CLEANUP(buf_deinit) struct buf content = BUF_INIT(FILE_MAX);
		CLEANUP(buf_deinit) struct buf again = BUF_INIT(FILE_MAX);
		CLEANUP(lines_deinit) struct lines lines = LINES_INIT;
		CLEANUP(fd_closep) int fd = FD_NONE;
		struct line line;

		while (content.len < 2 * LINES_READ + n * 1000) {
			append_many(&content, (char)('a' + random() % 26),
				(size_t)random() % (n % 2 == 0 ? 600 : LINES_LINE_MAX));
			append_many(&content, '\n', 1);
		}
		content.len -= n % 3;
		fd = new_file(buf_get(&content));
		assert_int_equal(lines_init(&lines, fd), STATUS_OK);
		while (lines_next(&lines, &line) == STATUS_OK) {
			assert_int_equal(buf_append(&again, line.text), STATUS_OK);
			if (line.has_end)
				append_many(&again, '\n', 1);
		}
		assert_true(bytes_is_equal(buf_get(&content), buf_get(&again)));
	}
}

/* As when the agent is writing: the rest of the line comes a moment later. */
static void a_line_that_is_being_written_is_waited_for(void **state)
{
	CLEANUP(fd_closep) int fd = new_file(bytes_from_text("one\ntw"));
	CLEANUP(lines_deinit) struct lines lines = LINES_INIT;

	(void)state;
	assert_int_equal(lines_init(&lines, fd), STATUS_OK);
	expect(&lines, "one", 1, true);
	*written_meanwhile() = fd;
	expect(&lines, "two", 2, true);
	assert_int_equal(*written_meanwhile(), FD_NONE);
	expect(&lines, "three", 3, true);
	expect_end(&lines);
}

static void a_file_that_cannot_be_read_is_io(void **state)
{
	CLEANUP(lines_deinit) struct lines lines = LINES_INIT;
	CLEANUP(fd_closep) int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct line line;

	(void)state;
	assert_int_equal(lines_init(&lines, fd), STATUS_OK);
	assert_int_equal(lines_next(&lines, &line), STATUS_IO);
	assert_int_equal(errno, EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_next_gives_each_line_and_says_whether_it_ends),
		cmocka_unit_test(lines_of_an_empty_file_are_none),
		cmocka_unit_test(lines_do_not_move_the_place_of_a_descriptor),
		cmocka_unit_test(lines_next_cuts_what_is_too_long_and_finds_the_next),
		cmocka_unit_test(lines_together_are_the_file),
		cmocka_unit_test(a_line_that_is_being_written_is_waited_for),
		cmocka_unit_test(a_file_that_cannot_be_read_is_io),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
