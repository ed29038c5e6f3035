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
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_closed(int number)
{
	return number == EPIPE || number == ECONNRESET;
}

/*
 * The agent knows us by the effective user that connected, but on what we write the kernel
 * puts the real one, unless we ask for the other. They differ in a set-user-ID program.
 */
static ssize_t send_piece(int fd, const uint8_t *bytes, size_t len)
{
	const struct ucred who = {.pid = getpid(), .uid = geteuid(), .gid = getegid()};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(who))];
	} control = {.room = {0}};
	struct iovec piece = {.iov_len = len};
	struct msghdr envelope = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};

	if (who.uid == getuid())
		return send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	/* An iovec has no const; sending only reads. */
	memcpy(&piece.iov_base, &bytes, sizeof(bytes));
	control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_CREDENTIALS,
		.cmsg_len = CMSG_LEN(sizeof(who))};
	memcpy(CMSG_DATA(&control.head), &who, sizeof(who));
	return sendmsg(fd, &envelope, MSG_NOSIGNAL | MSG_DONTWAIT);
}

enum zegel_status wire_send(struct call *call, int fd, const uint8_t *bytes, size_t len)
{
	size_t sent = 0;

	call->was_closed = false;
	while (sent < len) {
		const ssize_t n = send_piece(fd, bytes + sent, len - sent);

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
