/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything is opened below one descriptor of /proc/PID, which stands for one process
 * and is dead when that is: what is read together is of one process.
 */
#include "peer_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/text.h"

#define SLICE   ".slice"
#define DELETED " (deleted)"
#define UID_ROW "\nUid:\t"

enum {
	CGROUP_TEXT_MAX = 16 * 1024,
	STATUS_TEXT_MAX = 4 * 1024, /* Uid: stands in the first lines */
	NUMBER_TEXT_MAX = 16,
};

/* ---------------------------------------------------------------- texts */

static bool ends_in(struct bytes bytes, const char *end)
{
	const size_t len = strlen(end);

	return bytes.len > len && memcmp(bytes.p + bytes.len - len, end, len) == 0;
}

/* What systemd lets a unit be called. */
static bool is_unit_character(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr(":-_.\\@", c) != NULL);
}

static bool is_unit(struct bytes name)
{
	if (name.len > PEER_PROC_UNIT_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!is_unit_character(name.p[i]))
			return false;
	}
	return ends_in(name, ".service") || ends_in(name, ".scope") ||
	       ends_in(name, SLICE);
}

/* Takes what stands before the separator off the front of rest; all, if there is none. */
static struct bytes take_until(struct bytes *rest, char separator)
{
	const uint8_t *at =
		rest->len == 0 ? NULL : memchr(rest->p, separator, rest->len);
	struct bytes part = *rest;

	if (at == NULL) {
		rest->len = 0;
		return part;
	}
	part.len = (size_t)(at - rest->p);
	rest->p = at + 1;
	rest->len -= part.len + 1;
	return part;
}

/* The path of the hierarchy that systemd works in: the unified one where there is one. */
static struct bytes find_path(struct bytes text)
{
	struct bytes found = {.len = 0};

	while (text.len > 0) {
		struct bytes path = take_until(&text, '\n');
		const struct bytes number = take_until(&path, ':');
		const struct bytes name = take_until(&path, ':');

		if (bytes_is_equal(number, bytes_from_text("0")) && name.len == 0)
			return path;
		if (bytes_is_equal(name, bytes_from_text("name=systemd")))
			found = path;
	}
	return found;
}

void peer_proc_unit_from_cgroup(
	struct bytes text, char out[static PEER_PROC_UNIT_MAX + 1])
{
	struct bytes path = find_path(text);
	struct bytes part = {.len = 0};

	out[0] = '\0';
	if (path.len == 0 || path.p[0] != '/')
		return;
	(void)take_until(&path, '/');
	do {
		part = take_until(&path, '/');
		/* systemd puts this before a name that the kernel could misread. */
		if (part.len > 0 && part.p[0] == '_') {
			part.p++;
			part.len--;
		}
		if (!is_unit(part))
			return;
	} while (ends_in(part, SLICE) && path.len > 0);
	if (ends_in(part, SLICE))
		return;
	memcpy(out, part.p, part.len);
	out[part.len] = '\0';
}

/* ---------------------------------------------------------------- files */

static int open_process(pid_t pid)
{
	char path[sizeof("/proc/") + NUMBER_TEXT_MAX];

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* What the file holds, as far as it fits into max bytes. */
static enum status read_text(
	int process, const char *name, size_t max, struct bytes *out, uint8_t *room)
{
	CLEANUP(fd_closep) int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return STATUS_NOT_FOUND;
	while (len < max) {
		const ssize_t n = read(fd, room + len, max - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return STATUS_NOT_FOUND;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*out = (struct bytes){room, len};
	return STATUS_OK;
}

static enum status read_unit(int process, char out[static PEER_PROC_UNIT_MAX + 1])
{
	uint8_t room[CGROUP_TEXT_MAX];
	struct bytes text;

	TRY(read_text(process, "cgroup", sizeof(room), &text, room));
	if (text.len == sizeof(room))
		return STATUS_NOT_FOUND; /* there may be more */
	peer_proc_unit_from_cgroup(text, out);
	return STATUS_OK;
}

static bool is_printable(struct bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.p[i] < 0x20 || bytes.p[i] >= 0x7f)
			return false;
	}
	return true;
}

/* Of other users' processes only whoever may trace them knows the program. */
static void read_exe(int process, char out[static PEER_PROC_EXE_MAX + 1])
{
	const ssize_t n = readlinkat(process, "exe", out, PEER_PROC_EXE_MAX + 1);
	const struct bytes path = {(const uint8_t *)out, n < 0 ? 0 : (size_t)n};

	if (path.len == 0 || path.len > PEER_PROC_EXE_MAX || !is_printable(path) ||
		ends_in(path, DELETED)) {
		out[0] = '\0';
		return;
	}
	out[path.len] = '\0';
}

/* A number of digits at the front of rest, and the tab behind it. */
static bool take_number(struct bytes *rest, uint64_t *out)
{
	const struct bytes digits = take_until(rest, '\t');
	char text[NUMBER_TEXT_MAX];

	if (digits.len >= sizeof(text))
		return false;
	memcpy(text, digits.p, digits.len);
	text[digits.len] = '\0';
	return text_to_number(text, UINT32_MAX, out);
}

/* Its effective user, which is the one that SO_PEERCRED had said. */
static bool is_of(int process, uid_t uid)
{
	uint8_t room[STATUS_TEXT_MAX];
	struct bytes text;
	uint64_t real, effective;
	const uint8_t *row;

	if (read_text(process, "status", sizeof(room), &text, room) != STATUS_OK)
		return false;
	row = memmem(text.p, text.len, UID_ROW, sizeof(UID_ROW) - 1);
	if (row == NULL)
		return false;
	text.len -= (size_t)(row - text.p) + sizeof(UID_ROW) - 1;
	text.p = row + sizeof(UID_ROW) - 1;
	return take_number(&text, &real) && take_number(&text, &effective) &&
	       effective == uid;
}

static bool is_alive(int pidfd)
{
	struct pollfd process = {.fd = pidfd, .events = POLLIN};

	return poll(&process, 1, 0) == 0;
}

static enum status read_all(int process, int pidfd, struct peer_proc *out)
{
	struct peer_proc facts;

	TRY(read_unit(process, facts.unit));
	read_exe(process, facts.exe);
	/* It has the number still, so what was read was about it. */
	if (!is_alive(pidfd))
		return STATUS_NOT_FOUND;
	*out = facts;
	return STATUS_OK;
}

enum status peer_proc_read(pid_t pid, int pidfd, struct peer_proc *out)
{
	CLEANUP(fd_closep) int process = open_process(pid);

	if (process < 0)
		return STATUS_NOT_FOUND;
	return read_all(process, pidfd, out);
}

/*
 * The process that connected may have ended before this, and its number be another's:
 * then that one must at least be of the same user, who could have connected himself.
 * From here on a pidfd that lives says more than a start time that is the same.
 */
enum status peer_proc_read_by_number(pid_t pid, uid_t uid, struct peer_proc *out)
{
	CLEANUP(fd_closep) int pidfd = pidfd_open(pid, 0);
	CLEANUP(fd_closep) int process = open_process(pid);

	if (pidfd < 0 || process < 0 || !is_of(process, uid))
		return STATUS_NOT_FOUND;
	return read_all(process, pidfd, out);
}

/* Process 1 is of root; of root's own there are enough others if we are root. */
bool peer_proc_can_see_others(void)
{
	return access("/proc/1/cgroup", R_OK) == 0;
}
