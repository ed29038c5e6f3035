/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client socket: made by us, or handed over by systemd. It accepts and hands on; when
 * descriptors run out it waits a moment instead of spinning.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_LISTENER_H
#define ZEGEL_SERVER_LISTENER_H

#include "spec.h"
#include "util/defs.h"
#include "util/loop.h"

/* fd: takes; nonblocking and close-on-exec. */
typedef void listener_fn(void *context, int fd);

struct listener {
	struct loop *loop; /* borrows */
	const char *name;  /* borrows from the spec */
	const char *path;  /* borrows; to be removed at the end when is_ours */
	int fd;            /* owns */
	bool is_ours;
	struct loop_source source;
	struct loop_timer pause;
	uint64_t warned_ms;
	listener_fn *on_accept;
	void *context; /* borrows */
};

#define LISTENER_INIT ((struct listener){.fd = -1})

struct listener_setup {
	struct loop *loop;
	const struct listen_spec *spec; /* borrows until deinit */
	int inherited_fd;               /* takes; FD_NONE: make the socket */
	listener_fn *on_accept;
	void *context;
};

/*
 * NOT_FOUND: another agent answers at the path. IO: it cannot be made there. Both logged.
 * A socket that nobody answers at is replaced; anything else at the path is left alone.
 */
MUST_CHECK enum status listener_init(
	struct listener *listener, const struct listener_setup *setup);
/* Stops accepting; a socket of ours disappears from the file system. */
void listener_deinit(struct listener *listener);

#endif
