/* SPDX-License-Identifier: Apache-2.0 */
#include "signer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <p11-kit/p11-kit.h>

#include "channel.h"
#include "ckr.h"
#include "login.h"
#include "session.h"
#include "sign.h"
#include "util/fd.h"

enum {
	DOUBTS_MAX = 2, /* errors in a row that may be the module's end */
};

struct signer {
	struct worker *worker; /* borrows until the process ends */
	uint32_t index;
	uint32_t n_doubts;
	struct session session;
	union job_message in;
	union job_message out;
};

/* The last word of the process. */
static _Noreturn void give_up(const struct worker *worker, enum job_outcome outcome,
	const struct module_trouble *trouble)
{
	struct token_failed failed = {
		.head = {JOB_FAILED, JOB_LAYOUT},
		.outcome = outcome,
		.rv = trouble->rv,
	};

	(void)snprintf(failed.call, sizeof(failed.call), "%s", trouble->call);
	(void)snprintf(failed.text, sizeof(failed.text), "%s", trouble->text);
	watch_give_up(worker->fd, &failed);
}

static _Noreturn void give_up_call(
	const struct worker *worker, const char *call, CK_RV rv)
{
	struct module_trouble trouble = {.call = call, .rv = rv};

	if (rv != CKR_OK)
		(void)snprintf(
			trouble.text, sizeof(trouble.text), "%s", p11_kit_strerror(rv));
	give_up(worker, ckr_is_gone(rv) ? JOB_GONE : JOB_BROKEN, &trouble);
}

static void report_found(const struct worker *worker)
{
	const CK_TOKEN_INFO *info = &worker->slot.info;
	union job_message message = {
		.found = {
			.head = {JOB_FOUND, JOB_LAYOUT},
			.has_login_required = (info->flags & CKF_LOGIN_REQUIRED) != 0,
			.is_pin_count_low = (info->flags & CKF_USER_PIN_COUNT_LOW) != 0,
			.is_pin_final_try = (info->flags & CKF_USER_PIN_FINAL_TRY) != 0,
			.is_pin_locked = (info->flags & CKF_USER_PIN_LOCKED) != 0,
		}};
	struct token_found *found = &message.found;

	slot_trim(info->label, sizeof(info->label), found->label);
	slot_trim(info->serialNumber, sizeof(info->serialNumber), found->serial);
	slot_trim(info->model, sizeof(info->model), found->model);
	slot_trim(info->manufacturerID, sizeof(info->manufacturerID),
		found->manufacturer);
	channel_send(worker->fd, &message);
}

static void report_session(
	const struct worker *worker, uint32_t index, enum job_outcome outcome, CK_RV rv)
{
	const union job_message message = {.session_up = {
						   .head = {JOB_SESSION_UP, JOB_LAYOUT},
						   .session_id = index,
						   .outcome = outcome,
						   .rv = rv,
					   }};

	channel_send(worker->fd, &message);
}

static void load(struct worker *worker)
{
	struct module_trouble trouble;
	enum status status;

	watch_begin(&worker->watch, 0, "loading and C_Initialize");
	status = module_load(worker->open.module, &trouble, &worker->module);
	watch_end(&worker->watch, 0);
	if (status != STATUS_OK)
		give_up(worker, JOB_BROKEN, &trouble);
	watch_begin(&worker->watch, 0, "finding the token");
	status = slot_find(worker->module, worker->open.uri, &trouble, &worker->slot);
	watch_end(&worker->watch, 0);
	if (status != STATUS_OK)
		give_up(worker, status == STATUS_NOT_FOUND ? JOB_GONE : JOB_BROKEN,
			&trouble);
	report_found(worker);
}

