/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's journal, spoken to in its own protocol (JOURNAL_NATIVE_PROTOCOL at
 * systemd.io): an entry is one datagram of fields. It is so small that we speak it
 * ourselves: libsystemd would bring compression and gcrypt into the process that parses
 * strangers' bytes.
 *
 * An entry is at most JOURNAL_ENTRY_MAX bytes, which the smallest send buffer that Linux
 * knows takes in one datagram: EMSGSIZE does not happen. A field is in it whole or not at
 * all, since half a value would match what it is not; the message alone may be cut.
 *
 * It does not log, it never waits, and it keeps no descriptor: a module that closes what
 * is not its own cannot make us write into somebody else's socket.
 *
 * Thread: any
 */
#ifndef ZEGEL_UTIL_JOURNAL_H
#define ZEGEL_UTIL_JOURNAL_H

#include "defs.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum {
	JOURNAL_ENTRY_MAX = 4096,
	JOURNAL_MESSAGE_MAX = 2560, /* the rest is for the other fields */
	JOURNAL_NAME_MAX_LEN = 64,  /* of a field; systemd refuses longer ones */
};

struct journal_entry {
	uint8_t bytes[JOURNAL_ENTRY_MAX];
	size_t len;
};

/*
 * Whether fd is the journal's stream. stream: the value of JOURNAL_STREAM, "device:inode"
 * (systemd.exec(5)), or NULL. The variable alone proves nothing: children inherit it
 * whose standard error goes elsewhere.
 */
bool journal_is_stream(int fd, const char *stream);

/* An entry with its MESSAGE, which is cut after JOURNAL_MESSAGE_MAX bytes. */
void journal_init(struct journal_entry *entry, struct bytes message);
/*
 * Adds a field, whatever bytes its value has. Leaves it out when it does not fit, or when
 * name is none that a field can have: 1 to 64 of A-Z 0-9 _, the first one a letter.
 */
void journal_append(struct journal_entry *entry, const char *name, struct bytes value);

/* IO: nobody is there, or it would have to wait. */
MUST_CHECK enum status journal_send(
	const struct journal_entry *entry, const char *socket_path);

#endif
