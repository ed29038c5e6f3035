/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message between broker and worker: one that is whole stays within its tables. The
 * message lies in memory that is as long as what arrived, so that AddressSanitizer sees a
 * field that is read before the length was judged.
 */
#include <stdlib.h>
#include <string.h>

#include "token/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t room)
{
	must(memchr(text, '\0', room) != NULL);
}

static void check_to_worker(const union job_message *message)
{
	const struct token_open *open = &message->open;

	switch (message->head.kind) {
	case JOB_OPEN:
		must(open->n_sessions >= 1 && open->n_sessions <= JOB_SESSIONS_MAX);
		must(open->n_keys <= JOB_KEYS_MAX && open->deadline_ms > 0);
		must(open->n_environment <= JOB_ENVIRONMENT_MAX);
		check_text(open->module, sizeof(open->module));
		check_text(open->uri, sizeof(open->uri));
		for (size_t i = 0; i < JOB_ENVIRONMENT_MAX; i++)
			check_text(open->environment[i], JOB_VARIABLE_MAX);
		break;
	case JOB_KEY:
		must(message->key.key_id < JOB_KEYS_MAX);
		check_text(message->key.uri, sizeof(message->key.uri));
		break;
	case JOB_SIGN:
		must(message->job.key_id < JOB_KEYS_MAX);
		must(message->job.data_len > 0 &&
			message->job.data_len <= JOB_DATA_MAX);
		break;
	default:
		break;
	}
}

static void check_to_broker(const union job_message *message)
{
	switch (message->head.kind) {
	case JOB_FOUND:
		check_text(message->found.label, JOB_TOKEN_TEXT_MAX);
		check_text(message->found.serial, JOB_TOKEN_TEXT_MAX);
		check_text(message->found.model, JOB_TOKEN_TEXT_MAX);
		check_text(message->found.manufacturer, JOB_TOKEN_TEXT_MAX);
		break;
	case JOB_KEY_IS:
		must(message->key_is.key_id < JOB_KEYS_MAX);
		must(message->key_is.public_len <= JOB_PUBLIC_MAX);
		check_text(message->key_is.attribute, JOB_CALL_MAX);
		break;
	case JOB_SESSION_UP:
		must(message->session_up.session_id < JOB_SESSIONS_MAX);
		break;
	case JOB_SIGNED:
		must(message->result.session_id < JOB_SESSIONS_MAX);
		must(message->result.signature_len <= JOB_SIGNATURE_MAX);
		must((message->result.outcome == JOB_DONE) ==
			(message->result.signature_len > 0));
		break;
	case JOB_FAILED:
		check_text(message->failed.call, sizeof(message->failed.call));
		check_text(message->failed.text, sizeof(message->failed.text));
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(freep) union job_message *message = NULL;

	if (size == 0 || size > sizeof(*message))
		return 0;
	message = malloc(size);
	must(message != NULL);
	memcpy(message, data, size);
	if (!job_is_whole(message, size))
		return 0;
	must(job_length(message) == size);
	check_to_worker(message);
	check_to_broker(message);
	return 0;
}
