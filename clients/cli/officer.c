/* SPDX-License-Identifier: Apache-2.0 */
#include "officer.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "ask.h"
#include "command.h"
#include "proto/frame.h"
#include "say.h"
#include "util/fd.h"

#define SOCKET_PATH "/run/zegel/officer.sock"

static const char who_is_officer[] =
	"officers are members of the group zegel-officers, and root; a new member has "
	"to log in again";

enum {
	WAIT_S = 60, /* a reload may read long lists */
};

struct officer {
	const char *command; /* borrows */
	const char *path;    /* borrows from the environment, or a constant */
	int fd;              /* owns */
	uint64_t last_id;
	bool is_greeted; /* the agent takes us for an officer */
	uint8_t frame[FRAME_HEAD + FRAME_BODY_MAX];
};

void officer_closep(struct officer **officer)
{
	if (*officer == NULL)
		return;
	fd_closep(&(*officer)->fd);
	freep(officer);
}

void officer_answer_deinit(struct officer_answer *answer)
{
	if (answer->response != NULL)
		zegel__officer__v1__response__free_unpacked(answer->response, NULL);
	answer->response = NULL;
	fd_closep(&answer->fd);
}

ProtobufCBinaryData officer_bytes(struct bytes bytes)
{
	/* protobuf-c has no const; packing only reads. */
	return (ProtobufCBinaryData){
		.len = bytes.len, .data = (uint8_t *)(uintptr_t)bytes.p};
}

ProtobufCBinaryData officer_text(const char *text)
{
	return officer_bytes(bytes_from_text(text));
}

static const char *get_path(void)
{
	const char *path = getenv("ZEGEL_OFFICER_SOCKET");

	return path != NULL && path[0] != '\0' ? path : SOCKET_PATH;
}

bool officer_is_there(void)
{
	CLEANUP(fd_closep)
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = get_path();

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, path, strlen(path) + 1);
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
	       errno == EAGAIN || errno == EACCES;
}

/* It closes without a word on who is no officer to it. */
static int say_closed(const struct officer *officer)
{
	if (officer->is_greeted) {
		say_error(officer->command, "UNAVAILABLE",
			"the agent at %s closed the connection; its log says why",
			officer->path);
		return EXIT_CODE_UNAVAILABLE;
	}
	say_error(officer->command, "DENIED",
		"the agent at %s closed the connection: you are no officer to it",
		officer->path);
	say_hint(officer->command, "%s", who_is_officer);
	return EXIT_CODE_DENIED;
}

static int fail(const struct officer *officer, const char *what)
{
	const int number = errno;

	if (number == EPIPE || number == ECONNRESET)
		return say_closed(officer);
	if (number == EACCES || number == EPERM) {
		say_error(officer->command, "DENIED", "%s %s: %s", what, officer->path,
			strerror(number));
		say_hint(officer->command, "%s", who_is_officer);
		return EXIT_CODE_DENIED;
	}
	if (number == EAGAIN) {
		say_error(officer->command, "TIMEOUT", "%s %s: no answer in %d seconds",
			what, officer->path, (int)WAIT_S);
		return EXIT_CODE_AGAIN;
	}
	say_error(officer->command, "UNAVAILABLE", "%s %s: %s", what, officer->path,
		strerror(number));
	if (number == ENOENT || number == ECONNREFUSED)
		say_hint(officer->command,
			"is zegeld running, and is ZEGEL_OFFICER_SOCKET right?");
	return EXIT_CODE_UNAVAILABLE;
}

