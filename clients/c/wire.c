/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole frames over a connection, each step against the call's deadline. Every send
 * carries MSG_NOSIGNAL: the host's SIGPIPE is the host's. Answers are capped before
 * memory is taken for them.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

static bool is_closed(int number)
{
	return number == EPIPE || number == ECONNRESET;
}

enum zegel_status wire_send(struct call *call, int fd, const uint8_t *bytes, size_t len)
{
	size_t sent = 0;

	call->was_closed = false;
	while (sent < len) {
		const ssize_t n =
			send(fd, bytes + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		/* Who closes on us may have said why: the answer will tell. */
		if (is_closed(errno))
			return ZEGEL_OK;
		if (errno == EAGAIN)
			TRY(deadline_wait(call, fd, POLLOUT));
		else if (errno != EINTR)
			return error_set_errno(call->error, ZEGEL_UNAVAILABLE,
				"cannot send to the agent");
	}
	return ZEGEL_OK;
}

/* Exactly len bytes; *got counts those that came, on failure too. */
static enum zegel_status receive_all(
	struct call *call, int fd, uint8_t *bytes, size_t len, size_t *got)
{
	*got = 0;
	while (*got < len) {
		const ssize_t n = recv(fd, bytes + *got, len - *got, MSG_DONTWAIT);

		if (n > 0) {
			*got += (size_t)n;
			continue;
		}
		if (n == 0 || is_closed(errno))
			return error_set(call->error, ZEGEL_UNAVAILABLE,
				"the agent closed the connection before its answer was "
				"complete");
		if (errno == EAGAIN)
			TRY(deadline_wait(call, fd, POLLIN));
		else if (errno != EINTR)
			return error_set_errno(call->error, ZEGEL_UNAVAILABLE,
				"cannot hear the agent");
	}
	return ZEGEL_OK;
}

void wire_answer_freep(Zegel__V1__Response **answer)
{
	if (*answer != NULL)
		zegel__v1__response__free_unpacked(*answer, NULL);
	*answer = NULL;
}

enum zegel_status wire_receive(struct call *call, int fd, Zegel__V1__Response **out)
{
	CLEANUP(freep) uint8_t *body = NULL;
	Zegel__V1__Response *answer;
	enum zegel_status status;
	uint8_t head[FRAME_HEAD];
	size_t got;
	size_t len;

	status = receive_all(call, fd, head, sizeof(head), &got);
	call->was_closed = status == ZEGEL_UNAVAILABLE && got == 0;
	TRY(status);
	if (!frame_get_length(head, &len))
		return error_set(call->error, ZEGEL_INTERNAL,
			"the agent's answer has a length that is not 1 to %d bytes",
			FRAME_BODY_MAX);
	body = malloc(len);
	if (body == NULL)
		return error_set_memory(call->error);
	TRY(receive_all(call, fd, body, len, &got));
	answer = zegel__v1__response__unpack(NULL, len, body);
	if (answer == NULL)
		return error_set(call->error, ZEGEL_INTERNAL,
			"the agent's answer is not a Response of zegel.proto");
	*out = answer;
	return ZEGEL_OK;
}
