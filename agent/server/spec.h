/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration says of a client socket: the section `listen "name" { … }`.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_SPEC_H
#define ZEGEL_SERVER_SPEC_H

#include <sys/types.h>

#include "util/defs.h"

struct listen_spec {
	char *name; /* owns */
	char *path; /* owns; absolute, fits in sun_path */
	mode_t mode;
	bool has_group;
	gid_t group;
};

#endif
