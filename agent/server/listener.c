/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "inlet.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	BACKLOG = 64,
	ACCEPTS_A_TURN = 16,
	PAUSE_MS = 100,
	WARN_EVERY_MS = 60000,
};

static enum status refuse(const char *path, enum status status, const char *why)
{
	log_event(LOG_ERR, "cannot listen", "path=\"%s\" why=\"%s\"",
		log_text(bytes_from_text(path)).text, why);
	return status;
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	must(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	return address;
}

/* A dead agent's socket may be replaced; a living one's, or any other file, may not. */
static enum status check_path(const char *path)
{
	const struct sockaddr_un address = address_of(path);
	CLEANUP(fd_closep) int probe = FD_NONE;
	struct stat facts;

	if (lstat(path, &facts) != 0)
		return errno == ENOENT ? STATUS_OK
				       : refuse(path, STATUS_IO, strerror(errno));
	if (!S_ISSOCK(facts.st_mode))
		return refuse(path, STATUS_IO, "something that is no socket is there");
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return refuse(path, STATUS_IO, strerror(errno));
	if (connect(probe, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
		errno == EAGAIN)
		return refuse(path, STATUS_NOT_FOUND, "another agent answers there");
	return STATUS_OK;
}

/*
 * Made beside its place and renamed into it when it is ready, with its mode and group:
 * nobody connects to half a socket, and there is no moment without one.
 */
static enum status make(const struct listen_spec *spec, int fd)
{
	char beside[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct sockaddr_un address;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.%d", spec->path,
		    (int)getpid()) >= sizeof(beside))
		return refuse(
			spec->path, STATUS_IO, "the path is too long for a socket");
	address = address_of(beside);
	(void)unlink(beside);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return refuse(spec->path, STATUS_IO, strerror(errno));
	if ((spec->has_group && chown(beside, (uid_t)-1, spec->group) != 0) ||
		chmod(beside, spec->mode) != 0 || listen(fd, BACKLOG) != 0 ||
		rename(beside, spec->path) != 0) {
		const enum status status =
			refuse(spec->path, STATUS_IO, strerror(errno));

		(void)unlink(beside);
		return status;
	}
	return STATUS_OK;
}

static void warn_now_and_then(struct listener *listener, const char *why)
{
	const uint64_t now = clock_monotonic_ms();

	if (listener->warned_ms != 0 && now - listener->warned_ms < WARN_EVERY_MS)
		return;
	listener->warned_ms = now;
	log_event(
		LOG_WARN, "cannot accept", "listen=%s why=\"%s\"", listener->name, why);
}

static void on_readable(void *context, uint32_t events)
{
	struct listener *listener = context;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		const int fd =
			accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			listener->on_accept(listener->context, fd);
			continue;
		}
		if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
			return;
		/* Out of descriptors or memory: those who wait keep their place. */
		warn_now_and_then(listener, strerror(errno));
		loop_source_remove(listener->loop, &listener->source);
		must(loop_timer_set(listener->loop, &listener->pause,
			     clock_monotonic_ms() + PAUSE_MS) == STATUS_OK);
		return;
	}
}

static void on_pause_over(void *context)
{
	struct listener *listener = context;

	if (loop_source_add(listener->loop, &listener->source, listener->fd, EPOLLIN) ==
		STATUS_OK)
		return;
	must(loop_timer_set(listener->loop, &listener->pause,
		     clock_monotonic_ms() + PAUSE_MS) == STATUS_OK);
}

enum status listener_init(struct listener *listener, const struct listener_setup *setup)
{
	const struct listen_spec *spec = setup->spec;
	CLEANUP(fd_closep) int fd = setup->inherited_fd;
	const bool is_ours = fd == FD_NONE;

	if (is_ours) {
		TRY(check_path(spec->path));
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			return refuse(spec->path, STATUS_IO, strerror(errno));
		TRY(inlet_open(fd));
		TRY(make(spec, fd));
	}
	/* One of systemd's, which connections may be waiting for already. */
	if (!is_ours)
		TRY(inlet_open(fd));
	*listener = (struct listener){
		.loop = setup->loop,
		.name = spec->name,
		.path = spec->path,
		.fd = FD_NONE,
		.is_ours = is_ours,
		.source = {.call = on_readable, .context = listener},
		.pause = {.call = on_pause_over, .context = listener},
		.on_accept = setup->on_accept,
		.context = setup->context,
	};
	TRY(loop_source_add(listener->loop, &listener->source, fd, EPOLLIN));
	listener->fd = fd_take(&fd);
	log_event(LOG_NOTICE, "listening", "listen=%s path=\"%s\"", spec->name,
		log_text(bytes_from_text(spec->path)).text);
	return STATUS_OK;
}

void listener_deinit(struct listener *listener)
{
	if (listener->fd == FD_NONE)
		return;
	loop_source_remove(listener->loop, &listener->source);
	loop_timer_remove(listener->loop, &listener->pause);
	if (listener->is_ours)
		(void)unlink(listener->path);
	fd_closep(&listener->fd);
}
