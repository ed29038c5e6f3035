/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said between the broker and one worker, in the order of job.h. The worker runs
 * a stranger's code: whatever comes at the wrong time or names what was not given ends
 * it, and its texts are foreign bytes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "internal.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"

static struct job_head head_of(enum job_kind kind)
{
	return (struct job_head){.kind = kind, .layout = JOB_LAYOUT};
}

/* Lengths were checked when the configuration was read. */
static void put_text(char *to, size_t room, const char *text)
{
	const size_t len = strlen(text);

	must(len < room);
	memcpy(to, text, len + 1);
}

enum status talk_begin(struct token *token)
{
	const struct token_spec *spec = token->spec;
	struct token_open *open = &token->message.open;
	CLEANUP(fd_closep) int pin = FD_NONE;

	TRY(pin_open(spec, &pin));
	*open = (struct token_open){
		.head = head_of(JOB_OPEN),
		.n_sessions = spec->n_sessions,
		.n_keys = token->n_keys,
		.deadline_ms = spec->deadline_ms,
		.n_environment = (uint32_t)spec->n_environment,
		.has_pin = pin != FD_NONE,
	};
	put_text(open->module, sizeof(open->module), spec->module);
	put_text(open->uri, sizeof(open->uri), spec->uri);
	for (size_t i = 0; i < spec->n_environment; i++)
		put_text(open->environment[i], sizeof(open->environment[i]),
			spec->environment[i]);
	token->has_pin = pin != FD_NONE;
	token->next_key = 0;
	TRY(link_send(&token->link, &token->message, pin));
	return talk_send_keys(token);
}

enum status talk_send_keys(struct token *token)
{
	while (token->next_key < token->n_keys) {
		struct token_key *key = &token->message.key;
		enum status status;

		*key = (struct token_key){
			.head = head_of(JOB_KEY),
			.key_id = token->next_key,
		};
		put_text(key->uri, sizeof(key->uri), token->key_uris[token->next_key]);
		status = link_send(&token->link, &token->message, FD_NONE);
		if (status == STATUS_BUSY)
			return loop_source_change(
				token->gate->loop, &token->source, EPOLLIN | EPOLLOUT);
		TRY(status);
		token->next_key++;
	}
	return loop_source_change(token->gate->loop, &token->source, EPOLLIN);
}

static enum status misbehaved(const struct token *token, const char *how)
{
	log_event(LOG_ERR, "worker misbehaves", "token=%s how=\"%s\"",
		token->spec->name, how);
	return STATUS_TOKEN_GONE;
}

static void on_found(struct token *token, const struct token_found *found)
{
	log_event(token->pace.n_starts == 0 ? LOG_NOTICE : LOG_DEBUG, "token found",
		"token=%s label=\"%s\" serial=\"%s\" model=\"%s\"", token->spec->name,
		log_text(bytes_from_text(found->label)).text,
		log_text(bytes_from_text(found->serial)).text,
		log_text(bytes_from_text(found->model)).text);
	if (found->is_pin_count_low != 0)
		log_event(LOG_WARN, "token shows a wrong PIN try",
			"token=%s final_try=%s", token->spec->name,
			found->is_pin_final_try != 0 ? "yes" : "no");
}

static enum status on_may_login(struct token *token)
{
	const bool may_login = token->has_pin && pin_can_try(&token->guard);

	if (token->guard.is_pending || token->n_tried > 0)
		return misbehaved(token, "asked twice to log in");
	if (may_login)
		pin_begin(&token->guard);
	token->message.login = (struct token_login){
		.head = head_of(JOB_LOGIN),
		.may_login = may_login,
	};
	return link_send(&token->link, &token->message, FD_NONE);
}

static enum status on_logged_in(struct token *token, const struct token_logged_in *said)
{
	switch ((enum job_outcome)said->outcome) {
	case JOB_DONE:
		pin_finish(&token->guard, true);
		return STATUS_OK;
	case JOB_REFUSED:
		log_event(LOG_ERR, "PIN refused; it will not be tried again",
			"token=%s rv=0x%" PRIx64, token->spec->name, said->rv);
		pin_finish(&token->guard, false);
		token_lock(token, "PIN refused");
		return STATUS_OK;
	case JOB_SKIPPED:
		/* The token shows that one more wrong PIN would lock it, or that it is. */
		pin_finish(&token->guard, false);
		token_lock(token,
			"no login tried: the token shows its final try, or is locked");
		return STATUS_OK;
	case JOB_GONE:
	case JOB_BROKEN:
		break;
	}
	return STATUS_TOKEN_GONE;
}

