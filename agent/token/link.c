/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/program.h"
#include "util/text.h"

#define WORKER_PROGRAM "zegel-token"
#define WORKER_SOCKETS "/run/zegel-token"

static enum status fail(const char *what, const char *name, int error)
{
	log_event(LOG_ERR, "cannot start a worker", "token=%s step=%s why=\"%s\"", name,
		what, strerror(error));
	return STATUS_TOKEN_GONE;
}

/* The variables that a worker inherits; the others come in its first message. */
static const char *const inherited[] = {"TZ=", "JOURNAL_STREAM="};

/* out: NULLs, one for each of inherited and one more; borrows from our environment. */
static void fill_environment(char **out)
{
	size_t n = 0;

	for (char **variable = environ; *variable != NULL; variable++) {
		for (size_t i = 0; i < ARRAY_LEN(inherited); i++) {
			if (strncmp(*variable, inherited[i], strlen(inherited[i])) == 0)
				out[i] = *variable;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(inherited); i++) {
		if (out[i] != NULL)
			out[n++] = out[i];
	}
	out[n] = NULL;
}

/*
 * What the child gets: its socket as JOB_FD, no standard input, the log as standard
 * error, signals as at birth, and a session of its own so that no terminal reaches it.
 */
static int spawn(const char *path, const char *name, int socket, pid_t *out)
{
	char *const arguments[] = {(char[]){WORKER_PROGRAM}, strdup(name), NULL};
	char *environment[ARRAY_LEN(inherited) + 1] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, usual;
	int error;

	if (arguments[1] == NULL)
		return ENOMEM;
	fill_environment(environment);
	(void)sigemptyset(&none);
	(void)sigemptyset(&usual);
	(void)sigaddset(&usual, SIGPIPE);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &usual);
	(void)posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	error = posix_spawn_file_actions_addopen(
		&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(
			&actions, STDERR_FILENO, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, socket, JOB_FD);
	if (error == 0)
		error = posix_spawn(
			out, path, &actions, &attributes, arguments, environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	free(arguments[1]);
	return error;
}

static enum status open_spawned(struct link *link, const char *name)
{
	CLEANUP(freep) char *path = NULL;
	CLEANUP(fd_closep) int ours = FD_NONE;
	CLEANUP(fd_closep) int theirs = FD_NONE;
	int pair[2];
	pid_t pid = 0;
	int error;

	if (program_find(WORKER_PROGRAM, &path) != STATUS_OK)
		return STATUS_TOKEN_GONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail("socketpair", name, errno);
	ours = pair[0];
	theirs = pair[1];
	if (fcntl(ours, F_SETFL, O_NONBLOCK) != 0)
		return fail("fcntl", name, errno);
	error = spawn(path, name, theirs, &pid);
	if (error != 0)
		return fail("spawn", name, error);
	link->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (link->pidfd < 0) {
		error = errno;
		(void)kill(pid, SIGKILL);
		return fail("pidfd_open", name, error);
	}
	link->fd = fd_take(&ours);
	return STATUS_OK;
}

static enum status open_connected(struct link *link, const char *name)
{
	CLEANUP(fd_closep)
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (fd < 0)
		return fail("socket", name, errno);
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		WORKER_SOCKETS "/%s.sock", name);
	/* A full queue gives EAGAIN at once: connecting to a Unix socket never waits here. */
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return fail("connect", name, errno);
	link->fd = fd_take(&fd);
	return STATUS_OK;
}

enum status link_open(struct link *link, enum link_mode mode, const char *name)
{
	must(link->fd == FD_NONE);
	switch (mode) {
	case LINK_SPAWN:
		return open_spawned(link, name);
	case LINK_CONNECT:
		return open_connected(link, name);
	}
	return STATUS_TOKEN_GONE;
}

void link_close(struct link *link)
{
	fd_closep(&link->fd);
	/* By pidfd: the number may be another's once the child has been waited for. */
	if (link->pidfd != FD_NONE)
		(void)syscall(SYS_pidfd_send_signal, link->pidfd, SIGKILL, NULL, 0);
	fd_closep(&link->pidfd);
	*link = LINK_INIT;
}

enum status link_send(
	const struct link *link, const union job_message *message, int pin_fd)
{
	struct iovec part = {.iov_len = job_length(message)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct msghdr envelope = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	memcpy(&part.iov_base, &message, sizeof(message));
	if (pin_fd != FD_NONE) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &pin_fd, sizeof(int));
		envelope.msg_control = &control;
		envelope.msg_controllen = sizeof(control.room);
	}
	do {
		n = sendmsg(link->fd, &envelope, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
		return STATUS_BUSY;
	return n == (ssize_t)part.iov_len ? STATUS_OK : STATUS_TOKEN_GONE;
}

enum status link_receive(const struct link *link, union job_message *out)
{
	ssize_t n;

	do {
		n = recv(link->fd, out, sizeof(*out), MSG_DONTWAIT | MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return STATUS_BUSY;
	if (n <= 0)
		return STATUS_TOKEN_GONE;
	if (!job_is_whole(out, (size_t)n)) {
		log_event(LOG_ERR, "a worker sent what is no message", "bytes=%zd", n);
		return STATUS_TOKEN_GONE;
	}
	return STATUS_OK;
}
