/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its answer. An idle connection may have been closed by the agent
 * meanwhile; when it ends before any byte of an answer came, the request is asked once
 * more over a new one. A new connection that breaks is not repeated: the agent fell
 * over while it had this request, and whether to try again is the application's word.
 *
 * A connection is kept only when the answer was to this request and of its kind, so that
 * a late answer is never taken for the answer to another.
 */
#include "internal.h"

#include <stdlib.h>

#define CLIENT_NAME "libzegel " ZEGEL_CLIENT_VERSION

struct expected {
	uint64_t id;
	Zegel__V1__Response__WhatCase kind;
};

struct question {
	Zegel__V1__Request *request; /* borrows until it is answered */
	struct expected expected;
};

/* Frames behind each other, sent at once. */
struct frames {
	uint8_t *p; /* owns */
	size_t len;
};

static void frames_deinit(struct frames *frames)
{
	freep(&frames->p);
	frames->len = 0;
}

static uint64_t next_id(struct zegel *zegel)
{
	return atomic_fetch_add(&zegel->last_id, 1) + 1;
}

static size_t put_frame(uint8_t *p, const Zegel__V1__Request *request)
{
	const size_t len = zegel__v1__request__pack(request, p + FRAME_HEAD);

	frame_put_head(p, len);
	return FRAME_HEAD + len;
}

/* hello may be NULL. */
static enum zegel_status pack(const struct call *call, const Zegel__V1__Request *hello,
	const Zegel__V1__Request *request, struct frames *out)
{
	const size_t len = zegel__v1__request__get_packed_size(request);
	size_t room = FRAME_HEAD + len;

	if (len > FRAME_BODY_MAX)
		return error_set(call->error, ZEGEL_INVALID,
			"the request is longer than %d bytes", FRAME_BODY_MAX);
	if (hello != NULL)
		room += FRAME_HEAD + zegel__v1__request__get_packed_size(hello);
	out->p = malloc(room);
	if (out->p == NULL)
		return error_set_memory(call->error);
	if (hello != NULL)
		out->len = put_frame(out->p, hello);
	out->len += put_frame(out->p + out->len, request);
	return ZEGEL_OK;
}

/* The agent gives up when we do, and no token works for nobody. */
static enum zegel_status set_timeout(
	const struct call *call, Zegel__V1__Request *request)
{
	const uint32_t left = deadline_left_ms(call->deadline_ms);

	if (left == 0)
		return error_set(call->error, ZEGEL_TIMEOUT,
			"the agent did not answer within %u ms",
			(unsigned)call->zegel->timeout_ms);
	if (request->what_case == ZEGEL__V1__REQUEST__WHAT_SEAL) {
		request->seal->has_timeout_ms = true;
		request->seal->timeout_ms = left;
	}
	return ZEGEL_OK;
}

/* The answer to the request with expected.id; sets call->is_in_step. gives */
static enum zegel_status hear(
	struct call *call, int fd, struct expected expected, Zegel__V1__Response **out)
{
	CLEANUP(wire_answer_freep) Zegel__V1__Response *answer = NULL;

	call->is_in_step = false;
	TRY(wire_receive(call, fd, &answer));
	/* Id 0: the agent refuses the connection, or what it read had no id. */
	if (answer->what_case == ZEGEL__V1__RESPONSE__WHAT_ERROR &&
		(answer->id == expected.id || answer->id == 0)) {
		call->is_in_step = answer->id == expected.id;
		return error_set_answer(call->error, answer->error);
	}
	if (answer->id != expected.id)
		return error_set(call->error, ZEGEL_INTERNAL,
			"the agent answered a request that was not asked");
	if (answer->what_case != expected.kind)
		return error_set(call->error, ZEGEL_INTERNAL,
			"the agent's answer is not of the kind that was asked");
	call->is_in_step = true;
	*out = TAKE(answer);
	return ZEGEL_OK;
}

static enum zegel_status hear_hello(struct call *call, int fd, uint64_t id)
{
	CLEANUP(wire_answer_freep) Zegel__V1__Response *answer = NULL;
	const struct expected expected = {id, ZEGEL__V1__RESPONSE__WHAT_HELLO};

	TRY(hear(call, fd, expected, &answer));
	if (answer->hello->version != FRAME_VERSION)
		return error_set(call->error, ZEGEL_INTERNAL,
			"the agent chose protocol version %u; offered was %d",
			(unsigned)answer->hello->version, FRAME_VERSION);
	return ZEGEL_OK;
}

/* The answer, and *fd kept for later where it is still in step. */
static enum zegel_status hear_and_keep(
	struct call *call, int *fd, struct expected expected, Zegel__V1__Response **out)
{
	const enum zegel_status status = hear(call, *fd, expected, out);

	if (call->is_in_step)
		pool_put(&call->zegel->pool, fd);
	return status;
}

static enum zegel_status ask_idle(struct call *call, int *fd,
	const struct question *question, Zegel__V1__Response **out)
{
	CLEANUP(frames_deinit) struct frames frames = {.p = NULL};

	TRY(set_timeout(call, question->request));
	TRY(pack(call, NULL, question->request, &frames));
	TRY(wire_send(call, *fd, frames.p, frames.len));
	return hear_and_keep(call, fd, question->expected, out);
}

static enum zegel_status ask_new(
	struct call *call, const struct question *question, Zegel__V1__Response **out)
{
	CLEANUP(frames_deinit) struct frames frames = {.p = NULL};
	CLEANUP(connect_closep) int fd = FD_NONE;
	Zegel__V1__Hello hello = ZEGEL__V1__HELLO__INIT;
	Zegel__V1__Request first = ZEGEL__V1__REQUEST__INIT;

	hello.version_min = FRAME_VERSION;
	hello.version_max = FRAME_VERSION;
	hello.has_client = true;
	hello.client = text_to_bytes(CLIENT_NAME);
	first.id = next_id(call->zegel);
	first.what_case = ZEGEL__V1__REQUEST__WHAT_HELLO;
	first.hello = &hello;

	TRY(connect_open(call, &fd));
	TRY(set_timeout(call, question->request));
	TRY(pack(call, &first, question->request, &frames));
	TRY(wire_send(call, fd, frames.p, frames.len));
	TRY(hear_hello(call, fd, first.id));
	return hear_and_keep(call, &fd, question->expected, out);
}

enum zegel_status call_init(
	struct call *call, struct zegel *zegel, struct zegel_error *error)
{
	if (zegel == NULL)
		return error_set(error, ZEGEL_INVALID, "zegel is NULL");
	*call = (struct call){
		.zegel = zegel,
		.error = error,
		.deadline_ms = deadline_in(zegel->timeout_ms),
	};
	return ZEGEL_OK;
}

enum zegel_status call_ask(struct call *call, Zegel__V1__Request *request,
	Zegel__V1__Response__WhatCase wanted, Zegel__V1__Response **out)
{
	CLEANUP(connect_closep) int fd = pool_take(&call->zegel->pool);
	const struct question question = {request, {next_id(call->zegel), wanted}};
	enum zegel_status status;

	request->id = question.expected.id;
	if (fd == FD_NONE)
		return ask_new(call, &question, out);
	call->was_closed = false;
	status = ask_idle(call, &fd, &question, out);
	if (!call->was_closed)
		return status;
	return ask_new(call, &question, out);
}
