/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/fd.h"
#include "util/secret.h"

static int file_with(struct bytes bytes)
{
	const int fd = memfd_create("pin", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes), STATUS_OK);
	return fd;
}

static void assert_reads(const char *content, const char *pin)
{
	CLEANUP(fd_closep) int fd = file_with(bytes_from_text(content));
	CLEANUP(secret_deinit) struct secret secret = SECRET_INIT;

	assert_int_equal(secret_read(&secret, fd), STATUS_OK);
	assert_true(bytes_is_equal(
		(struct bytes){secret.p, secret.len}, bytes_from_text(pin)));
}

static void secret_reads_a_pin_without_its_newline(void **state)
{
	(void)state;
	assert_reads("1234", "1234");
	assert_reads("1234\n", "1234");
	assert_reads("1234\n\n", "1234\n");
	assert_reads(" 12 34 ", " 12 34 ");
}

static void secret_reads_a_file_again_from_its_start(void **state)
{
	CLEANUP(fd_closep) int fd = file_with(bytes_from_text("1234"));

	(void)state;
	for (int i = 0; i < 3; i++) {
		CLEANUP(secret_deinit) struct secret secret = SECRET_INIT;

		assert_int_equal(secret_read(&secret, fd), STATUS_OK);
		assert_int_equal(secret.len, 4);
	}
}

static void secret_reads_a_pipe_in_pieces(void **state)
{
	CLEANUP(secret_deinit) struct secret secret = SECRET_INIT;
	CLEANUP(fd_closep) int reader = FD_NONE;
	int writer;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	reader = ends[0];
	writer = ends[1];
	assert_int_equal(
		fd_write_all(writer, bytes_from_text("12345678\n")), STATUS_OK);
	fd_closep(&writer);
	assert_int_equal(secret_read(&secret, reader), STATUS_OK);
	assert_int_equal(secret.len, 8);
}

static void assert_refuses(size_t len, enum status status)
{
	uint8_t pin[SECRET_MAX + 8];
	CLEANUP(fd_closep) int fd = FD_NONE;
	struct secret secret = SECRET_INIT;

	memset(pin, '1', sizeof(pin));
	fd = file_with((struct bytes){pin, len});
	assert_int_equal(secret_read(&secret, fd), status);
	if (status != STATUS_OK)
		assert_null(secret.p);
	secret_deinit(&secret);
}

static void secret_refuses_nothing_and_too_much(void **state)
{
	(void)state;
	assert_refuses(0, STATUS_BAD_FILE);
	assert_refuses(SECRET_MAX, STATUS_OK);
	assert_refuses(SECRET_MAX + 1, STATUS_BAD_FILE);
	assert_refuses(SECRET_MAX + 8, STATUS_BAD_FILE);
}

static void secret_takes_the_longest_pin_with_a_newline(void **state)
{
	uint8_t pin[SECRET_MAX + 1];
	CLEANUP(fd_closep) int fd = FD_NONE;
	CLEANUP(secret_deinit) struct secret secret = SECRET_INIT;

	(void)state;
	memset(pin, '1', SECRET_MAX);
	pin[SECRET_MAX] = '\n';
	fd = file_with((struct bytes){pin, sizeof(pin)});
	assert_int_equal(secret_read(&secret, fd), STATUS_OK);
	assert_int_equal(secret.len, SECRET_MAX);
}

static void secret_is_empty_after_deinit(void **state)
{
	CLEANUP(fd_closep) int fd = file_with(bytes_from_text("1234"));
	struct secret secret = SECRET_INIT;

	(void)state;
	secret_deinit(&secret);
	assert_int_equal(secret_read(&secret, fd), STATUS_OK);
	secret_deinit(&secret);
	assert_null(secret.p);
	assert_int_equal(secret.len, 0);
}

static void secret_does_not_reach_a_child(void **state)
{
	CLEANUP(fd_closep) int fd = file_with(bytes_from_text("1234"));
	CLEANUP(secret_deinit) struct secret secret = SECRET_INIT;
	int how = 0;
	pid_t child;

	(void)state;
	assert_int_equal(secret_read(&secret, fd), STATUS_OK);
	child = fork();
	if (child == 0)
		_exit(secret.p[0] == 0 && secret.p[3] == 0 ? 0 : 1);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
	assert_memory_equal(secret.p, "1234", 4);
}

static void secret_read_of_a_closed_descriptor_is_an_error(void **state)
{
	struct secret secret = SECRET_INIT;

	(void)state;
	assert_int_equal(secret_read(&secret, FD_NONE), STATUS_IO);
	assert_null(secret.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_reads_a_pin_without_its_newline),
		cmocka_unit_test(secret_reads_a_file_again_from_its_start),
		cmocka_unit_test(secret_reads_a_pipe_in_pieces),
		cmocka_unit_test(secret_refuses_nothing_and_too_much),
		cmocka_unit_test(secret_takes_the_longest_pin_with_a_newline),
		cmocka_unit_test(secret_is_empty_after_deinit),
		cmocka_unit_test(secret_does_not_reach_a_child),
		cmocka_unit_test(secret_read_of_a_closed_descriptor_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
