/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "util/fd.h"
#include "util/log.h"

/* Linux 6.5; Debian 12's headers do not know it. */
enum {
	PEER_SO_PEERPIDFD = 77,
};

void peer_deinit(struct peer *peer)
{
	fd_closep(&peer->pidfd);
	*peer = PEER_INIT;
}

enum status peer_init(struct peer *peer, int socket)
{
	struct ucred who = {.uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t len = sizeof(who);
	int pidfd = FD_NONE;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 ||
		len != sizeof(who) || who.uid == (uid_t)-1 || who.pid <= 0) {
		log_event(LOG_WARN, "cannot tell who connects", "why=\"%s\"",
			strerror(errno));
		return STATUS_IO;
	}
	len = sizeof(pidfd);
	if (getsockopt(socket, SOL_SOCKET, PEER_SO_PEERPIDFD, &pidfd, &len) != 0)
		pidfd = FD_NONE;
	*peer = (struct peer){
		.uid = who.uid, .gid = who.gid, .pid = who.pid, .pidfd = pidfd};
	return STATUS_OK;
}
