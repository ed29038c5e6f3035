/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <stdio.h>
#include <string.h>

#include "channel.h"
#include "ckr.h"

enum status session_open(
	struct worker *worker, uint32_t index, struct session *session, CK_RV *rv)
{
	CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;

	watch_begin(&worker->watch, index, "C_OpenSession");
	*rv = worker->module->C_OpenSession(
		worker->slot.id, CKF_SERIAL_SESSION, NULL, NULL, &handle);
	watch_end(&worker->watch, index);
	if (*rv != CKR_OK)
		return ckr_is_gone(*rv) ? STATUS_TOKEN_GONE : STATUS_TOKEN_FAILED;
	session->handle = handle;
	return STATUS_OK;
}

static void look(struct worker *worker, uint32_t index, const struct session *session,
	uint32_t key_id, struct key *key)
{
	const struct key_place place = {
		.module = worker->module,
		.session = session->handle,
		.token = &worker->slot.info,
	};

	watch_begin(&worker->watch, index, "C_FindObjects");
	key_find(&place, worker->uris[key_id], key);
	watch_end(&worker->watch, index);
}

static void report_key(int fd, uint32_t key_id, const struct key *key)
{
	union job_message message = {.key_is = {
					     .head = {JOB_KEY_IS, JOB_LAYOUT},
					     .key_id = key_id,
					     .state = key->state,
					     .type = key->type,
					     .public_len = key->public_len,
					     .rv = key->rv,
				     }};

	(void)snprintf(message.key_is.attribute, sizeof(message.key_is.attribute), "%s",
		key->attribute);
	memcpy(message.key_is.public_key, key->public_key, key->public_len);
	channel_send(fd, &message);
}

void session_report_keys(struct worker *worker, uint32_t index, struct session *session)
{
	for (uint32_t i = 0; i < worker->open.n_keys; i++) {
		struct key *key = &worker->keys[i];

		look(worker, index, session, i, key);
		session->keys[i] =
			key->state == JOB_KEY_USABLE ? key->handle : CK_INVALID_HANDLE;
		report_key(worker->fd, i, key);
	}
}

enum status session_find_keys(
	struct worker *worker, uint32_t index, struct session *session)
{
	for (uint32_t i = 0; i < worker->open.n_keys; i++) {
		struct key key;

		session->keys[i] = CK_INVALID_HANDLE;
		if (worker->keys[i].state != JOB_KEY_USABLE)
			continue;
		look(worker, index, session, i, &key);
		if (!key_is_same(&key, &worker->keys[i]))
			return STATUS_TOKEN_GONE;
		session->keys[i] = key.handle;
	}
	return STATUS_OK;
}

enum status session_renew(
	struct worker *worker, uint32_t index, struct session *session, CK_RV *rv)
{
	const CK_SESSION_HANDLE old = session->handle;

	/* First the new, then the old: closing the last session would log us out. */
	TRY(session_open(worker, index, session, rv));
	watch_begin(&worker->watch, index, "C_CloseSession");
	(void)worker->module->C_CloseSession(old);
	watch_end(&worker->watch, index);
	return session_find_keys(worker, index, session);
}
