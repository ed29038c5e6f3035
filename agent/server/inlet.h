/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a client with the kernel's word for who wrote them. A connected socket can be
 * handed to another process, or stay open when its own changes its user: SO_PEERCRED
 * still names the first. So the kernel puts the writer's credentials on each piece
 * (SO_PASSCRED), and never puts two writers into one.
 *
 * Descriptors that somebody pushes along are closed before anybody sees them.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_INLET_H
#define ZEGEL_SERVER_INLET_H

#include <sys/types.h>

#include "util/defs.h"

struct inlet_piece {
	size_t len;          /* 0: nothing more will come */
	bool has_descriptor; /* some were sent; all are closed */
	bool has_writer;     /* the kernel said who wrote it */
	uid_t uid;           /* real */
	pid_t pid;
};

/*
 * Credentials on and everything else off. On a listening socket before it is known:
 * what is accepted inherits it, and there is no moment without. IO.
 */
MUST_CHECK enum status inlet_open(int socket);
/* At most len bytes, without waiting. BUSY: there is nothing now. IO: it is broken. */
MUST_CHECK enum status inlet_read(
	int socket, uint8_t *room, size_t len, struct inlet_piece *out);

#endif
