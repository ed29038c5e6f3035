/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any error of C_Login counts as a refusal, because modules report a wrong PIN as
 * anything; only a device that is away cannot have seen the PIN.
 */
#include "login.h"

#include "channel.h"
#include "ckr.h"
#include "util/fd.h"
#include "util/secret.h"

static enum status report(
	const struct worker *worker, enum job_outcome outcome, CK_RV rv)
{
	const union job_message message = {.logged_in = {
						   .head = {JOB_LOGGED_IN, JOB_LAYOUT},
						   .outcome = outcome,
						   .rv = rv,
					   }};

	channel_send(worker->fd, &message);
	switch (outcome) {
	case JOB_DONE:
		return STATUS_OK;
	case JOB_GONE:
		return STATUS_TOKEN_GONE;
	case JOB_REFUSED:
	case JOB_SKIPPED:
	case JOB_BROKEN:
		break;
	}
	return STATUS_LOCKED;
}

/* may: what the broker says. BAD_MESSAGE when it says something else. */
static enum status ask(const struct worker *worker, bool *may)
{
	union job_message message = {
		.may_login = {.head = {JOB_MAY_LOGIN, JOB_LAYOUT}}};

	channel_send(worker->fd, &message);
	TRY(channel_receive(worker->fd, &message, NULL));
	if (message.head.kind != JOB_LOGIN)
		return STATUS_BAD_MESSAGE;
	*may = message.login.may_login != 0;
	return STATUS_OK;
}

static enum status call(struct worker *worker, const struct session *session, CK_RV *rv)
{
	CLEANUP(secret_deinit) struct secret pin = SECRET_INIT;

	if (secret_read(&pin, worker->pin_fd) != STATUS_OK)
		return STATUS_TOKEN_FAILED;
	fd_closep(&worker->pin_fd);
	watch_begin(&worker->watch, 0, "C_Login");
	*rv = worker->module->C_Login(session->handle, CKU_USER, pin.p, pin.len);
	watch_end(&worker->watch, 0);
	return STATUS_OK;
}

enum status login_try(struct worker *worker, const struct session *session)
{
	const CK_FLAGS flags = worker->slot.info.flags;
	bool may = false;
	CK_RV rv = CKR_OK;

	if (worker->open.has_pin == 0)
		return STATUS_OK;
	if ((flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) != 0)
		return report(worker, JOB_SKIPPED, CKR_OK);
	TRY(ask(worker, &may));
	if (!may)
		return report(worker, JOB_SKIPPED, CKR_OK);
	TRY(call(worker, session, &rv));
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return report(worker, JOB_DONE, rv);
	return report(worker, ckr_is_removed(rv) ? JOB_GONE : JOB_REFUSED, rv);
}
