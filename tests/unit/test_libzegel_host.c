/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libzegel does to its host. This program has a send() of its own, which the
 * library finds before libc's: so what would be a race with the agent comes at will.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <zegel.h>

#include "libzegel_fixture.h"

/* What send() is to do, and what it saw. */
struct host {
	unsigned n_calls;
	unsigned break_at; /* the call that meets a connection that just ended */
	bool is_stingy;    /* interrupted at each second call, else one byte */
	bool has_open_on_exec;
};

static struct host *host(void)
{
	static struct host host;

	return &host;
}

/* Our builds hide what is not asked for, and the library could not find it. */
__attribute__((visibility("default"))) ssize_t send(
	int fd, const void *bytes, size_t len, int flags)
{
	struct host *const h = host();

	h->n_calls++;
	if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
		h->has_open_on_exec = true;
	if (h->n_calls == h->break_at)
		(void)shutdown(fd, SHUT_RDWR);
	if (h->is_stingy && h->n_calls % 2 == 0) {
		errno = h->n_calls % 4 == 0 ? EINTR : EAGAIN;
		return -1;
	}
	return syscall(SYS_sendto, fd, bytes, h->is_stingy ? 1 : len, flags, NULL, 0);
}

static int set_up(void **state)
{
	(void)state;
	*host() = (struct host){.n_calls = 0};
	return signal(SIGPIPE, SIG_DFL) == SIG_ERR;
}

static void libzegel_raises_no_sigpipe(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;
	struct zegel_error error;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	host()->break_at = 1;
	assert_int_equal(fake_ask_seal(zegel, &error), ZEGEL_UNAVAILABLE);
	assert_non_null(strstr(error.text, "closed the connection"));
	assert_int_equal(host()->n_calls, 1);
}

static void libzegel_repeats_what_an_ended_idle_connection_did_not_take(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	host()->break_at = 2;
	assert_int_equal(fake_ask_seal(zegel, NULL), ZEGEL_OK);
	assert_int_equal(fake_ask_seal(zegel, NULL), ZEGEL_OK);
	assert_int_equal(host()->n_calls, 3);
	assert_int_equal(fake.counts->connections, 2);
	assert_int_equal(fake.counts->requests, 2);
}

static void libzegel_sends_in_pieces_where_it_must(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	host()->is_stingy = true;
	assert_int_equal(fake_ask_seal(zegel, NULL), ZEGEL_OK);
	assert_true(host()->n_calls > fake.counts->bytes);
}

static void libzegel_sends_hello_and_request_at_once(void **state)
{
	CLEANUP(fake_stop) struct fake fake = {.pid = 0};
	CLEANUP(fake_closep) struct zegel *zegel = NULL;

	(void)state;
	fake_start(&fake);
	zegel = fake_open(&fake, 5000);
	assert_int_equal(fake_ask_seal(zegel, NULL), ZEGEL_OK);
	assert_int_equal(host()->n_calls, 1);
	assert_int_equal(fake.counts->hellos, 1);
	assert_false(host()->has_open_on_exec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(libzegel_raises_no_sigpipe, set_up),
		cmocka_unit_test_setup(
			libzegel_repeats_what_an_ended_idle_connection_did_not_take,
			set_up),
		cmocka_unit_test_setup(libzegel_sends_in_pieces_where_it_must, set_up),
		cmocka_unit_test_setup(
			libzegel_sends_hello_and_request_at_once, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
