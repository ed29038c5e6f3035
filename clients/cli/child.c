/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"
#include "util/clock.h"

enum {
	EXIT_CANNOT_RUN = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL_BASE = 128,
	DEPTH_MAX = 32, /* of processes below a command */
	PATH_TEXT_MAX = 64,
};

static enum status fail(const char *what)
{
	say_error("sandbox", "INTERNAL", "%s: %s", what, strerror(errno));
	return STATUS_IO;
}

enum status child_signals_open(struct child_signals *signals)
{
	static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t set;

	*signals = (struct child_signals){.fd = FD_NONE};
	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		(void)sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, &signals->before) != 0)
		return fail("sigprocmask");
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals->fd < 0 ? fail("signalfd") : STATUS_OK;
}

void child_signals_close(struct child_signals *signals)
{
	fd_closep(&signals->fd);
}

static bool place_descriptor(int from, int to)
{
	return from == FD_NONE || dup2(from, to) == to;
}

static bool keep_descriptor(int fd)
{
	return fd == FD_NONE || fcntl(fd, F_SETFD, 0) == 0;
}

/* Asked before exec; if we died in between, nobody would tell the child any more. */
static bool become_servant(pid_t parent)
{
	return setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0 &&
	       getppid() == parent;
}

static bool add_environment(const char *const *environment)
{
	for (; environment != NULL && *environment != NULL; environment++) {
		char *copy = strdup(*environment);

		if (copy == NULL || putenv(copy) != 0)
			return false;
	}
	return true;
}

_Noreturn static void become(
	const struct child_spec *spec, const sigset_t *mask, pid_t parent)
{
	/* exec does not write to it; its type is older than const. */
	union {
		const char *const *borrowed;
		char *const *given;
	} argv = {.borrowed = spec->argv};
	bool is_ready = !spec->is_servant || become_servant(parent);
	int error;

	is_ready = is_ready && place_descriptor(spec->in, STDIN_FILENO) &&
		   place_descriptor(spec->out, STDOUT_FILENO) &&
		   place_descriptor(spec->err, STDERR_FILENO) &&
		   keep_descriptor(spec->keep[0]) && keep_descriptor(spec->keep[1]) &&
		   add_environment(spec->environment) &&
		   sigprocmask(SIG_SETMASK, mask, NULL) == 0;
	if (is_ready)
		(void)execvp(spec->argv[0], argv.given);
	error = errno;
	say_error("sandbox", "UNAVAILABLE", "cannot run %s: %s", spec->argv[0],
		strerror(error));
	_exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

enum status child_spawn(const struct child_spec *spec,
	const struct child_signals *signals, struct child *out)
{
	const pid_t parent = getpid();
	struct child child = CHILD_INIT;

	/* What is still in a buffer of ours would be written twice. */
	(void)fflush(NULL);
	child.pid = fork();
	if (child.pid < 0)
		return fail("fork");
	if (child.pid == 0)
		become(spec, &signals->before, parent);
	child.pidfd = pidfd_open(child.pid, 0);
	if (child.pidfd < 0) {
		const enum status status = fail("pidfd_open");

		(void)kill(child.pid, SIGKILL);
		(void)waitpid(child.pid, NULL, 0);
		return status;
	}
	*out = child;
	return STATUS_OK;
}

static bool read_signal(struct child_signals *signals)
{
	struct signalfd_siginfo info;

	if (read(signals->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	signals->caught = (int)info.ssi_signo;
	signals->is_sent = info.ssi_code <= 0;
	return true;
}

static int time_left(uint64_t end_ms)
{
	const uint64_t now_ms = clock_monotonic_ms();

	return now_ms >= end_ms ? 0 : (int)(end_ms - now_ms);
}

enum child_event child_wait(
	struct child *child, struct child_signals *signals, int timeout_ms)
{
	const uint64_t end_ms =
		clock_monotonic_ms() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms);
	struct pollfd fds[] = {{.fd = child->pidfd, .events = POLLIN},
		{.fd = signals == NULL ? FD_NONE : signals->fd, .events = POLLIN}};

	for (;;) {
		const int left = timeout_ms < 0 ? CHILD_FOR_EVER : time_left(end_ms);
		const int n = poll(fds, ARRAY_LEN(fds), left);

		/* A signal first: it says why the child is about to end. */
		if (n > 0 && fds[1].revents != 0 && read_signal(signals))
			return CHILD_SIGNALLED;
		if (n > 0 && fds[0].revents != 0)
			return CHILD_ENDED;
		if (n == 0)
			return CHILD_TIMED_OUT;
		must(n > 0 || errno == EINTR);
	}
}

int child_reap(struct child *child)
{
	int found = 0;
	pid_t reaped;

	do {
		reaped = waitpid(child->pid, &found, 0);
	} while (reaped < 0 && errno == EINTR);
	fd_closep(&child->pidfd);
	if (reaped < 0)
		return EXIT_CANNOT_RUN;
	return WIFSIGNALED(found) ? EXIT_SIGNAL_BASE + WTERMSIG(found)
				  : WEXITSTATUS(found);
}

void child_kill(const struct child *child, int signal)
{
	/* It may have ended: then there is nobody to tell. */
	(void)pidfd_send_signal(child->pidfd, signal, NULL, 0);
}

/* The children that one thread has forked, each with all below it first. */
static void kill_below_thread(const char *path, int signal, int depth);

static void kill_below(pid_t pid, int signal, int depth)
{
	char path[PATH_TEXT_MAX];
	const struct dirent *entry;
	DIR *threads;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	threads = depth < DEPTH_MAX ? opendir(path) : NULL;
	if (threads == NULL)
		return;
	while ((entry = readdir(threads)) != NULL) {
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children",
			(int)pid, entry->d_name);
		kill_below_thread(path, signal, depth);
	}
	(void)closedir(threads);
}

static void kill_below_thread(const char *path, int signal, int depth)
{
	FILE *children = fopen(path, "re");
	int pid;

	if (children == NULL)
		return;
	while (fscanf(children, "%d", &pid) == 1) {
		kill_below(pid, signal, depth + 1);
		(void)kill(pid, signal);
	}
	(void)fclose(children);
}

void child_kill_tree(const struct child *child, int signal)
{
	kill_below(child->pid, signal, 0);
	child_kill(child, signal);
}

void child_stop(struct child *child, int grace_ms)
{
	if (child->pidfd == FD_NONE)
		return;
	child_kill(child, SIGTERM);
	if (child_wait(child, NULL, grace_ms) != CHILD_ENDED)
		child_kill(child, SIGKILL);
	(void)child_reap(child);
}
