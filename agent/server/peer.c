/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer_proc.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/text.h"

enum {
	PEER_SO_PEERPIDFD = 77, /* Linux 6.5; Debian 12's headers do not know it */
	GROUPS_FIRST = 64,      /* tried first, without asking how many there are */
	UID_NOBODY = 65534,     /* who has no name here: the kernel's overflow uid */
};

void peer_deinit(struct peer *peer)
{
	freep(&peer->groups);
	freep(&peer->unit);
	freep(&peer->exe);
	freep(&peer->label);
	*peer = PEER_INIT;
}

static enum status read_credentials(struct peer *peer, int socket)
{
	struct ucred who = {.uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t len = sizeof(who);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 ||
		len != sizeof(who) || who.uid == (uid_t)-1 || who.pid <= 0) {
		log_event(LOG_WARN, "cannot tell who connects", "why=\"%s\"",
			strerror(errno));
		return STATUS_IO;
	}
	peer->uid = who.uid;
	peer->gid = who.gid;
	peer->pid = who.pid;
	return STATUS_OK;
}

/* NOT_FOUND: the kernel does not say. ERANGE tells how many there are. */
static enum status ask_groups(int socket, gid_t *groups, size_t *n_groups)
{
	socklen_t len = (socklen_t)(*n_groups * sizeof(*groups));
	const int result = getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &len);

	if (result != 0 && errno != ERANGE)
		return STATUS_NOT_FOUND;
	*n_groups = len / sizeof(*groups);
	return result == 0 ? STATUS_OK : STATUS_BUSY;
}

static enum status read_groups(struct peer *peer, int socket)
{
	gid_t few[GROUPS_FIRST];
	size_t n = ARRAY_LEN(few);
	const enum status status = ask_groups(socket, few, &n);

	if (status == STATUS_NOT_FOUND || n == 0)
		return STATUS_OK;
	if (n > PEER_GROUPS_MAX) {
		log_event(LOG_WARN, "peer is in too many groups; none counts",
			"uid=%u groups=%zu max=%d", (unsigned int)peer->uid, n,
			PEER_GROUPS_MAX);
		return STATUS_OK;
	}
	peer->groups = calloc(n, sizeof(*peer->groups));
	if (peer->groups == NULL)
		return STATUS_NO_MEMORY;
	if (status == STATUS_OK)
		memcpy(peer->groups, few, n * sizeof(*peer->groups));
	else if (ask_groups(socket, peer->groups, &n) != STATUS_OK)
		n = 0;
	peer->n_groups = n;
	return STATUS_OK;
}

/* "" is not kept. */
static enum status keep(const char *text, char **out)
{
	if (text[0] == '\0')
		return STATUS_OK;
	return text_copy(bytes_from_text(text), out);
}

/* SELinux ends it in a NUL, AppArmor does not. */
static enum status read_label(struct peer *peer, int socket)
{
	char label[PEER_LABEL_MAX + 1];
	socklen_t len = PEER_LABEL_MAX;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERSEC, label, &len) != 0)
		return STATUS_OK;
	label[len] = '\0';
	for (const char *c = label; *c != '\0'; c++) {
		if (*c < 0x20 || *c >= 0x7f)
			return STATUS_OK;
	}
	return keep(label, &peer->label);
}

/* What /proc says of the process that connected. */
static enum status ask_process(const struct peer *peer, int socket,
	enum peer_sight sight, struct peer_proc *out)
{
	CLEANUP(fd_closep) int pidfd = FD_NONE;
	socklen_t len = sizeof(pidfd);

	if (sight == PEER_BY_KERNEL &&
		getsockopt(socket, SOL_SOCKET, PEER_SO_PEERPIDFD, &pidfd, &len) == 0)
		return peer_proc_read(peer->pid, pidfd, out);
	if (sight == PEER_BY_KERNEL && errno != ENOPROTOOPT)
		return STATUS_NOT_FOUND;
	return peer_proc_read_by_number(peer->pid, peer->uid, out);
}

static enum status read_process(struct peer *peer, int socket, enum peer_sight sight)
{
	struct peer_proc facts;

	peer->is_unclear = ask_process(peer, socket, sight, &facts) != STATUS_OK;
	if (peer->is_unclear)
		return STATUS_OK;
	TRY(keep(facts.unit, &peer->unit));
	return keep(facts.exe, &peer->exe);
}

enum status peer_init(struct peer *peer, int socket, enum peer_sight sight)
{
	CLEANUP(peer_deinit) struct peer found = PEER_INIT;

	TRY(read_credentials(&found, socket));
	TRY(read_groups(&found, socket));
	TRY(read_label(&found, socket));
	TRY(read_process(&found, socket, sight));
	*peer = found;
	found = PEER_INIT;
	return STATUS_OK;
}

struct policy_peer peer_view(const struct peer *peer)
{
	return (struct policy_peer){
		.uid = peer->uid,
		.gid = peer->gid,
		.groups = peer->groups,
		.n_groups = peer->n_groups,
		.unit = peer->unit == NULL ? "" : peer->unit,
		.exe = peer->exe == NULL ? "" : peer->exe,
		.label = peer->label == NULL ? "" : peer->label,
		.listen = peer->listen == NULL ? "" : peer->listen,
	};
}

enum status peer_check_kernel(void)
{
	CLEANUP(peer_deinit) struct peer ourselves = PEER_INIT;
	CLEANUP(fd_closep) int near = FD_NONE;
	CLEANUP(fd_closep) int far = FD_NONE;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		log_event(LOG_ERR, "cannot ask the kernel who is who", "why=\"%s\"",
			strerror(errno));
		return STATUS_IO;
	}
	near = pair[0];
	far = pair[1];
	TRY(read_credentials(&ourselves, near));
	if (ourselves.uid != geteuid() || ourselves.uid == UID_NOBODY) {
		log_event(LOG_ERR,
			"the kernel does not tell users apart here: run outside of a "
			"user namespace (PrivateUsers=no), and not as nobody",
			"we_are=%u it_says=%u", (unsigned int)geteuid(),
			(unsigned int)ourselves.uid);
		return STATUS_IO;
	}
	if (!peer_proc_can_see_others())
		log_event(LOG_NOTICE,
			"/proc hides the processes of other users: no rule with unit "
			"or "
			"exe fits anybody",
			"hint=\"ProtectProc=default, no hidepid\"");
	return STATUS_OK;
}
