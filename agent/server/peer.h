/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end, asked of the kernel at accept and of nobody else: user, groups
 * and security label as they were at connect, unit and program as /proc has them now.
 * docs/security.md says what each of them is worth.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_PEER_H
#define ZEGEL_SERVER_PEER_H

#include <sys/types.h>

#include "policy/policy.h"
#include "util/defs.h"

enum {
	PEER_GROUPS_MAX = 1024, /* supplementary groups; of more none is known */
	PEER_LABEL_MAX = 511,
};

struct peer {
	uid_t uid; /* effective */
	gid_t gid;
	pid_t pid;
	gid_t *groups; /* owns n_groups */
	size_t n_groups;
	char *unit;         /* owns; NULL here and below: none, or not known */
	char *exe;          /* owns */
	char *label;        /* owns */
	const char *listen; /* borrows; the name of the socket it came in by */
	bool is_unclear;    /* its process could not be asked, or is another by now */
};

#define PEER_INIT ((struct peer){.uid = (uid_t)-1, .gid = (gid_t)-1})

/* How to be sure of the process that connected. */
enum peer_sight {
	PEER_BY_KERNEL, /* SO_PEERPIDFD (Linux 6.5), else as below */
	PEER_BY_NUMBER, /* its number alone: as on Linux 6.1 */
};

/*
 * IO when the kernel does not say who it is; then nobody is served. NO_MEMORY. What else
 * cannot be known is not known, and no rule that asks for it fits.
 */
MUST_CHECK enum status peer_init(struct peer *peer, int socket, enum peer_sight sight);
void peer_deinit(struct peer *peer);

/* As the policy wants it; borrows from peer. */
struct policy_peer peer_view(const struct peer *peer);

/*
 * Whether the kernel tells users apart here: we are who it says we are. IO, logged; then
 * the agent must not run.
 */
MUST_CHECK enum status peer_check_kernel(void);

#endif
