/* SPDX-License-Identifier: Apache-2.0 */
/* Each test hardens a child, since it cannot be undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/program.h"

/* What the child's verdict is: 0 when it holds. */
static int ask_child(int (*ask)(void))
{
	const pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(program_harden() == STATUS_OK ? ask() : 99);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int write_beyond_the_limit(void)
{
	const struct rlimit limit = {1, 1};
	char path[] = "/tmp/program-XXXXXX";
	const int fd = mkstemp(path);

	if (fd < 0 || unlink(path) != 0 || setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 98;
	return write(fd, "ab", 2) == 1 && write(fd, "b", 1) < 0 && errno == EFBIG ? 0
										  : 1;
}

static void a_file_that_is_too_long_ends_no_program(void **state)
{
	(void)state;
	assert_int_equal(ask_child(write_beyond_the_limit), 0);
}

static int write_to_nobody(void)
{
	int ends[2];

	if (pipe(ends) != 0 || close(ends[0]) != 0)
		return 98;
	return write(ends[1], "a", 1) < 0 && errno == EPIPE ? 0 : 1;
}

static void a_reader_that_is_gone_ends_no_program(void **state)
{
	(void)state;
	assert_int_equal(ask_child(write_to_nobody), 0);
}

static int dump_or_share(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) != 0)
		return 98;
	return limit.rlim_cur == 0 && limit.rlim_max == 0 && umask(0) == 077 ? 0 : 1;
}

static void a_program_leaves_no_core_and_no_file_for_others(void **state)
{
	(void)state;
	assert_int_equal(ask_child(dump_or_share), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_is_too_long_ends_no_program),
		cmocka_unit_test(a_reader_that_is_gone_ends_no_program),
		cmocka_unit_test(a_program_leaves_no_core_and_no_file_for_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
