/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One token's life: start, ready, gone, again. There is one timer: without a worker it is
 * the next start, with one it is the moment at which the worker has been silent for too
 * long. (A worker watches itself and ends with _exit; this is for one that cannot.)
 */
#include "token.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "internal.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/text.h"

enum {
	MESSAGES_A_TURN = 32,
	BAD_MAX = 3,     /* wrong signatures in a row */
	GRACE_MS = 1000, /* beyond the deadline that a worker keeps for itself */
	START_STEPS = 2, /* a start may take two operations between two messages */
};

static void on_gone(struct token *token);

/* When the worker counts as dead though its socket is open. */
static uint64_t due_ms(const struct token *token)
{
	uint64_t oldest = UINT64_MAX;

	if (token->n_tried < token->spec->n_sessions && token->n_out == 0)
		return token->heard_ms + START_STEPS * token->spec->deadline_ms +
		       GRACE_MS;
	for (uint32_t i = 0; i < token->n_out; i++) {
		if (token->out[i].given_ms < oldest)
			oldest = token->out[i].given_ms;
	}
	return token->n_out == 0 ? UINT64_MAX
				 : oldest + token->spec->deadline_ms + GRACE_MS;
}

static void set_timer(struct token *token, uint64_t at_ms)
{
	/* Without its timer a token could hang for ever; the supervisor starts us again. */
	must(loop_timer_set(token->gate->loop, &token->timer, at_ms) == STATUS_OK);
}

static void watch_worker(struct token *token)
{
	const uint64_t due = due_ms(token);

	if (due != UINT64_MAX && !token->timer.is_added)
		set_timer(token, due);
}

static void close_worker(struct token *token)
{
	loop_source_remove(token->gate->loop, &token->source);
	loop_timer_remove(token->gate->loop, &token->timer);
	link_close(&token->link);
	gate_leave(token->gate, &token->ticket);
	pin_on_gone(&token->guard);
	token->n_up = 0;
	token->n_tried = 0;
}

/* What the token is without a worker, and when the next one starts. */
static void decide_next(struct token *token)
{
	const uint64_t now = clock_monotonic_ms();

	if (token->state == TOKEN_LOCKED)
		return;
	if (token->is_condemned) {
		token->state = TOKEN_DOWN;
		return;
	}
	if (token->guard.n_unknown > 0 && !pin_can_try(&token->guard)) {
		token_lock(token, "two logins in a row ended with the worker");
		return;
	}
	if (!token->is_good)
		pace_on_fruitless(&token->pace, token->started_ms, now);
	token->state = pace_is_open(&token->pace) ? TOKEN_DOWN : TOKEN_STARTING;
	if (token->state == TOKEN_DOWN && token->pace.pause_ms == PACE_PAUSE_FIRST_MS)
		log_event(LOG_ERR, "token down; it will be tried again", "token=%s",
			token->spec->name);
	set_timer(token, now + pace_get_pause_ms(&token->pace));
}

static void on_gone(struct token *token)
{
	struct outstanding lost[JOB_SESSIONS_MAX];
	const uint32_t n_lost = token->n_out;

	memcpy(lost, token->out, n_lost * sizeof(lost[0]));
	token->n_out = 0;
	if (token->state == TOKEN_READY || token->pace.n_starts == 0)
		log_event(LOG_WARN, "worker gone",
			"token=%s jobs=%" PRIu32 " after_ms=%" PRIu64,
			token->spec->name, n_lost,
			clock_monotonic_ms() - token->started_ms);
	close_worker(token);
	decide_next(token);
	for (uint32_t i = 0; i < n_lost; i++)
		token->listener.on_lost(token->listener.context, lost[i].job_id);
	token->listener.on_change(token->listener.context);
}

void token_lock(struct token *token, const char *why)
{
	log_event(LOG_NOTICE, "token locked", "token=%s why=\"%s\"", token->spec->name,
		why);
	token->state = TOKEN_LOCKED;
}

static void on_readable(struct token *token)
{
	for (int i = 0; i < MESSAGES_A_TURN; i++) {
		enum status status = link_receive(&token->link, &token->message);

		if (status == STATUS_BUSY)
			break;
		if (status == STATUS_OK)
			status = talk_on_message(token);
		if (status != STATUS_OK || token->state == TOKEN_LOCKED) {
			on_gone(token);
			return;
		}
	}
	watch_worker(token);
}

static void on_source(void *context, uint32_t events)
{
	struct token *token = context;

	if ((events & EPOLLOUT) != 0 && talk_send_keys(token) != STATUS_OK) {
		on_gone(token);
		return;
	}
	/* Hang-up is read as end-of-file, behind whatever was said before it. */
	if ((events & ~(uint32_t)EPOLLOUT) != 0)
		on_readable(token);
}

static enum status start_worker(struct token *token)
{
	TRY(link_open(&token->link, token->gate->mode, token->spec->name));
	TRY(loop_source_add(
		token->gate->loop, &token->source, token->link.fd, EPOLLIN));
	return talk_begin(token);
}

