/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc says of a process: the systemd unit it runs in and the path of its program.
 * The kernel says it of a number, and a number may be given to another process at any
 * time; so what was read counts only if the process that a pidfd stands for lived longer
 * than the reading took.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_PEER_PROC_H
#define ZEGEL_SERVER_PEER_PROC_H

#include <sys/types.h>

#include "util/defs.h"

enum {
	PEER_PROC_UNIT_MAX = 255, /* UNIT_NAME_MAX of systemd */
	PEER_PROC_EXE_MAX = 1023,
};

struct peer_proc {
	char unit[PEER_PROC_UNIT_MAX + 1]; /* "": in none */
	char exe[PEER_PROC_EXE_MAX +
		 1]; /* "": we may not know, deleted, or not ASCII */
};

/*
 * Of the process pid that pidfd stands for. NOT_FOUND when it has ended, or when its part
 * of /proc cannot be read; then nothing is known.
 */
MUST_CHECK enum status peer_proc_read(pid_t pid, int pidfd, struct peer_proc *out);
/*
 * As before Linux 6.5: of the process that has the number now, if its user is uid.
 * NOT_FOUND also when it is not.
 */
MUST_CHECK enum status peer_proc_read_by_number(
	pid_t pid, uid_t uid, struct peer_proc *out);
/* Whether /proc shows us processes of other users; without it nobody has a unit. */
bool peer_proc_can_see_others(void);

/*
 * The unit that the manager of the system put the process in, from the text of
 * /proc/PID/cgroup; "" when there is none.
 *
 * That is the first part of the path that is no slice, as systemd itself reads it. What
 * lies below belongs to whom the unit was delegated: a user's own manager, a container.
 * They choose those names freely, also the name of somebody else's service.
 */
void peer_proc_unit_from_cgroup(
	struct bytes text, char out[static PEER_PROC_UNIT_MAX + 1]);

#endif
