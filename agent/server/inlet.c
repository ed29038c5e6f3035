/* SPDX-License-Identifier: Apache-2.0 */
#include "inlet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "util/fd.h"
#include "util/log.h"

enum {
	INLET_SO_PASSPIDFD = 76, /* Linux 6.5; Debian 12's headers do not know it */
	INLET_SCM_PIDFD = 4,
};

static bool set(int socket, int option, int value)
{
	return setsockopt(socket, SOL_SOCKET, option, &value, sizeof(value)) == 0;
}

enum status inlet_open(int socket)
{
	if (!set(socket, SO_PASSCRED, 1)) {
		log_event(LOG_ERR, "cannot ask who writes", "why=\"%s\"",
			strerror(errno));
		return STATUS_IO;
	}
	/*
	 * A socket of systemd's could have them on; then there would be more on each piece
	 * than we have room for. Where the kernel does not know them they are not on.
	 */
	(void)set(socket, SO_PASSSEC, 0);
	(void)set(socket, INLET_SO_PASSPIDFD, 0);
	return STATUS_OK;
}

static void close_all(const struct cmsghdr *message)
{
	const size_t n = (message->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	const unsigned char *data = CMSG_DATA(message);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		fd_closep(&fd);
	}
}

/* Every message, whatever we asked for: the kernel fills the room with what there is. */
static void walk(struct msghdr *envelope, struct inlet_piece *piece)
{
	for (struct cmsghdr *message = CMSG_FIRSTHDR(envelope); message != NULL;
		message = CMSG_NXTHDR(envelope, message)) {
		struct ucred writer;

		if (message->cmsg_level != SOL_SOCKET)
			continue;
		if (message->cmsg_type == SCM_RIGHTS ||
			message->cmsg_type == INLET_SCM_PIDFD) {
			close_all(message);
			piece->has_descriptor = true;
		}
		if (message->cmsg_type != SCM_CREDENTIALS ||
			message->cmsg_len < CMSG_LEN(sizeof(writer)))
			continue;
		memcpy(&writer, CMSG_DATA(message), sizeof(writer));
		/* Process 0 stands for bytes that were sent without credentials. */
		piece->has_writer = writer.pid > 0;
		piece->uid = writer.uid;
		piece->pid = writer.pid;
	}
}

enum status inlet_read(int socket, uint8_t *room, size_t len, struct inlet_piece *out)
{
	struct inlet_piece piece = {.uid = (uid_t)-1};
	struct iovec bytes = {.iov_base = room, .iov_len = len};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct msghdr envelope = {.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t n;

	do {
		n = recvmsg(socket, &envelope, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? STATUS_BUSY : STATUS_IO;
	piece.len = (size_t)n;
	walk(&envelope, &piece);
	/* What had no room was closed by the kernel, and only descriptors have none. */
	if ((envelope.msg_flags & MSG_CTRUNC) != 0)
		piece.has_descriptor = true;
	*out = piece;
	return STATUS_OK;
}