static const char *key_trouble(enum job_key_state state)
{
	switch (state) {
	case JOB_KEY_USABLE:
		break;
	case JOB_KEY_NOT_FOUND:
		return "no private key fits its URI";
	case JOB_KEY_NOT_UNIQUE:
		return "two private keys fit its URI";
	case JOB_KEY_BAD_ATTRIBUTE:
		return "an attribute is not as a sealing key must have it";
	case JOB_KEY_ERROR:
		return "the module failed while it was looked for";
	}
	return "none";
}

static enum status on_key_is(struct token *token, const struct token_key_is *said)
{
	struct token_key_fact *fact;
	uint8_t *copy = NULL;

	if (said->key_id >= token->n_keys)
		return misbehaved(token, "named a key that was not asked for");
	if (said->state != JOB_KEY_USABLE)
		log_event(token->pace.n_starts == 0 ? LOG_ERR : LOG_DEBUG,
			"key cannot be used",
			"token=%s uri=\"%s\" why=\"%s\" attribute=\"%s\" rv=0x%" PRIx64,
			token->spec->name,
			log_text(bytes_from_text(token->key_uris[said->key_id])).text,
			key_trouble((enum job_key_state)said->state),
			log_text(bytes_from_text(said->attribute)).text, said->rv);
	if (said->public_len > 0) {
		copy = malloc(said->public_len);
		if (copy == NULL)
			return STATUS_NO_MEMORY;
		memcpy(copy, said->public_key, said->public_len);
	}
	fact = &token->facts[said->key_id];
	free((void *)(uintptr_t)fact->public_key.p);
	*fact = (struct token_key_fact){
		.state = (enum job_key_state)said->state,
		.type = (enum job_key_type)said->type,
		.public_key = {copy, said->public_len},
	};
	return STATUS_OK;
}

static enum status on_session_up(
	struct token *token, const struct token_session_up *said)
{
	if (token->n_tried == token->spec->n_sessions)
		return misbehaved(token, "opened more sessions than it was told");
	token->n_tried++;
	if (said->outcome != JOB_DONE) {
		log_event(LOG_WARN, "session cannot be opened",
			"token=%s sessions=%" PRIu32 " wanted=%" PRIu32
			" rv=0x%" PRIx64,
			token->spec->name, token->n_up, token->spec->n_sessions,
			said->rv);
		return STATUS_OK;
	}
	token->n_up++;
	if (token->state != TOKEN_READY)
		log_event(token->pace.n_starts == 0 ? LOG_NOTICE : LOG_DEBUG,
			"token ready", "token=%s", token->spec->name);
	token->state = TOKEN_READY;
	/* The first session has logged in: the race that the gate guards against is over. */
	gate_leave(token->gate, &token->ticket);
	token->listener.on_change(token->listener.context);
	return STATUS_OK;
}

static enum status on_signed(struct token *token, const struct token_result *result)
{
	for (uint32_t i = 0; i < token->n_out; i++) {
		if (token->out[i].job_id != result->job_id)
			continue;
		token->out[i] = token->out[--token->n_out];
		token->listener.on_result(token->listener.context, result);
		return STATUS_OK;
	}
	return misbehaved(token, "answered a job that it was not given");
}

static enum status on_failed(
	const struct token *token, const struct token_failed *failed)
{
	/* One line for a state, not for each try. */
	log_event(token->pace.n_starts == 0 || token->is_good ? LOG_ERR : LOG_DEBUG,
		"worker gives up", "token=%s call=\"%s\" rv=0x%" PRIx64 " text=\"%s\"",
		token->spec->name, log_text(bytes_from_text(failed->call)).text,
		failed->rv, log_text(bytes_from_text(failed->text)).text);
	return STATUS_TOKEN_GONE;
}

enum status talk_on_message(struct token *token)
{
	const union job_message *message = &token->message;

	token->heard_ms = clock_monotonic_ms();
	switch ((enum job_kind)message->head.kind) {
	case JOB_FOUND:
		on_found(token, &message->found);
		return STATUS_OK;
	case JOB_MAY_LOGIN:
		return on_may_login(token);
	case JOB_LOGGED_IN:
		return on_logged_in(token, &message->logged_in);
	case JOB_KEY_IS:
		return on_key_is(token, &message->key_is);
	case JOB_SESSION_UP:
		return on_session_up(token, &message->session_up);
	case JOB_SIGNED:
		return on_signed(token, &message->result);
	case JOB_FAILED:
		return on_failed(token, &message->failed);
	case JOB_OPEN:
	case JOB_KEY:
	case JOB_LOGIN:
	case JOB_SIGN:
		break;
	}
	return misbehaved(token, "said what only the broker says");
}