/* Whether there is a session to sign in; else this thread is done. */
static bool bring_up_first(struct signer *signer)
{
	struct worker *worker = signer->worker;
	CK_RV rv = CKR_OK;
	enum status status;

	load(worker);
	if (session_open(worker, 0, &signer->session, &rv) != STATUS_OK)
		give_up_call(worker, "C_OpenSession", rv);
	status = login_try(worker, &signer->session);
	/* The broker knows why, and decides. We wait for it to end us. */
	if (status == STATUS_LOCKED) {
		fd_closep(&worker->pin_fd);
		return false;
	}
	if (status == STATUS_TOKEN_FAILED)
		give_up_call(worker, "read PIN", CKR_OK);
	if (status == STATUS_TOKEN_GONE)
		give_up_call(worker, "C_Login", CKR_TOKEN_NOT_PRESENT);
	if (status != STATUS_OK)
		_exit(status == STATUS_NO_AGENT ? 0 : status_exit(status));
	session_report_keys(worker, 0, &signer->session);
	return true;
}

static bool bring_up_next(struct signer *signer)
{
	struct worker *worker = signer->worker;
	CK_RV rv = CKR_OK;

	if (session_open(worker, signer->index, &signer->session, &rv) == STATUS_OK &&
		session_find_keys(worker, signer->index, &signer->session) == STATUS_OK)
		return true;
	report_session(worker, signer->index, JOB_BROKEN, rv);
	return false;
}

/* After an answer that was not good: another session, or another process. */
static void recover(struct signer *signer, const struct token_result *result)
{
	struct worker *worker = signer->worker;
	CK_RV rv = result->rv;
	bool is_end = false;

	switch (ckr_class(rv)) {
	case CKR_CLASS_CALL:
		return;
	case CKR_CLASS_SESSION:
		is_end = session_renew(worker, signer->index, &signer->session, &rv) !=
			 STATUS_OK;
		break;
	case CKR_CLASS_DOUBT:
		is_end = ++signer->n_doubts >= DOUBTS_MAX;
		break;
	case CKR_CLASS_PROCESS:
		is_end = true;
		break;
	}
	if (!is_end)
		return;
	channel_send_now(worker->fd, &signer->out);
	give_up_call(worker, "C_Sign", result->rv);
}

static _Noreturn void serve(struct signer *signer)
{
	struct worker *worker = signer->worker;

	for (;;) {
		struct token_result *result = &signer->out.result;
		const enum status status =
			channel_receive(worker->fd, &signer->in, NULL);

		if (status == STATUS_NO_AGENT)
			_exit(0);
		if (status != STATUS_OK || signer->in.head.kind != JOB_SIGN)
			_exit(status_exit(STATUS_BAD_MESSAGE));
		sign_job(worker, signer->index, &signer->session, &signer->in.job,
			result);
		result->session_id = signer->index;
		/* Mended before it is told: whoever is told may send the next job. */
		if (result->outcome == JOB_DONE)
			signer->n_doubts = 0;
		else
			recover(signer, result);
		channel_send(worker->fd, &signer->out);
	}
}

static enum status start(struct worker *worker, uint32_t index);

static void *run(void *argument)
{
	struct signer *signer = argument;
	struct worker *worker = signer->worker;
	const uint32_t next = signer->index + 1;

	if (signer->index == 0 ? !bring_up_first(signer) : !bring_up_next(signer)) {
		free(signer);
		return NULL;
	}
	report_session(worker, signer->index, JOB_DONE, CKR_OK);
	if (next < worker->open.n_sessions && start(worker, next) != STATUS_OK)
		report_session(worker, next, JOB_BROKEN, CKR_HOST_MEMORY);
	serve(signer);
}

static enum status start(struct worker *worker, uint32_t index)
{
	CLEANUP(freep) struct signer *signer = calloc(1, sizeof(*signer));
	pthread_t thread;

	if (signer == NULL)
		return STATUS_NO_MEMORY;
	signer->worker = worker;
	signer->index = index;
	if (pthread_create(&thread, NULL, run, signer) != 0)
		return STATUS_NO_MEMORY;
	(void)pthread_detach(thread);
	(void)TAKE(signer);
	return STATUS_OK;
}

enum status signer_start(struct worker *worker)
{
	return start(worker, 0);
}
