/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "say.h"

void output_format(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vprintf(format, arguments);
	va_end(arguments);
}

void output_foreign(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		(void)putchar((unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c);
}

void output_bytes(struct bytes bytes)
{
	if (bytes.len > 0)
		(void)fwrite(bytes.p, 1, bytes.len, stdout);
}

int output_finish(const char *command, int exit_code)
{
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		say_error(command, "INTERNAL", "cannot write the output: %s",
			errno == 0 ? "an earlier write failed" : strerror(errno));
		return EXIT_CODE_INTERNAL;
	}
	/* NFS and quotas tell only at close what write() promised. */
	if (close(STDOUT_FILENO) != 0 && errno != EBADF) {
		say_error(command, "INTERNAL", "cannot write the output: %s",
			strerror(errno));
		return EXIT_CODE_INTERNAL;
	}
	return exit_code;
}

int output_finish_json(const char *command, json_t *json, int exit_code)
{
	/* Each ferror() is seen by finish; no memory is not. */
	if (json == NULL || json_dumpf(json, stdout, JSON_INDENT(2)) != 0) {
		say_error(command, "INTERNAL", "out of memory, or cannot write");
		json_decref(json);
		return EXIT_CODE_INTERNAL;
	}
	json_decref(json);
	(void)putchar('\n');
	return output_finish(command, exit_code);
}
