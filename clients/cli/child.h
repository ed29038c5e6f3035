/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that the sandbox starts, and the signals that reach it meanwhile. Both are
 * descriptors (pidfd, signalfd), so that waiting is one poll() and there is no handler.
 *
 * fork() is used, not posix_spawn(): only between fork and exec can a child ask to be
 * told of our death. This process loads no module and has one thread, so it is safe.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_CHILD_H
#define ZEGEL_CLI_CHILD_H

#include <signal.h>
#include <sys/types.h>

#include "util/defs.h"
#include "util/fd.h"

enum {
	CHILD_FOR_EVER = -1, /* a timeout that never comes */
};

/* SIGINT, SIGTERM, SIGHUP and SIGQUIT, blocked and read. */
struct child_signals {
	int fd;
	sigset_t before; /* what a child starts with */
	int caught;      /* the last signal, 0: none yet */
	bool is_sent;    /* by a process to us, not by the terminal to all of us */
};

MUST_CHECK enum status child_signals_open(struct child_signals *signals);
void child_signals_close(struct child_signals *signals);

struct child {
	pid_t pid;
	int pidfd; /* FD_NONE: there is none, or it was reaped */
};

#define CHILD_INIT ((struct child){.pidfd = FD_NONE})

struct child_spec {
	const char *const *argv;        /* argv[0] is looked for in PATH */
	const char *const *environment; /* NAME=VALUE to add, ends in NULL; or NULL */
	int in, out, err;               /* FD_NONE: ours */
	int keep[2];                    /* descriptors to leave open; FD_NONE: none */
	bool is_servant; /* its own process group, and gone when we are gone */
};

/* What a spec begins with. */
#define CHILD_SPEC_INIT                                                                \
	.in = FD_NONE, .out = FD_NONE, .err = FD_NONE, .keep = {FD_NONE, FD_NONE}

/* IO with words. A program that cannot be run shows as exit code 126 or 127, as env(1). */
MUST_CHECK enum status child_spawn(const struct child_spec *spec,
	const struct child_signals *signals, struct child *out);

enum child_event {
	CHILD_ENDED,
	CHILD_SIGNALLED, /* signals->caught is new */
	CHILD_TIMED_OUT,
};

enum child_event child_wait(
	struct child *child, struct child_signals *signals, int timeout_ms);
/* Reaps a child that ended: its exit code, or 128 + the signal that killed it. */
int child_reap(struct child *child);
void child_kill(const struct child *child, int signal);
/*
 * Also those that it started, as a terminal does: a shell that waits for a program would
 * else sit on the signal until the program ends by itself.
 */
void child_kill_tree(const struct child *child, int signal);
/* SIGTERM, SIGKILL after grace_ms, and reaps; nothing when there is no child. */
void child_stop(struct child *child, int grace_ms);

#endif
