/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes, who wrote them, and descriptors that never come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/inlet.h"
#include "util/fd.h"

enum {
	FDS_MAX = 200,
	OTHER_UID = 61234,
	EXIT_SKIPPED = 77,
};

struct world {
	int near;
	int far;
	uint8_t room[64];
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	int pair[2];

	assert_non_null(world);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	world->near = pair[0];
	world->far = pair[1];
	assert_int_equal(inlet_open(world->near), STATUS_OK);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	fd_closep(&world->near);
	fd_closep(&world->far);
	free(world);
	return 0;
}

static struct inlet_piece read_piece(struct world *world)
{
	struct inlet_piece piece;

	assert_int_equal(
		inlet_read(world->near, world->room, sizeof(world->room), &piece),
		STATUS_OK);
	return piece;
}

static int next_free(void)
{
	const int fd = dup(STDERR_FILENO);

	assert_int_equal(close(fd), 0);
	return fd;
}

/* One byte with n descriptors. */
static void push(const struct world *world, size_t n)
{
	uint8_t byte = 'x';
	struct iovec part = {&byte, 1};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control = {.room = {0}};
	struct msghdr envelope = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(sizeof(int) * n)};

	control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(int) * n)};
	for (size_t i = 0; i < n; i++)
		memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &world->far,
			sizeof(int));
	assert_int_equal(sendmsg(world->far, &envelope, 0), 1);
}

static void a_piece_has_its_writer(void **state)
{
	struct world *world = *state;
	struct inlet_piece piece;

	assert_int_equal(send(world->far, "abc", 3, 0), 3);
	piece = read_piece(world);
	assert_int_equal(piece.len, 3);
	assert_memory_equal(world->room, "abc", 3);
	assert_true(piece.has_writer);
	assert_false(piece.has_descriptor);
	assert_int_equal(piece.uid, getuid());
	assert_int_equal(piece.pid, getpid());
}

static void nothing_there_and_the_end_are_told_apart(void **state)
{
	struct world *world = *state;
	struct inlet_piece piece = {.len = 99};

	assert_int_equal(inlet_read(world->near, world->room, 1, &piece), STATUS_BUSY);
	assert_int_equal(piece.len, 99);
	fd_closep(&world->far);
	assert_int_equal(read_piece(world).len, 0);
	fd_closep(&world->near);
	assert_int_equal(inlet_read(world->near, world->room, 1, &piece), STATUS_IO);
}

static void stop_asking(const struct world *world)
{
	const int off = 0;

	assert_int_equal(
		setsockopt(world->near, SOL_SOCKET, SO_PASSCRED, &off, sizeof(off)), 0);
}

static void bytes_of_before_have_no_writer(void **state)
{
	struct world *world = *state;
	struct inlet_piece piece;

	stop_asking(world);
	assert_int_equal(send(world->far, "abc", 3, 0), 3);
	assert_int_equal(inlet_open(world->near), STATUS_OK);
	piece = read_piece(world);
	assert_int_equal(piece.len, 3);
	assert_false(piece.has_writer);
}

static void descriptors_never_come_in(void **state)
{
	static const size_t numbers[] = {1, 2, 4, FDS_MAX};
	struct world *world = *state;
	const int before = next_free();

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct inlet_piece piece;

		push(world, numbers[i]);
		piece = read_piece(world);
		assert_int_equal(piece.len, 1);
		assert_true(piece.has_descriptor);
		assert_true(piece.has_writer);
		assert_int_equal(next_free(), before);
	}
}

/* The trap: room for credentials is room for four descriptors where none are asked. */
static void without_credentials_they_are_closed_one_by_one(void **state)
{
	struct world *world = *state;
	const int before = next_free();
	struct inlet_piece piece;

	stop_asking(world);
	push(world, FDS_MAX);
	piece = read_piece(world);
	assert_true(piece.has_descriptor);
	assert_false(piece.has_writer);
	assert_int_equal(next_free(), before);
}

static void a_process_descriptor_is_closed_too(void **state)
{
	struct world *world = *state;
	const int before = next_free();
	const int on = 1;
	struct inlet_piece piece;

	if (setsockopt(world->near, SOL_SOCKET, 76, &on, sizeof(on)) != 0) {
		print_message("this kernel has no SO_PASSPIDFD: nothing to close\n");
		return;
	}
	stop_asking(world);
	assert_int_equal(send(world->far, "x", 1, 0), 1);
	piece = read_piece(world);
	assert_true(piece.has_descriptor);
	assert_int_equal(next_free(), before);
	/* And it can be switched off, so that it is in nobody's way. */
	assert_int_equal(inlet_open(world->near), STATUS_OK);
	assert_int_equal(send(world->far, "x", 1, 0), 1);
	piece = read_piece(world);
	assert_false(piece.has_descriptor);
	assert_true(piece.has_writer);
}

/* In a process of its own, which becomes that user for good. */
static void write_as(const struct world *world, uid_t uid, const char *text)
{
	const pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0) {
		if (setuid(uid) != 0)
			_exit(1);
		_exit(send(world->far, text, strlen(text), 0) == (ssize_t)strlen(text)
				? 0
				: 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void two_writers_are_two_pieces(void **state)
{
	struct world *world = *state;
	struct inlet_piece piece;

	if (getuid() != 0) {
		skip();
		return;
	}
	write_as(world, OTHER_UID, "aaaa");
	write_as(world, OTHER_UID + 1, "bbbb");
	write_as(world, OTHER_UID + 1, "cccc");
	piece = read_piece(world);
	assert_int_equal(piece.len, 4);
	assert_int_equal(piece.uid, OTHER_UID);
	piece = read_piece(world);
	assert_int_equal(piece.uid, OTHER_UID + 1);
	assert_memory_equal(world->room, "bbbb", 4);
}

static void what_is_no_socket_cannot_be_asked(void **state)
{
	CLEANUP(fd_closep) int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(inlet_open(file), STATUS_IO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_piece_has_its_writer),
		TEST(nothing_there_and_the_end_are_told_apart),
		TEST(bytes_of_before_have_no_writer),
		TEST(descriptors_never_come_in),
		TEST(without_credentials_they_are_closed_one_by_one),
		TEST(a_process_descriptor_is_closed_too),
		TEST(two_writers_are_two_pieces),
		cmocka_unit_test(what_is_no_socket_cannot_be_asked),
	};
	const int result = cmocka_run_group_tests(tests, NULL, NULL);

	if (result != 0 || getuid() == 0)
		return result;
	print_message("left out: two writers; needs root, to be another user\n");
	return EXIT_SKIPPED;
}