/* Whoever can make a socket at this path would hear our claims and show a false record. */
static int check_server(const struct officer *officer)
{
	const struct passwd *agent = getpwnam("zegel");
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(officer->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return fail(officer, "cannot ask who listens at");
	if (peer.uid == 0 || peer.uid == geteuid() ||
		(agent != NULL && peer.uid == agent->pw_uid))
		return EXIT_CODE_OK;
	say_error(officer->command, "UNAVAILABLE",
		"uid %u listens at %s; expected root, zegel or uid %u",
		(unsigned)peer.uid, officer->path, (unsigned)geteuid());
	return EXIT_CODE_UNAVAILABLE;
}

static int connect_to(struct officer *officer)
{
	const struct timeval wait = {.tv_sec = WAIT_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(officer->path) >= sizeof(address.sun_path))
		return say_usage(officer->command,
			"ZEGEL_OFFICER_SOCKET is a path of at most 107 bytes");
	memcpy(address.sun_path, officer->path, strlen(officer->path) + 1);
	officer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (officer->fd < 0 ||
		setsockopt(officer->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) !=
			0 ||
		setsockopt(officer->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) !=
			0 ||
		connect(officer->fd, (const struct sockaddr *)&address,
			sizeof(address)) != 0)
		return fail(officer, "cannot connect to");
	return check_server(officer);
}

static int send_all(struct officer *officer, size_t len)
{
	size_t done = 0;

	while (done < len) {
		const ssize_t n = send(
			officer->fd, officer->frame + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		/* It may have said why before it closed. */
		if (n < 0 && errno == EPIPE)
			break;
		if (n < 0)
			return fail(officer, "cannot write to");
		done += (size_t)n;
	}
	return EXIT_CODE_OK;
}

/* Keeps the first descriptor that comes along, closes any other. */
static void take_descriptors(struct msghdr *envelope, struct officer_answer *answer)
{
	struct cmsghdr *head;

	for (head = CMSG_FIRSTHDR(envelope); head != NULL;
		head = CMSG_NXTHDR(envelope, head)) {
		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= head->cmsg_len;
			i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(fd));
			if (answer->fd == FD_NONE)
				answer->fd = fd;
			else
				fd_closep(&fd);
		}
	}
}

static int receive_all(
	struct officer *officer, size_t from, size_t len, struct officer_answer *answer)
{
	while (from < len) {
		union {
			struct cmsghdr head;
			char room[CMSG_SPACE(4 * sizeof(int))];
		} control;
		struct iovec piece = {
			.iov_base = officer->frame + from, .iov_len = len - from};
		struct msghdr envelope = {.msg_iov = &piece,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control)};
		const ssize_t n = recvmsg(officer->fd, &envelope, MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(officer, "cannot read from");
		take_descriptors(&envelope, answer);
		if (n == 0)
			return say_closed(officer);
		from += (size_t)n;
	}
	return EXIT_CODE_OK;
}

static int receive(struct officer *officer, struct officer_answer *answer)
{
	int code = receive_all(officer, 0, FRAME_HEAD, answer);
	size_t len = 0;

	if (code != EXIT_CODE_OK)
		return code;
	if (!frame_get_length(officer->frame, &len)) {
		say_error(officer->command, "INTERNAL", "the agent sent no frame");
		return EXIT_CODE_INTERNAL;
	}
	code = receive_all(officer, FRAME_HEAD, FRAME_HEAD + len, answer);
	if (code != EXIT_CODE_OK)
		return code;
	answer->response = zegel__officer__v1__response__unpack(
		NULL, len, officer->frame + FRAME_HEAD);
	if (answer->response != NULL)
		return EXIT_CODE_OK;
	say_error(officer->command, "INTERNAL", "the agent's answer is not understood");
	return EXIT_CODE_INTERNAL;
}

static int say_refusal(
	const struct officer *officer, const Zegel__Officer__V1__Error *error)
{
	const enum zegel_status status = error->status <= ZEGEL_INTERNAL
						 ? (enum zegel_status)error->status
						 : ZEGEL_INTERNAL;

	say_error(officer->command, zegel_status_name(status), "%.*s",
		(int)error->text.len, (const char *)error->text.data);
	return ask_exit_code(status);
}

/* Any answer, an error too. */
static int exchange(struct officer *officer, Zegel__Officer__V1__Request *request,
	struct officer_answer *answer)
{
	size_t len;
	int code;

	request->id = ++officer->last_id;
	len = zegel__officer__v1__request__get_packed_size(request);
	if (len > FRAME_BODY_MAX) {
		say_error(officer->command, "INVALID",
			"the question is longer than %d bytes", FRAME_BODY_MAX);
		return EXIT_CODE_DATA;
	}
	frame_put_head(officer->frame, len);
	(void)zegel__officer__v1__request__pack(request, officer->frame + FRAME_HEAD);
	code = send_all(officer, FRAME_HEAD + len);
	return code != EXIT_CODE_OK ? code : receive(officer, answer);
}

