/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session and the handles of the keys in it. Both die together: after a token was
 * away, an old handle may name another object.
 *
 * Thread: the one that opened it
 */
#ifndef ZEGEL_WORKER_SESSION_H
#define ZEGEL_WORKER_SESSION_H

#include "worker.h"

struct session {
	CK_SESSION_HANDLE handle;
	CK_OBJECT_HANDLE keys[JOB_KEYS_MAX]; /* CK_INVALID_HANDLE: not usable */
};

/* Read-only, never logged in here. TOKEN_FAILED or TOKEN_GONE with *rv. */
MUST_CHECK enum status session_open(
	struct worker *worker, uint32_t index, struct session *session, CK_RV *rv);

/* The first look, in the first session: fills worker->keys and says JOB_KEY_IS. */
void session_report_keys(
	struct worker *worker, uint32_t index, struct session *session);

/*
 * Every later look: the same keys as the first found, or TOKEN_GONE.
 */
MUST_CHECK enum status session_find_keys(
	struct worker *worker, uint32_t index, struct session *session);

/* Another session in place of this one, without a login. */
MUST_CHECK enum status session_renew(
	struct worker *worker, uint32_t index, struct session *session, CK_RV *rv);

#endif
