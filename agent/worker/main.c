/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel-token: one process for one token, in which one vendor's module lives and may
 * crash, hang, leak and write where it likes. It speaks job.h with the broker over
 * JOB_FD and knows no client, no claim and no policy.
 *
 * Main receives the order (JOB_OPEN, then every JOB_KEY) while no foreign code is in,
 * reduces the environment, starts the first signing thread and then only watches: the
 * socket's end and the operations' deadlines. The first thread loads the module, finds
 * the token, logs in, reports the keys; every thread opens its own session, read-only.
 *
 *   no PIN in JOB_OPEN        no login; the keys are reported as they are then found
 *   final try, locked, or     JOB_LOGGED_IN with JOB_SKIPPED, then nothing more is
 *   the broker says no        done: the broker ends us
 *   C_Login fails             JOB_REFUSED likewise; JOB_GONE (device away) and the end
 *   a later session fails     JOB_SESSION_UP with why; no more are tried
 *   a signature fails         reported, never repeated (signer.c: what is mended)
 *
 * It never calls C_Finalize and always ends with _exit: 0 when the broker closed the
 * socket, 65 when the broker spoke nonsense, else after JOB_FAILED.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "environment.h"
#include "signer.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/program.h"

/* JOB_OPEN and every JOB_KEY, in order of their ids. */
static enum status receive_order(struct worker *worker)
{
	CLEANUP(freep) union job_message *message = calloc(1, sizeof(*message));

	if (message == NULL)
		return STATUS_NO_MEMORY;
	TRY(channel_receive(worker->fd, message, &worker->pin_fd));
	if (message->head.kind != JOB_OPEN ||
		(worker->pin_fd != FD_NONE) != (message->open.has_pin != 0))
		return STATUS_BAD_MESSAGE;
	worker->open = message->open;
	/* One more than needed: calloc(0) may give NULL. */
	worker->uris = calloc((size_t)worker->open.n_keys + 1, sizeof(*worker->uris));
	worker->keys = calloc((size_t)worker->open.n_keys + 1, sizeof(*worker->keys));
	if (worker->uris == NULL || worker->keys == NULL)
		return STATUS_NO_MEMORY;
	for (uint32_t i = 0; i < worker->open.n_keys; i++) {
		TRY(channel_receive(worker->fd, message, NULL));
		if (message->head.kind != JOB_KEY || message->key.key_id != i)
			return STATUS_BAD_MESSAGE;
		memcpy(worker->uris[i], message->key.uri, sizeof(worker->uris[i]));
	}
	return STATUS_OK;
}

static enum status begin(struct worker *worker)
{
	TRY(program_harden());
	TRY(channel_open(&worker->fd));
	/* What a module prints is at best for the log. */
	if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return STATUS_IO;
	TRY(receive_order(worker));
	TRY(environment_reduce(&worker->open));
	worker->watch.fd = worker->fd;
	worker->watch.deadline_ms = worker->open.deadline_ms;
	return signer_start(worker);
}

int main(void)
{
	/* Never freed: threads may use it until the last moment. */
	static struct worker worker = {.fd = FD_NONE, .pin_fd = FD_NONE};
	enum status status;

	log_init("zegel-token", LOG_INFO);
	status = begin(&worker);
	if (status == STATUS_NO_AGENT)
		_exit(0);
	if (status != STATUS_OK)
		_exit(status_exit(status));
	watch_run(&worker.watch);
}