static void on_may_start(void *context)
{
	struct token *token = context;
	enum status status;

	token->started_ms = clock_monotonic_ms();
	token->heard_ms = token->started_ms;
	token->is_good = false;
	status = start_worker(token);
	if (status == STATUS_OK) {
		watch_worker(token);
		return;
	}
	/* A PIN file that is not as it must be is not mended by trying again. */
	if (status == STATUS_BAD_FILE)
		token_lock(token, "its PIN file cannot be used");
	on_gone(token);
}

static void on_timer(void *context)
{
	struct token *token = context;

	if (token->is_condemned && token->link.fd != FD_NONE) {
		on_gone(token);
		return;
	}
	if (token->link.fd == FD_NONE) {
		if (!token->ticket.is_waiting && !token->ticket.is_inside)
			gate_enter(token->gate, &token->ticket);
		return;
	}
	if (due_ms(token) > clock_monotonic_ms()) {
		watch_worker(token);
		return;
	}
	log_event(LOG_ERR, "worker does not answer", "token=%s jobs=%" PRIu32,
		token->spec->name, token->n_out);
	on_gone(token);
}

enum status token_new(struct token_gate *gate, const struct token_spec *spec,
	const char *const *key_uris, uint32_t n_keys, struct token **out)
{
	CLEANUP(token_freep) struct token *token = calloc(1, sizeof(*token));

	if (token == NULL)
		return STATUS_NO_MEMORY;
	token->gate = gate;
	token->spec = spec;
	token->link = LINK_INIT;
	token->source = (struct loop_source){.call = on_source, .context = token};
	token->timer = (struct loop_timer){.call = on_timer, .context = token};
	token->ticket = (struct gate_ticket){
		.module = spec->module, .may_start = on_may_start, .context = token};
	token->key_uris = calloc(n_keys + 1, sizeof(*token->key_uris));
	token->facts = calloc(n_keys + 1, sizeof(*token->facts));
	if (token->key_uris == NULL || token->facts == NULL)
		return STATUS_NO_MEMORY;
	for (; token->n_keys < n_keys; token->n_keys++) {
		TRY(text_copy(bytes_from_text(key_uris[token->n_keys]),
			&token->key_uris[token->n_keys]));
		token->facts[token->n_keys].state = JOB_KEY_NOT_FOUND;
	}
	*out = TAKE(token);
	return STATUS_OK;
}

void token_set_listener(struct token *token, const struct token_listener *listener)
{
	token->listener = *listener;
}

void token_freep(struct token **pointer)
{
	struct token *token = *pointer;

	if (token == NULL)
		return;
	/* Out of the gate first: leaving it could start another that is freed next. */
	close_worker(token);
	for (uint32_t i = 0; i < token->n_keys; i++) {
		freep(&token->key_uris[i]);
		free((void *)(uintptr_t)token->facts[i].public_key.p);
	}
	freep(&token->key_uris);
	freep(&token->facts);
	freep(pointer);
}

void token_start(struct token *token)
{
	if (token->spec->pin == TOKEN_PIN_OFFICER) {
		token_lock(token, "it waits for an officer's PIN");
		return;
	}
	token->state = TOKEN_STARTING;
	set_timer(token, clock_monotonic_ms());
}

const char *token_get_name(const struct token *token)
{
	return token->spec->name;
}

enum token_state token_get_state(const struct token *token)
{
	return token->state;
}

uint32_t token_get_retry_ms(const struct token *token)
{
	return pace_is_open(&token->pace) ? pace_get_pause_ms(&token->pace) : 0;
}

uint32_t token_get_n_idle(const struct token *token)
{
	return token->state == TOKEN_READY && !token->is_condemned
		       ? token->n_up - token->n_out
		       : 0;
}

uint32_t token_get_n_out(const struct token *token)
{
	return token->n_out;
}

const struct token_key_fact *token_get_key(const struct token *token, uint32_t key_id)
{
	must(key_id < token->n_keys);
	return &token->facts[key_id];
}

enum status token_submit(struct token *token, const struct token_job *job)
{
	enum status status;

	must(token_get_n_idle(token) > 0);
	/* Of the fixed layout only the filled part of data is sent, and read by job_length. */
	status = link_send(&token->link, (const union job_message *)job, FD_NONE);
	if (status != STATUS_OK)
		return STATUS_TOKEN_GONE;
	token->out[token->n_out++] = (struct outstanding){
		.job_id = job->job_id, .given_ms = clock_monotonic_ms()};
	watch_worker(token);
	return STATUS_OK;
}

void token_note_good(struct token *token)
{
	token->is_good = true;
	token->n_bad = 0;
	if (token->pace.n_starts > 0)
		pace_on_good(&token->pace);
}

void token_note_bad(struct token *token)
{
	if (++token->n_bad < BAD_MAX || token->is_condemned)
		return;
	log_event(LOG_ERR, "token taken out of service: wrong signatures",
		"token=%s in_a_row=%d", token->spec->name, BAD_MAX);
	token->is_condemned = true;
	/* Not from inside the callback that told us. */
	set_timer(token, clock_monotonic_ms());
}
