/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data for programs, on standard output. Nothing is checked on the way; output_finish()
 * says whether everything arrived, so that a full disk is never taken for a seal.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_OUTPUT_H
#define ZEGEL_CLI_OUTPUT_H

#include <jansson.h>

#include "util/defs.h"

void output_format(const char *format, ...) FORMAT_PRINTF(1, 2);
/* The text without control and direction characters: for what others chose. */
void output_foreign(const char *text);
void output_bytes(struct bytes bytes);
/* exit_code, or EXIT_CODE_INTERNAL and words when something was not written. */
int output_finish(const char *command, int exit_code);
/* One JSON value and a newline, and finish. takes; NULL (no memory) is INTERNAL. */
int output_finish_json(const char *command, json_t *json, int exit_code);

#endif
