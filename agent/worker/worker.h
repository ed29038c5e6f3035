/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rooms of this program share: the broker's order, and what was found for it.
 * Filled by main and then by the first signing thread; read-only before a second starts.
 *
 * Thread: see each field
 */
#ifndef ZEGEL_WORKER_WORKER_H
#define ZEGEL_WORKER_WORKER_H

#include "key.h"
#include "slot.h"
#include "token/job.h"
#include "watch.h"

struct worker {
	int fd;                    /* owns; any thread */
	int pin_fd;                /* owns; first thread, FD_NONE after the login */
	struct token_open open;    /* main */
	char (*uris)[JOB_URI_MAX]; /* owns open.n_keys; main */
	struct key *keys;          /* owns open.n_keys; first thread */
	CK_FUNCTION_LIST *module;  /* first thread */
	struct slot slot;          /* first thread */
	struct watch watch;
};

#endif
