/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a vendor's module may know of where it runs.
 *
 * Thread: main, before others start
 */
#ifndef ZEGEL_WORKER_ENVIRONMENT_H
#define ZEGEL_WORKER_ENVIRONMENT_H

#include "token/job.h"

/*
 * Leaves PATH, TZ and the listed variables; OPENSSL_CONF is /dev/null unless listed, so
 * that no configured provider or engine comes into this process. NO_MEMORY.
 */
MUST_CHECK enum status environment_reduce(const struct token_open *open);

#endif
