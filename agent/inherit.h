/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that systemd made (sd_listen_fds(3)): matched by name and by path, because
 * their order changes between boots and an officer's socket must never be a client's.
 *
 * Thread: main, before anything else opens a descriptor
 */
#ifndef ZEGEL_INHERIT_H
#define ZEGEL_INHERIT_H

#include "server/spec.h"
#include "util/defs.h"

/* Whether systemd handed anything over to this process. */
bool inherit_is_offered(void);

/*
 * Fills fds with a descriptor for each of n_listens; those behind the first n_needed may
 * be missing (FD_NONE). NOT_FOUND when another is missing or one belongs to no listen
 * section; logged with its name and path. The environment variables are removed. On
 * failure no descriptor is given.
 */
MUST_CHECK enum status inherit_take(
	const struct listen_spec *listens, size_t n_listens, size_t n_needed, int *fds);

#endif