int officer_ask(struct officer *officer, Zegel__Officer__V1__Request *request,
	Zegel__Officer__V1__Response__WhatCase wanted, struct officer_answer *out)
{
	const int code = exchange(officer, request, out);

	if (code != EXIT_CODE_OK)
		return code;
	if (out->response->what_case == ZEGEL__OFFICER__V1__RESPONSE__WHAT_ERROR)
		return say_refusal(officer, out->response->error);
	if (out->response->what_case == wanted && out->response->id == officer->last_id)
		return EXIT_CODE_OK;
	say_error(officer->command, "INTERNAL", "the agent answered something else");
	return EXIT_CODE_INTERNAL;
}

int officer_open_record(struct officer *officer, uint64_t index,
	char name[static OFFICER_NAME_MAX], int *out)
{
	CLEANUP(officer_answer_deinit)
	struct officer_answer answer = {.fd = FD_NONE};
	Zegel__Officer__V1__Request request = ZEGEL__OFFICER__V1__REQUEST__INIT;
	Zegel__Officer__V1__OpenRecord what = ZEGEL__OFFICER__V1__OPEN_RECORD__INIT;
	const Zegel__Officer__V1__OpenRecordResult *result;
	int code;

	what.has_index = index > 0;
	what.index = index;
	request.what_case = ZEGEL__OFFICER__V1__REQUEST__WHAT_OPEN_RECORD;
	request.open_record = &what;
	*out = FD_NONE;
	code = exchange(officer, &request, &answer);
	if (code != EXIT_CODE_OK)
		return code;
	if (answer.response->what_case == ZEGEL__OFFICER__V1__RESPONSE__WHAT_ERROR) {
		/* There is no older file: the end of the list. */
		if (answer.response->error->status == ZEGEL_UNAVAILABLE && index > 0)
			return EXIT_CODE_OK;
		return say_refusal(officer, answer.response->error);
	}
	result = answer.response->open_record;
	if (answer.response->what_case !=
			ZEGEL__OFFICER__V1__RESPONSE__WHAT_OPEN_RECORD ||
		answer.fd == FD_NONE || result->name.len >= OFFICER_NAME_MAX) {
		say_error(officer->command, "INTERNAL",
			"the agent answered without a file");
		return EXIT_CODE_INTERNAL;
	}
	memcpy(name, result->name.data, result->name.len);
	name[result->name.len] = '\0';
	*out = fd_take(&answer.fd);
	return EXIT_CODE_OK;
}

static int greet(struct officer *officer)
{
	CLEANUP(officer_answer_deinit)
	struct officer_answer answer = {.fd = FD_NONE};
	Zegel__Officer__V1__Request request = ZEGEL__OFFICER__V1__REQUEST__INIT;
	Zegel__Officer__V1__Hello hello = ZEGEL__OFFICER__V1__HELLO__INIT;

	hello.version_min = FRAME_VERSION;
	hello.version_max = FRAME_VERSION;
	request.what_case = ZEGEL__OFFICER__V1__REQUEST__WHAT_HELLO;
	request.hello = &hello;
	return officer_ask(
		officer, &request, ZEGEL__OFFICER__V1__RESPONSE__WHAT_HELLO, &answer);
}

int officer_open(const char *command, struct officer **out)
{
	CLEANUP(officer_closep) struct officer *officer = calloc(1, sizeof(*officer));
	int code;

	if (officer == NULL) {
		say_error(command, "INTERNAL", "out of memory");
		return EXIT_CODE_INTERNAL;
	}
	officer->command = command;
	officer->path = get_path();
	officer->fd = FD_NONE;
	code = connect_to(officer);
	if (code == EXIT_CODE_OK)
		code = greet(officer);
	if (code != EXIT_CODE_OK)
		return code;
	officer->is_greeted = true;
	*out = TAKE(officer);
	return EXIT_CODE_OK;
}
