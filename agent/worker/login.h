/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one try with a PIN. Who may try is the broker's to say: it has written the try down
 * before it says go.
 *
 * Thread: first
 */
#ifndef ZEGEL_WORKER_LOGIN_H
#define ZEGEL_WORKER_LOGIN_H

#include "session.h"

/*
 * JOB_MAY_LOGIN, JOB_LOGIN, C_Login, JOB_LOGGED_IN. Without a PIN nothing is said or
 * done. LOCKED when it was refused or not tried; TOKEN_GONE, TOKEN_FAILED (the PIN could
 * not be read) or NO_AGENT when the process must end.
 */
MUST_CHECK enum status login_try(struct worker *worker, const struct session *session);

#endif
