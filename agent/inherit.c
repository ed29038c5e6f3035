/* SPDX-License-Identifier: Apache-2.0 */
#include "inherit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/text.h"

enum {
	FIRST_FD = 3, /* SD_LISTEN_FDS_START */
	FDS_MAX = 64,
};

static bool get_number(const char *name, uint64_t max, uint64_t *out)
{
	const char *text = getenv(name);

	return text != NULL && text_to_number(text, max, out);
}

bool inherit_is_offered(void)
{
	uint64_t pid, n;

	return get_number("LISTEN_PID", INT32_MAX, &pid) && pid == (uint64_t)getpid() &&
	       get_number("LISTEN_FDS", FDS_MAX, &n) && n > 0;
}

/* The path a listening stream socket is bound to; false when fd is none. */
static bool get_path(int fd, char out[static sizeof(struct sockaddr_un)])
{
	union {
		struct sockaddr any;
		struct sockaddr_un local;
	} address = {.local = {.sun_family = AF_UNSPEC}};
	socklen_t len = sizeof(address.local);
	int type = 0;
	int is_listening = 0;
	socklen_t int_len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_len) != 0 ||
		type != SOCK_STREAM ||
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &int_len) !=
			0 ||
		is_listening == 0 || getsockname(fd, &address.any, &len) != 0 ||
		address.any.sa_family != AF_UNIX)
		return false;
	(void)snprintf(out, sizeof(struct sockaddr_un), "%.*s",
		(int)sizeof(address.local.sun_path), address.local.sun_path);
	return true;
}

/* Gives one descriptor to the listen section with its name and path. */
static enum status place(const struct listen_spec *listens, size_t n_listens, int *fds,
	const char *name, int fd)
{
	char path[sizeof(struct sockaddr_un)] = "";

	if (get_path(fd, path)) {
		for (size_t i = 0; i < n_listens; i++) {
			if (fds[i] != FD_NONE || strcmp(listens[i].name, name) != 0 ||
				strcmp(listens[i].path, path) != 0)
				continue;
			if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
				fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
				return STATUS_IO;
			fds[i] = fd;
			return STATUS_OK;
		}
	}
	log_event(LOG_ERR, "systemd gave a socket that no listen section names",
		"fd=%d name=\"%s\" path=\"%s\"", fd,
		log_text(bytes_from_text(name)).text,
		log_text(bytes_from_text(path)).text);
	return STATUS_NOT_FOUND;
}

static enum status place_all(
	const struct listen_spec *listens, size_t n_listens, int *fds, char *names)
{
	uint64_t n = 0;
	char *rest = names;

	(void)get_number("LISTEN_FDS", FDS_MAX, &n);
	for (uint64_t i = 0; i < n; i++) {
		const char *name = rest == NULL ? "" : strsep(&rest, ":");

		TRY(place(listens, n_listens, fds, name, FIRST_FD + (int)i));
	}
	return STATUS_OK;
}

static enum status check_needed(
	const struct listen_spec *listens, size_t n_needed, const int *fds)
{
	for (size_t i = 0; i < n_needed; i++) {
		if (fds[i] != FD_NONE)
			continue;
		log_event(LOG_ERR, "systemd gave no socket for a listen section",
			"listen=%s path=\"%s\"", listens[i].name,
			log_text(bytes_from_text(listens[i].path)).text);
		return STATUS_NOT_FOUND;
	}
	return STATUS_OK;
}

enum status inherit_take(
	const struct listen_spec *listens, size_t n_listens, size_t n_needed, int *fds)
{
	CLEANUP(freep) char *names = NULL;
	enum status status;

	for (size_t i = 0; i < n_listens; i++)
		fds[i] = FD_NONE;
	if (getenv("LISTEN_FDNAMES") != NULL)
		TRY(text_copy(bytes_from_text(getenv("LISTEN_FDNAMES")), &names));
	status = place_all(listens, n_listens, fds, names);
	if (status == STATUS_OK)
		status = check_needed(listens, n_needed, fds);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return status;
}
