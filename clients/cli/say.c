/* SPDX-License-Identifier: Apache-2.0 */
#include "say.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "command.h"

enum {
	LINE_MAX_LEN = 1024,
};

FORMAT_PRINTF(3, 0)
static void say(
	const char *command, const char *word, const char *format, va_list arguments)
{
	char line[LINE_MAX_LEN];

	(void)vsnprintf(line, sizeof(line), format, arguments);
	for (char *c = line; *c != '\0'; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	(void)fprintf(stderr, "zegel: %s: %s: %s\n", command, word, line);
}

void say_error(const char *command, const char *word, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(command, word, format, arguments);
	va_end(arguments);
}

void say_hint(const char *command, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(command, "hint", format, arguments);
	va_end(arguments);
}

int say_usage(const char *command, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(command, "USAGE", format, arguments);
	va_end(arguments);
	say_hint(command, "see zegel %s --help", command);
	return EXIT_CODE_USAGE;
}

int say_bad_option(const char *command, int found, char **argv)
{
	const char *option = argv[optind - 1];

	if (found == ':')
		return say_usage(command, "%s wants a value", option);
	return say_usage(command, "%s is not an option, or takes no value", option);
}
