/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a module stands where only root or we ourselves can put one: its code is about
 * to run with our rights.
 *
 * Thread: any
 */
#ifndef ZEGEL_WORKER_PLACE_H
#define ZEGEL_WORKER_PLACE_H

#include <limits.h>

#include "util/defs.h"

struct place {
	char path[PATH_MAX]; /* without symbolic links: what may be loaded */
	char why[256];       /* what is wrong with it, after BAD_FILE or NOT_FOUND */
};

/*
 * NOT_FOUND when path leads nowhere; BAD_FILE when it is not absolute, not a regular
 * file, or when it or a folder above it belongs to or may be written by others. A sticky
 * folder is fine: nobody can replace there what is another's. Does not log.
 */
MUST_CHECK enum status place_judge(const char *path, struct place *place);

#endif
