/* SPDX-License-Identifier: Apache-2.0 */
/* Where a socket may be made, what is left alone, and what is accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/listener.h"
#include "util/fd.h"

struct world {
	char folder[32];
	char path[64];
	struct listen_spec spec;
	struct loop *loop;
	struct listener listener;
	int accepted;
};

static void on_accept(void *context, int fd)
{
	struct world *world = context;

	world->accepted = fd;
	loop_stop(world->loop);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	memcpy(world->folder, "/tmp/zegel-listen-XXXXXX", 25);
	assert_non_null(mkdtemp(world->folder));
	(void)snprintf(world->path, sizeof(world->path), "%s/z.sock", world->folder);
	world->spec = (struct listen_spec){
		.name = world->folder, .path = world->path, .mode = 0620};
	world->listener = LISTENER_INIT;
	world->accepted = FD_NONE;
	assert_int_equal(loop_new(&world->loop), STATUS_OK);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	listener_deinit(&world->listener);
	loop_freep(&world->loop);
	fd_closep(&world->accepted);
	(void)unlink(world->path);
	assert_int_equal(rmdir(world->folder), 0);
	free(world);
	return 0;
}

static enum status listen_in(struct world *world, struct listener *listener)
{
	const struct listener_setup setup = {
		.loop = world->loop,
		.spec = &world->spec,
		.inherited_fd = FD_NONE,
		.on_accept = on_accept,
		.context = world,
	};

	return listener_init(listener, &setup);
}

static int connect_to(const char *path)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(
		connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void a_socket_has_its_mode_from_the_start(void **state)
{
	struct world *world = *state;
	struct stat facts;

	assert_int_equal(listen_in(world, &world->listener), STATUS_OK);
	assert_int_equal(stat(world->path, &facts), 0);
	assert_int_equal(facts.st_mode & 07777, 0620);
	listener_deinit(&world->listener);
	assert_int_not_equal(stat(world->path, &facts), 0);
}

static void a_living_agents_socket_is_left_alone(void **state)
{
	struct world *world = *state;
	struct listener second = LISTENER_INIT;

	assert_int_equal(listen_in(world, &world->listener), STATUS_OK);
	assert_int_equal(listen_in(world, &second), STATUS_NOT_FOUND);
	assert_int_equal(access(world->path, F_OK), 0);
}

static void a_dead_agents_socket_is_replaced(void **state)
{
	struct world *world = *state;
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", world->path);
	assert_int_equal(
		bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(listen_in(world, &world->listener), STATUS_OK);
}

static void another_file_at_the_path_is_left_alone(void **state)
{
	struct world *world = *state;
	CLEANUP(fd_closep) int file = open(world->path, O_CREAT | O_WRONLY, 0600);

	assert_true(file >= 0);
	assert_int_equal(listen_in(world, &world->listener), STATUS_IO);
	assert_int_equal(access(world->path, F_OK), 0);
}

static void what_is_accepted_waits_for_nobody(void **state)
{
	struct world *world = *state;
	CLEANUP(fd_closep) int client = FD_NONE;
	int has_credentials = 0;
	socklen_t len = sizeof(has_credentials);

	assert_int_equal(listen_in(world, &world->listener), STATUS_OK);
	client = connect_to(world->path);
	assert_int_equal(loop_run(world->loop), STATUS_OK);
	assert_int_not_equal(fcntl(world->accepted, F_GETFD) & FD_CLOEXEC, 0);
	assert_int_not_equal(fcntl(world->accepted, F_GETFL) & O_NONBLOCK, 0);
	/* Of each writer the kernel says who he is, from the first byte. */
	assert_int_equal(getsockopt(world->accepted, SOL_SOCKET, SO_PASSCRED,
				 &has_credentials, &len),
		0);
	assert_int_equal(has_credentials, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_socket_has_its_mode_from_the_start),
		TEST(a_living_agents_socket_is_left_alone),
		TEST(a_dead_agents_socket_is_replaced),
		TEST(another_file_at_the_path_is_left_alone),
		TEST(what_is_accepted_waits_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
