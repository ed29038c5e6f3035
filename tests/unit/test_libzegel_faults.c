/* SPDX-License-Identifier: Apache-2.0 */
/* The calls when the agent is slow, gone, or somebody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zegel.h>

#include "libzegel_fixture.h"

enum {
	SHORT_MS = 300,   /* a call's timeout where it is to pass */
	SLACK_MS = 1500,  /* what a busy machine may add */
	STRANGER = 54321, /* a uid that nobody has */
};

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- time */

static bool never_answer(int fd, const Zegel__V1__Request *request)
{
	(void)fd;
	(void)request;
	return true;
}

static void check_timeout(struct fake *fake)
{
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_error error;
	long began;

	zegel = fake_open(fake, SHORT_MS);
	began = now_ms();
	assert_int_equal(fake_ask_seal(zegel, &error), ZEGEL_TIMEOUT);
	assert_int_equal(error.status, ZEGEL_TIMEOUT);
	assert_in_range(now_ms() - began, SHORT_MS - 1, SHORT_MS + SLACK_MS);
}

static void libzegel_gives_up_when_no_answer_comes(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = never_answer};

	(void)state;
	fake_start(&fake);
	check_timeout(&fake);
}

static void libzegel_gives_up_when_hello_is_not_answered(void **state)
{
	CLEANUP(fake_stop)
	struct fake fake = {.act = never_answer, .greet = never_answer};

	(void)state;
	fake_start(&fake);
	check_timeout(&fake);
}

static bool dribble(int fd, const Zegel__V1__Request *request)
{
	(void)request;
	fake_send_bytes(fd, "\0\0\xff", 4);
	for (int i = 0; i < 200; i++) {
		fake_send_bytes(fd, "x", 1);
		usleep(20000);
	}
	return false;
}

static void libzegel_gives_up_on_bytes_that_dribble(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = dribble};

	(void)state;
	fake_start(&fake);
	check_timeout(&fake);
}

static int fill_queue(const struct fake *fake)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, fake->path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void libzegel_gives_up_when_nobody_accepts(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.is_deaf = true};
	int fds[8];
	size_t n = 0;

	(void)state;
	fake_start(&fake);
	while (n < 8 && (fds[n] = fill_queue(&fake)) >= 0)
		n++;
	assert_in_range(n, 1, 7);
	check_timeout(&fake);
	while (n > 0)
		close(fds[--n]);
}

static void libzegel_hears_an_answer_byte_by_byte(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = fake_answer_slowly};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(fake_ask_seal(zegel, NULL), ZEGEL_OK);
}

/* ---------------------------------------------------------------- gone */

static bool answer_and_close(int fd, const Zegel__V1__Request *request)
{
	fake_answer(fd, request);
	return false;
}

static void libzegel_connects_anew_after_an_idle_close(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = answer_and_close};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	for (int i = 0; i < 5; i++)
		assert_int_equal(fake_ask_seal(zegel, NULL), ZEGEL_OK);
	assert_int_equal(fake.counts->connections, 5);
	assert_int_equal(fake.counts->requests, 5);
}

/* The second request of a connection meets a closing agent: nothing came of it. */
static bool close_on_the_second(int fd, const Zegel__V1__Request *request)
{
	static int used = -1;

	if (used == fd) {
		used = -1;
		return false;
	}
	used = fd;
	return fake_answer(fd, request);
}

static void libzegel_repeats_once_what_an_idle_connection_swallowed(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = close_on_the_second};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(fake_ask_seal(zegel, NULL), ZEGEL_OK);
	assert_int_equal(fake_ask_seal(zegel, NULL), ZEGEL_OK);
	assert_int_equal(fake.counts->connections, 2);
	assert_int_equal(fake.counts->requests, 3);
}

static bool close_at_once(int fd, const Zegel__V1__Request *request)
{
	(void)fd;
	(void)request;
	return false;
}

static bool die(int fd, const Zegel__V1__Request *request)
{
	(void)fd;
	(void)request;
	_exit(1);
}

