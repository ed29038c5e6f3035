/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subcommand is, and what the program exits with (design 4.5). main.c holds the
 * one table; each subcommand is a room with one `const struct command`.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_COMMAND_H
#define ZEGEL_CLI_COMMAND_H

enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_NO = 1,           /* verify, or audit, says no */
	EXIT_CODE_USAGE = 64,       /* wrong use of the command line */
	EXIT_CODE_DATA = 65,        /* bad data, or unsupported */
	EXIT_CODE_UNAVAILABLE = 69, /* no agent, or no token now */
	EXIT_CODE_INTERNAL = 70,
	EXIT_CODE_AGAIN = 75,    /* busy or too late: try again */
	EXIT_CODE_DENIED = 77,   /* denied, or locked */
	EXIT_CODE_SANDBOX = 125, /* the sandbox itself failed; 126 and 127 as env(1) */
};

struct command {
	const char *name;
	const char *summary; /* one line of `zegel help` */
	const char *help;    /* what `zegel NAME --help` prints */
	/* argv[0] is the subcommand's name; returns what the program exits with */
	int (*run)(int argc, char **argv);
};

extern const struct command seal_command;
extern const struct command keys_command;
extern const struct command cert_command;
extern const struct command status_command;
extern const struct command whoami_command;
extern const struct command verify_command;
extern const struct command audit_command;
extern const struct command sandbox_command;
extern const struct command policy_command;
extern const struct command reload_command;

#endif
