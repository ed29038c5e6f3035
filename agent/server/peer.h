/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end, asked of the kernel at accept and of nobody else.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_PEER_H
#define ZEGEL_SERVER_PEER_H

#include <sys/types.h>

#include "util/defs.h"

struct peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	int pidfd; /* owns; FD_NONE where the kernel has no SO_PEERPIDFD (before 6.5) */
};

#define PEER_INIT ((struct peer){.uid = (uid_t)-1, .gid = (gid_t)-1, .pidfd = -1})

/* IO when the kernel does not say who it is; then nobody is served. */
MUST_CHECK enum status peer_init(struct peer *peer, int socket);
void peer_deinit(struct peer *peer);

#endif
