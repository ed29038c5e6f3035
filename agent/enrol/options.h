/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, checked whole before any module is loaded. A PIN is never on it,
 * only the number of a descriptor.
 *
 * Thread: main
 */
#ifndef ZEGEL_ENROL_OPTIONS_H
#define ZEGEL_ENROL_OPTIONS_H

#include "kind.h"
#include "util/defs.h"

enum {
	OPTIONS_ID_MAX = 32, /* bytes */
};

enum options_command {
	OPTIONS_INIT,
	OPTIONS_KEYGEN,
	OPTIONS_CERTIFICATE,
	OPTIONS_HELP,
};

/* Borrows argv. What a command does not take is as OPTIONS_DEFAULT has it. */
struct options {
	enum options_command command;
	const char *module;
	const char *uri;
	const char *label;
	const char *file;
	const struct kind *kind;
	uint8_t id[OPTIONS_ID_MAX];
	size_t id_len; /* 0: none given */
	int pin_fd;
	int so_pin_fd;
	unsigned deadline_s;
	unsigned given; /* the room's own */
};

/* USAGE, with a line on standard error that says what was expected. */
MUST_CHECK enum status options_read(int argc, char **argv, struct options *out);
/* Borrowed for ever. */
const char *options_help(void);

#endif