static bool die_in_the_answer(int fd, const Zegel__V1__Request *request)
{
	(void)request;
	fake_send_bytes(fd, "\0\0\0\x20half", 8);
	_exit(1);
}

static void libzegel_does_not_repeat_on_a_new_connection(void **state)
{
	static fake_act_fn *const acts[] = {close_at_once, die, die_in_the_answer};

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		CLEANUP(fake_stop) struct fake fake = {.act = acts[i]};
		CLEANUP(fake_closep) struct zegel *zegel = NULL;
		struct zegel_error error;

		fake_start(&fake);
		zegel = fake_open(&fake, 5000);
		assert_int_equal(fake_ask_seal(zegel, &error), ZEGEL_UNAVAILABLE);
		assert_non_null(strstr(error.text, "closed the connection"));
		assert_int_equal(fake.counts->requests, 1);
	}
}

static void libzegel_survives_the_agent_with_sigpipe_on(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = NULL};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_error error;

	(void)state;
	assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	fake_start(&fake);
	zegel = fake_open(&fake, 1000);
	assert_int_equal(fake_ask_seal(zegel, NULL), ZEGEL_OK);
	kill(fake.pid, SIGKILL);
	waitpid(fake.pid, NULL, 0);
	assert_int_equal(fake_ask_seal(zegel, &error), ZEGEL_UNAVAILABLE);
	assert_non_null(strstr(error.text, "nobody listens"));
	unlink(fake.path);
	assert_int_equal(fake_ask_seal(zegel, &error), ZEGEL_UNAVAILABLE);
	assert_non_null(strstr(error.text, fake.path));
	assert_non_null(strstr(error.text, "ZEGEL_SOCKET"));
}

/* ---------------------------------------------------------------- somebody else */

static void libzegel_tells_a_stranger_nothing(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.uid = STRANGER};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_error error;

	(void)state;
	if (geteuid() != 0)
		fake.uid = 0;
	fake_start(&fake);
	if (geteuid() != 0)
		skip();
	zegel = fake_open(&fake, 5000);
	assert_int_equal(fake_ask_seal(zegel, &error), ZEGEL_UNAVAILABLE);
	assert_non_null(strstr(error.text, "uid 54321"));
	usleep(50000);
	assert_int_equal(fake.counts->bytes, 0);
}

static void libzegel_says_who_may_not_connect(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.act = NULL};
	int status = -1;
	pid_t child;

	(void)state;
	fake_start(&fake);
	assert_int_equal(chmod(fake.path, 0700), 0);
	child = fork();
	if (child == 0) {
		struct zegel_error error = {.text = ""};
		struct zegel *zegel = NULL;
		struct zegel_health health;

		if (geteuid() != 0 || setuid(STRANGER) != 0)
			_exit(77);
		if (zegel_open(fake.path, 0, &zegel, NULL) != ZEGEL_OK ||
			zegel_health(zegel, &health, &error) != ZEGEL_DENIED)
			_exit(1);
		zegel_close(zegel);
		_exit(strstr(error.text, "zegel-clients") != NULL ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libzegel_gives_up_when_no_answer_comes),
		cmocka_unit_test(libzegel_gives_up_when_hello_is_not_answered),
		cmocka_unit_test(libzegel_gives_up_on_bytes_that_dribble),
		cmocka_unit_test(libzegel_gives_up_when_nobody_accepts),
		cmocka_unit_test(libzegel_hears_an_answer_byte_by_byte),
		cmocka_unit_test(libzegel_connects_anew_after_an_idle_close),
		cmocka_unit_test(
			libzegel_repeats_once_what_an_idle_connection_swallowed),
		cmocka_unit_test(libzegel_does_not_repeat_on_a_new_connection),
		cmocka_unit_test(libzegel_survives_the_agent_with_sigpipe_on),
		cmocka_unit_test(libzegel_tells_a_stranger_nothing),
		cmocka_unit_test(libzegel_says_who_may_not_connect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
