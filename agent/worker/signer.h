/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signing threads. The first one brings everything up; each starts the next when its
 * own session stands, so that sessions are opened one after another (modules race in
 * C_OpenSession), and then receives its own jobs: no lock near a signature.
 *
 * Thread: signer_start() main
 */
#ifndef ZEGEL_WORKER_SIGNER_H
#define ZEGEL_WORKER_SIGNER_H

#include "worker.h"

/* Starts the first; worker stays until the process ends. NO_MEMORY. */
MUST_CHECK enum status signer_start(struct worker *worker);

#endif
