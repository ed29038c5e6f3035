/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"

enum {
	FDS_MAX = 4, /* room for descriptors that nobody asked for, to close them */
};

static enum status fail(const char *step)
{
	log_event(LOG_ERR, "cannot reach the broker",
		"step=\"%s\" why=\"%s\" expected=\"a SOCK_SEQPACKET socket as fd %d\"",
		step, strerror(errno), JOB_FD);
	return STATUS_IO;
}

static bool is_option(int option, int expected)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(JOB_FD, SOL_SOCKET, option, &value, &len) == 0 &&
	       value == expected;
}

static enum status accept_one(int *out)
{
	int fd;

	do {
		fd = accept4(JOB_FD, NULL, NULL, SOCK_CLOEXEC);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		return fail("accept");
	/* The next connection is the next worker's. */
	(void)close(JOB_FD);
	*out = fd;
	return STATUS_OK;
}

enum status channel_open(int *out)
{
	const pid_t parent = getppid();

	if (!is_option(SO_TYPE, SOCK_SEQPACKET))
		return fail("socket type");
	if (is_option(SO_ACCEPTCONN, 1))
		return accept_one(out);
	/* A module must not take the broker's socket into a child of its own. */
	if (fcntl(JOB_FD, F_SETFD, FD_CLOEXEC) != 0)
		return fail("close on exec");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return fail("parent's death");
	/* It may have died before we asked. */
	if (getppid() != parent)
		return STATUS_NO_AGENT;
	*out = JOB_FD;
	return STATUS_OK;
}

/* Keeps the first descriptor when pin_fd wants one and closes all others. */
static void sort_descriptors(struct msghdr *envelope, int *pin_fd)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(envelope); part != NULL;
		part = CMSG_NXTHDR(envelope, part)) {
		size_t n;

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			CLEANUP(fd_closep) int fd = FD_NONE;

			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
			if (pin_fd != NULL && *pin_fd == FD_NONE)
				*pin_fd = fd_take(&fd);
		}
	}
}

enum status channel_receive(int fd, union job_message *out, int *pin_fd)
{
	struct iovec part = {.iov_base = out, .iov_len = sizeof(*out)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct msghdr envelope = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room)};
	ssize_t n;

	do {
		n = recvmsg(fd, &envelope, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return STATUS_NO_AGENT;
	sort_descriptors(&envelope, pin_fd);
	if (n == 0)
		return STATUS_NO_AGENT;
	if ((envelope.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
		!job_is_whole(out, (size_t)n)) {
		log_event(
			LOG_ERR, "the broker sent what is no message", "bytes=%zd", n);
		return STATUS_BAD_MESSAGE;
	}
	return STATUS_OK;
}

static void send_with(int fd, const union job_message *message, int flags)
{
	const size_t len = job_length(message);
	ssize_t n;

	do {
		n = send(fd, message, len, MSG_NOSIGNAL | flags);
	} while (n < 0 && errno == EINTR);
}

void channel_send(int fd, const union job_message *message)
{
	send_with(fd, message, 0);
}

void channel_send_now(int fd, const union job_message *message)
{
	send_with(fd, message, MSG_DONTWAIT);
}
