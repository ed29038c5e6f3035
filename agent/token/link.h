/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to a worker: spawned over a socketpair when the broker runs by hand, reached
 * over its socket when systemd starts workers. That is the only difference between the
 * two; the end of either shows as end-of-file on the socket.
 *
 * Thread: main
 */
#ifndef ZEGEL_TOKEN_LINK_H
#define ZEGEL_TOKEN_LINK_H

#include "job.h"
#include "util/defs.h"
#include "util/loop.h"

enum link_mode {
	LINK_SPAWN,   /* zegeld --foreground: posix_spawn of zegel-token */
	LINK_CONNECT, /* under systemd: /run/zegel-token/NAME.sock */
};

struct link {
	int fd;    /* owns; FD_NONE when there is no worker */
	int pidfd; /* owns; FD_NONE when connected */
};

#define LINK_INIT ((struct link){.fd = -1, .pidfd = -1})

/* A new worker for the token of that name; TOKEN_GONE when there is none to be had. */
MUST_CHECK enum status link_open(
	struct link *link, enum link_mode mode, const char *name);
/*
 * Closes the socket, which is the order to end, and kills a worker of our own. Its end is
 * waited for by whoever has SIGCHLD: nothing blocks here.
 */
void link_close(struct link *link);

/*
 * Sends one message; pin_fd goes with it unless FD_NONE. BUSY when the worker does not
 * read at the moment, TOKEN_GONE when it is no more.
 */
MUST_CHECK enum status link_send(
	const struct link *link, const union job_message *message, int pin_fd);
/* Receives one whole message. BUSY when there is none, TOKEN_GONE at the end or when the
 * worker says what it may not. */
MUST_CHECK enum status link_receive(const struct link *link, union job_message *out);

#endif
