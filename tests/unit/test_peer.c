/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the kernel says is there, before and after Linux 6.5; and what a process leaves of
 * itself when it dies and another gets its number. The clients are real processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
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

#include "server/peer.h"
#include "server/peer_proc.h"
#include "util/fd.h"

enum {
	OTHER_UID = 61234,
	ANOTHER_UID = 61235,
	OTHER_GID = 61236,
	MANY_GROUPS = 500,
	EXIT_SKIPPED = 77,
};

struct world {
	char folder[32];
	struct sockaddr_un address;
	int listening;
	int accepted;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	memcpy(world->folder, "/tmp/zegel-peer-XXXXXX", 23);
	assert_non_null(mkdtemp(world->folder));
	assert_int_equal(chmod(world->folder, 0755), 0);
	world->address.sun_family = AF_UNIX;
	(void)snprintf(world->address.sun_path, sizeof(world->address.sun_path), "%s/s",
		world->folder);
	world->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	world->accepted = FD_NONE;
	assert_int_equal(
		bind(world->listening, (const struct sockaddr *)&world->address,
			sizeof(world->address)),
		0);
	assert_int_equal(chmod(world->address.sun_path, 0666), 0);
	assert_int_equal(listen(world->listening, 8), 0);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	fd_closep(&world->listening);
	fd_closep(&world->accepted);
	assert_int_equal(unlink(world->address.sun_path), 0);
	assert_int_equal(rmdir(world->folder), 0);
	free(world);
	return 0;
}

/* Whether a test was left out; then the program says so with its exit code. */
static bool *is_short(void)
{
	static bool is;

	return &is;
}

static void leave_out(const char *why)
{
	print_message("left out: %s\n", why);
	*is_short() = true;
	skip();
}

static void needs_root(void)
{
	if (getuid() != 0)
		leave_out("needs root, to be another user");
}

/* How a client appears. */
struct guise {
	uid_t uid; /* 0: as we are */
	const gid_t *groups;
	size_t n_groups;
	bool is_dead_after;
};

_Noreturn static void be_client(const struct world *world, const struct guise *guise)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (guise->uid != 0 &&
		(setgroups(guise->n_groups, guise->groups) != 0 ||
			setgid(OTHER_GID) != 0 || setuid(guise->uid) != 0))
		_exit(1);
	if (connect(fd, (const struct sockaddr *)&world->address,
		    sizeof(world->address)) != 0)
		_exit(2);
	while (!guise->is_dead_after)
		(void)pause();
	_exit(0);
}

static void end_client(pid_t child)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

/* A client that has connected; a dead one is reaped as well. */
static pid_t start_client(struct world *world, const struct guise *guise)
{
	const pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0)
		be_client(world, guise);
	if (guise->is_dead_after) {
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	world->accepted = accept4(world->listening, NULL, NULL, SOCK_CLOEXEC);
	assert_true(world->accepted >= 0);
	return child;
}

static void same_for_each_sight(struct world *world, enum peer_sight sight)
{
	CLEANUP(peer_deinit) struct peer peer = PEER_INIT;
	const pid_t child = start_client(world, &(struct guise){.uid = 0});
	struct policy_peer view;
	char exe[PEER_PROC_EXE_MAX + 1] = "";

	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_int_equal(peer_init(&peer, world->accepted, sight), STATUS_OK);
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.gid, getgid());
	assert_int_equal(peer.pid, child);
	assert_false(peer.is_unclear);
	view = peer_view(&peer);
	assert_string_equal(view.exe, exe);
	assert_string_equal(view.listen, "");
	peer.listen = "some";
	assert_string_equal(peer_view(&peer).listen, "some");
	end_client(child);
}

static void the_kernel_says_who_connects(void **state)
{
	same_for_each_sight(*state, PEER_BY_KERNEL);
}

static void an_old_kernel_says_it_too(void **state)
{
	same_for_each_sight(*state, PEER_BY_NUMBER);
}

