/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each of our programs does first, and how they find each other.
 *
 * Thread: any, before others start
 */
#ifndef ZEGEL_UTIL_PROGRAM_H
#define ZEGEL_UTIL_PROGRAM_H

#include "defs.h"

/*
 * No core dumps, not dumpable, no new privileges, umask 077, SIGPIPE and SIGXFSZ
 * ignored (a write says so too), and descriptors 0 to 2 open.
 */
MUST_CHECK enum status program_harden(void);

/*
 * The path of another of our programs: beside this one (build tree), else in the libexec
 * folder it was configured with. NOT_FOUND when it is in neither. gives
 */
MUST_CHECK enum status program_find(const char *name, char **out);

#endif
