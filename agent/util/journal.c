/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "fd.h"

enum {
	LENGTH_LEN = 8, /* the length in front of a value in the binary form */
};

bool journal_is_stream(int fd, const char *stream)
{
	char ours[64];
	struct stat facts;

	if (stream == NULL || fstat(fd, &facts) != 0)
		return false;
	(void)snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)facts.st_dev,
		(uintmax_t)facts.st_ino);
	return strcmp(ours, stream) == 0;
}

static bool is_letter(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* No lower case, and no underscore in front: those fields are the journal's own. */
static bool is_field_name(const char *name)
{
	const size_t len = strlen(name);

	if (len > JOURNAL_NAME_MAX_LEN || !is_letter(name[0]))
		return false;
	for (size_t i = 0; i < len; i++) {
		const bool is_digit = name[i] >= '0' && name[i] <= '9';

		if (!is_letter(name[i]) && !is_digit && name[i] != '_')
			return false;
	}
	return true;
}

/* journal_append() has seen that there is room; must() would log, and so come back here. */
static void put(struct journal_entry *entry, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(entry->bytes + entry->len, bytes, len);
	entry->len += len;
}

static void put_length(struct journal_entry *entry, uint64_t length)
{
	for (int i = 0; i < LENGTH_LEN; i++) {
		const uint8_t byte = (uint8_t)(length >> 8 * i);

		put(entry, &byte, 1);
	}
}

void journal_append(struct journal_entry *entry, const char *name, struct bytes value)
{
	const size_t room = sizeof(entry->bytes) - entry->len;
	const size_t name_len = strlen(name);
	/* A newline ends a value in the short form, so such a value tells its length. */
	const bool is_binary =
		value.len > 0 && memchr(value.p, '\n', value.len) != NULL;
	const size_t around = name_len + 2 + (is_binary ? LENGTH_LEN : 0);

	if (!is_field_name(name) || around > room || value.len > room - around)
		return;
	put(entry, name, name_len);
	put(entry, is_binary ? "\n" : "=", 1);
	if (is_binary)
		put_length(entry, value.len);
	put(entry, value.p, value.len);
	put(entry, "\n", 1);
}

void journal_init(struct journal_entry *entry, struct bytes message)
{
	entry->len = 0;
	if (message.len > JOURNAL_MESSAGE_MAX)
		message.len = JOURNAL_MESSAGE_MAX;
	journal_append(entry, "MESSAGE", message);
}

enum status journal_send(const struct journal_entry *entry, const char *socket_path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP(fd_closep)
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ssize_t n;

	if (fd < 0 || strlen(socket_path) >= sizeof(address.sun_path))
		return STATUS_IO;
	memcpy(address.sun_path, socket_path, strlen(socket_path));
	n = sendto(fd, entry->bytes, entry->len, MSG_DONTWAIT | MSG_NOSIGNAL,
		(const struct sockaddr *)&address, sizeof(address));
	return n == (ssize_t)entry->len ? STATUS_OK : STATUS_IO;
}
