/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel audit: the record, read by people and judged. The subcommands are a file each;
 * what they share is here.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_AUDIT_H
#define ZEGEL_CLI_AUDIT_H

#include "sources.h"

/* argv[0] is the subcommand's name; they give what the program exits with. */
int audit_verify(int argc, char **argv);
int audit_show(int argc, char **argv);
int audit_checkpoint(int argc, char **argv);

/*
 * The files named, or those of the default directory where none is, in their order.
 * Gives the exit code; what went wrong is said.
 */
int audit_open(const char *command, char **paths, struct sources *out);
/* A status that reading them gave, of the file that *sources was at; the exit code. */
int audit_fail(const char *command, enum status status, const struct source *at);

#endif
