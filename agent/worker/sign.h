/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The act itself: one C_SignInit, one C_Sign, one answer. Never a second try: the broker
 * counts the calls.
 *
 * Thread: that of the session
 */
#ifndef ZEGEL_WORKER_SIGN_H
#define ZEGEL_WORKER_SIGN_H

#include "session.h"

/* Fills result but for its session_id; what result->rv says of the rest is the caller's. */
void sign_job(struct worker *worker, uint32_t index, const struct session *session,
	const struct token_job *job, struct token_result *result);

#endif
