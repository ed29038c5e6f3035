/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a connection is made, and whether the server may be told anything. Whoever can
 * make a socket at the agent's path would hear the claims of our application, so the
 * kernel is asked who listens there before the first byte is sent.
 */
#include "internal.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	PASSWD_MIN = 1024,
	PASSWD_MAX = 65536, /* bytes of one entry of the user database */
};

static const char agent_user[] = "zegel";

void connect_closep(int *fd)
{
	if (*fd != FD_NONE)
		(void)close(*fd);
	*fd = FD_NONE;
}

bool connect_find_agent_uid(uid_t *out)
{
	for (size_t room = PASSWD_MIN; room <= PASSWD_MAX; room *= 4) {
		CLEANUP(freep) char *texts = malloc(room);
		struct passwd entry;
		struct passwd *found = NULL;

		if (texts == NULL)
			return false;
		if (getpwnam_r(agent_user, &entry, texts, room, &found) == ERANGE)
			continue;
		if (found == NULL)
			return false;
		*out = found->pw_uid;
		return true;
	}
	return false;
}

/* The credentials are of the process that called listen(): under systemd that is root. */
static enum zegel_status check_server(const struct call *call, int fd)
{
	const struct zegel *zegel = call->zegel;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return error_set_errno(call->error, ZEGEL_UNAVAILABLE,
			"cannot ask who listens at the agent's socket");
	if (peer.uid == 0 || peer.uid == geteuid())
		return ZEGEL_OK;
	if (zegel->has_agent_uid && peer.uid == zegel->agent_uid)
		return ZEGEL_OK;
	return error_set(call->error, ZEGEL_UNAVAILABLE,
		"uid %u listens at %s; expected root, zegel or uid %u, so nothing was "
		"sent",
		(unsigned)peer.uid, zegel->address.sun_path, (unsigned)geteuid());
}

static enum zegel_status explain_refusal(const struct call *call, int number)
{
	const char *const path = call->zegel->address.sun_path;
	char room[128];

	switch (number) {
	case ENOENT:
	case ENOTDIR:
		return error_set(call->error, ZEGEL_UNAVAILABLE,
			"no agent at %s: is zegeld running, and is ZEGEL_SOCKET right?",
			path);
	case ECONNREFUSED:
		return error_set(call->error, ZEGEL_UNAVAILABLE,
			"nobody listens at %s: is zegeld running?", path);
	case EACCES:
	case EPERM:
		return error_set(call->error, ZEGEL_DENIED,
			"uid %u may not connect to %s: is it in the group "
			"zegel-clients?",
			(unsigned)geteuid(), path);
	default:
		return error_set(call->error, ZEGEL_UNAVAILABLE,
			"cannot connect to %s: %s", path,
			strerror_r(number, room, sizeof(room)));
	}
}

/*
 * connect() on a Unix socket ends at once, except when the accept queue is full: then a
 * blocking one waits in the kernel's line for as long as SO_SNDTIMEO says. A
 * non-blocking one could only ask again and again.
 */
static enum zegel_status connect_in_time(const struct call *call, int fd)
{
	const struct sockaddr_un *address = &call->zegel->address;
	uint32_t left;

	while ((left = deadline_left_ms(call->deadline_ms)) > 0) {
		const struct timeval wait = {
			.tv_sec = (time_t)(left / 1000),
			.tv_usec = (suseconds_t)(left % 1000 * 1000),
		};

		if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0)
			return error_set_errno(call->error, ZEGEL_INTERNAL,
				"cannot set the time to connect");
		if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) ==
			0)
			return ZEGEL_OK;
		if (errno != EAGAIN && errno != EINTR)
			return explain_refusal(call, errno);
	}
	return error_set(call->error, ZEGEL_TIMEOUT,
		"the agent at %s did not accept a connection within %u ms",
		address->sun_path, (unsigned)call->zegel->timeout_ms);
}

enum zegel_status connect_open(struct call *call, int *out)
{
	CLEANUP(connect_closep)
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set_errno(
			call->error, ZEGEL_UNAVAILABLE, "cannot make a socket");
	TRY(connect_in_time(call, fd));
	TRY(check_server(call, fd));
	*out = fd;
	fd = FD_NONE;
	return ZEGEL_OK;
}