static void groups_are_those_of_the_moment_of_connect(void **state)
{
	CLEANUP(peer_deinit) struct peer peer = PEER_INIT;
	gid_t groups[MANY_GROUPS];
	struct world *world = *state;
	pid_t child;

	needs_root();
	for (gid_t i = 0; i < MANY_GROUPS; i++)
		groups[i] = 70000 + i;
	child = start_client(world,
		&(struct guise){
			.uid = OTHER_UID, .groups = groups, .n_groups = MANY_GROUPS});
	assert_int_equal(peer_init(&peer, world->accepted, PEER_BY_KERNEL), STATUS_OK);
	assert_int_equal(peer.uid, OTHER_UID);
	assert_int_equal(peer.gid, OTHER_GID);
	assert_int_equal(peer.n_groups, MANY_GROUPS);
	assert_memory_equal(peer.groups, groups, sizeof(groups));
	assert_ptr_equal(peer_view(&peer).groups, peer.groups);
	end_client(child);
}

static void a_few_groups_are_known(void **state)
{
	CLEANUP(peer_deinit) struct peer peer = PEER_INIT;
	const gid_t groups[] = {70001, 70002};
	struct world *world = *state;
	pid_t child;

	needs_root();
	child = start_client(world,
		&(struct guise){.uid = OTHER_UID, .groups = groups, .n_groups = 2});
	assert_int_equal(peer_init(&peer, world->accepted, PEER_BY_KERNEL), STATUS_OK);
	assert_int_equal(peer.n_groups, 2);
	assert_memory_equal(peer.groups, groups, sizeof(groups));
	end_client(child);
}

static void of_too_many_groups_none_is_known(void **state)
{
	CLEANUP(peer_deinit) struct peer peer = PEER_INIT;
	gid_t groups[PEER_GROUPS_MAX + 1];
	struct world *world = *state;
	pid_t child;

	needs_root();
	for (gid_t i = 0; i <= PEER_GROUPS_MAX; i++)
		groups[i] = 70000 + i;
	child = start_client(world, &(struct guise){.uid = OTHER_UID,
					    .groups = groups,
					    .n_groups = PEER_GROUPS_MAX + 1});
	assert_int_equal(peer_init(&peer, world->accepted, PEER_BY_KERNEL), STATUS_OK);
	assert_int_equal(peer.uid, OTHER_UID);
	assert_int_equal(peer.n_groups, 0);
	end_client(child);
}

static void of_the_dead_only_the_user_is_known(void **state)
{
	struct world *world = *state;

	for (enum peer_sight sight = PEER_BY_KERNEL; sight <= PEER_BY_NUMBER; sight++) {
		CLEANUP(peer_deinit) struct peer peer = PEER_INIT;

		(void)start_client(world, &(struct guise){.is_dead_after = true});
		assert_int_equal(peer_init(&peer, world->accepted, sight), STATUS_OK);
		assert_true(peer.is_unclear);
		assert_int_equal(peer.uid, getuid());
		assert_string_equal(peer_view(&peer).unit, "");
		assert_string_equal(peer_view(&peer).exe, "");
		fd_closep(&world->accepted);
	}
}

/* A process of that user with that number; -1 when somebody else has it. */
static pid_t start_with_number(pid_t number, uid_t uid)
{
	pid_t wanted[1] = {number};
	struct clone_args arguments = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)wanted,
		.set_tid_size = 1,
	};
	const long child = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (child == 0) {
		if (setuid(uid) != 0)
			_exit(1);
		for (;;)
			(void)pause();
	}
	return (pid_t)child;
}

/* A client that died, and another process that has its number now. */
static pid_t start_successor(struct world *world, uid_t uid)
{
	for (int i = 0; i < 20; i++) {
		const pid_t dead = start_client(world,
			&(struct guise){.uid = OTHER_UID, .is_dead_after = true});
		const pid_t successor = start_with_number(dead, uid);

		if (successor == dead)
			return successor;
		if (errno == EPERM || errno == ENOSYS)
			break;
		fd_closep(&world->accepted);
	}
	print_message(
		"cannot give a process a number of choice: %s\n", strerror(errno));
	skip();
	return -1;
}

