/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for people, on standard error: `zegel: seal: DENIED: not allowed`. What others
 * said is made printable here, so that no byte of theirs drives a terminal.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_SAY_H
#define ZEGEL_CLI_SAY_H

#include "util/defs.h"

/* word: DENIED, INVALID, USAGE, …; a constant. */
void say_error(const char *command, const char *word, const char *format, ...)
	FORMAT_PRINTF(3, 4);
/* A second line that says what to do. */
void say_hint(const char *command, const char *format, ...) FORMAT_PRINTF(2, 3);
/* USAGE and where the help is; gives EXIT_CODE_USAGE, for `return say_usage(…)`. */
int say_usage(const char *command, const char *format, ...) FORMAT_PRINTF(2, 3);
/* After getopt_long() with ":" gave '?' or ':'; gives EXIT_CODE_USAGE. */
int say_bad_option(const char *command, int found, char **argv);

#endif
