/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PIN in memory: pages of its own between two guard pages, locked, left out of dumps
 * and of children, wiped. Never copied by value, never printed.
 *
 * Thread: any
 */
#ifndef ZEGEL_UTIL_SECRET_H
#define ZEGEL_UTIL_SECRET_H

#include "defs.h"

enum {
	SECRET_MAX = 256, /* the longest PIN (bytes) that is accepted */
};

struct secret {
	uint8_t *p; /* owns SECRET_MAX bytes, NULL when empty */
	size_t len;
};

#define SECRET_INIT ((struct secret){.p = NULL})

/*
 * Reads a PIN from the start of fd with pread, so that a memfd or file can be read again
 * by the next process; a pipe is read once. One trailing newline is dropped.
 * BAD_FILE when it is empty or longer than SECRET_MAX.
 */
MUST_CHECK enum status secret_read(struct secret *secret, int fd);
/* Wipes and unmaps; secret may be empty. */
void secret_deinit(struct secret *secret);

#endif
