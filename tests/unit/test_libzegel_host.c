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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zegel.h>

#include "libzegel_fixture.h"

enum {
	REAL_UID = 54321,
	EFFECTIVE_UID = 54322,
	EXIT_SKIPPED = 77,
};

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

/* As a set-user-ID program is: the connection is of the effective user. */
_Noreturn static void ask_as_another(const char *path)
{
	struct zegel *zegel = NULL;
	struct zegel_health health;

	if (setresuid(REAL_UID, EFFECTIVE_UID, EFFECTIVE_UID) != 0 ||
		zegel_open(path, 5000, &zegel, NULL) != ZEGEL_OK)
		_exit(1);
	/* Nobody answers. */
	_exit(zegel_health(zegel, &health, NULL) == ZEGEL_UNAVAILABLE ? 0 : 2);
}

static int listen_at(const char *path)
{
	const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int on = 1;

	(void)strcpy(address.sun_path, path);
	assert_int_equal(
		bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(
		setsockopt(listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	assert_int_equal(listen(listener, 1), 0);
	return listener;
}

/* Who wrote the first bytes, by the kernel's word. */
static uid_t hear_writer(int connection)
{
	char bytes[1024];
	struct iovec piece = {bytes, sizeof(bytes)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct msghdr envelope = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct ucred who;

	assert_true(recvmsg(connection, &envelope, 0) > 0);
	assert_int_equal(control.head.cmsg_type, SCM_CREDENTIALS);
	memcpy(&who, CMSG_DATA(&control.head), sizeof(who));
	return who.uid;
}

static void libzegel_writes_as_the_user_that_connected(void **state)
{
	char folder[] = "/tmp/zegel-host-XXXXXX";
	char path[64];
	int status = 0;
	int listener, connection;
	pid_t child;

	(void)state;
	if (getuid() != 0) {
		skip();
		return;
	}
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/s", folder);
	listener = listen_at(path);
	child = fork();
	if (child == 0)
		ask_as_another(path);
	connection = accept(listener, NULL, NULL);
	assert_int_equal(hear_writer(connection), EFFECTIVE_UID);
	assert_int_equal(close(connection), 0);
	assert_int_equal(close(listener), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
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
		cmocka_unit_test_setup(
			libzegel_writes_as_the_user_that_connected, set_up),
	};
	const int result = cmocka_run_group_tests(tests, NULL, NULL);

	if (result != 0 || getuid() == 0)
		return result;
	print_message("left out: a set-user-ID program; needs root, to be one\n");
	return EXIT_SKIPPED;
}