/* Waits until it is the user that it shall be. */
static void wait_for_user(pid_t child, uid_t uid)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
	for (int i = 0; i < 5000; i++) {
		char text[4096] = "";
		char wanted[64];
		CLEANUP(fd_closep) int fd = FD_NONE;

		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
		(void)snprintf(wanted, sizeof(wanted), "Uid:\t%u\t%u\t",
			(unsigned int)uid, (unsigned int)uid);
		if (strstr(text, wanted) != NULL)
			return;
		(void)usleep(1000);
	}
	fail_msg("it did not become user %u", (unsigned int)uid);
}

static void a_successor_of_another_user_lends_nothing(void **state)
{
	struct world *world = *state;
	pid_t successor;

	needs_root();
	successor = start_successor(world, ANOTHER_UID);
	wait_for_user(successor, ANOTHER_UID);
	for (enum peer_sight sight = PEER_BY_KERNEL; sight <= PEER_BY_NUMBER; sight++) {
		CLEANUP(peer_deinit) struct peer peer = PEER_INIT;

		assert_int_equal(peer_init(&peer, world->accepted, sight), STATUS_OK);
		assert_int_equal(peer.uid, OTHER_UID);
		assert_true(peer.is_unclear);
		assert_null(peer.exe);
	}
	end_client(successor);
}

/* What an old kernel cannot tell, and docs/security.md says so; a new one can. */
static void a_successor_of_the_same_user_is_seen_since_linux_6_5(void **state)
{
	CLEANUP(peer_deinit) struct peer new = PEER_INIT;
	CLEANUP(peer_deinit) struct peer old = PEER_INIT;
	struct world *world = *state;
	pid_t successor;
	int pidfd = FD_NONE;
	socklen_t len = sizeof(pidfd);

	needs_root();
	successor = start_successor(world, OTHER_UID);
	wait_for_user(successor, OTHER_UID);
	assert_int_equal(peer_init(&old, world->accepted, PEER_BY_NUMBER), STATUS_OK);
	assert_false(old.is_unclear);
	if (getsockopt(world->accepted, SOL_SOCKET, 77, &pidfd, &len) != 0 &&
		errno == ENOPROTOOPT) {
		end_client(successor);
		leave_out("this kernel has no SO_PEERPIDFD");
	}
	fd_closep(&pidfd);
	assert_int_equal(peer_init(&new, world->accepted, PEER_BY_KERNEL), STATUS_OK);
	assert_true(new.is_unclear);
	end_client(successor);
}

static void what_is_no_socket_is_nobody(void **state)
{
	struct peer peer = PEER_INIT;
	CLEANUP(fd_closep) int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(peer.uid, (uid_t)-1);
	assert_int_equal(peer_init(&peer, file, PEER_BY_KERNEL), STATUS_IO);
	assert_int_equal(peer.uid, (uid_t)-1);
	assert_int_equal(peer_view(&peer).uid, (uid_t)-1);
}

static void the_kernel_knows_us(void **state)
{
	(void)state;
	assert_int_equal(peer_check_kernel(), STATUS_OK);
}

static void to_be_nobody_is_refused(void **state)
{
	pid_t child;
	int status = 0;

	(void)state;
	needs_root();
	child = fork();
	if (child == 0) {
		(void)close(STDERR_FILENO);
		if (setuid(65534) != 0)
			_exit(2);
		_exit(peer_check_kernel() == STATUS_IO ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_kernel_says_who_connects),
		TEST(an_old_kernel_says_it_too),
		TEST(groups_are_those_of_the_moment_of_connect),
		TEST(a_few_groups_are_known),
		TEST(of_too_many_groups_none_is_known),
		TEST(of_the_dead_only_the_user_is_known),
		TEST(a_successor_of_another_user_lends_nothing),
		TEST(a_successor_of_the_same_user_is_seen_since_linux_6_5),
		cmocka_unit_test(what_is_no_socket_is_nobody),
		cmocka_unit_test(the_kernel_knows_us),
		cmocka_unit_test(to_be_nobody_is_refused),
	};

	const int result = cmocka_run_group_tests(tests, NULL, NULL);

	return result == 0 && *is_short() ? EXIT_SKIPPED : result;
}
