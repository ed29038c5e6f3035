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

/* One character of UTF-8 and its length; what is none is 0, and one byte long. */
static size_t decode(const unsigned char *text, uint32_t *out)
{
	static const struct {
		unsigned char mask, head;
	} kinds[] = {{0x80, 0x00}, {0xe0, 0xc0}, {0xf0, 0xe0}, {0xf8, 0xf0}};

	for (size_t n = 0; n < ARRAY_LEN(kinds); n++) {
		uint32_t character = text[0] & (unsigned char)~kinds[n].mask;
		size_t at = 1;

		if ((text[0] & kinds[n].mask) != kinds[n].head)
			continue;
		for (; at <= n && (text[at] & 0xc0) == 0x80; at++)
			character = character << 6 | (text[at] & 0x3f);
		*out = character;
		if (at == n + 1)
			return at;
	}
	*out = 0;
	return 1;
}

/* What could drive a terminal, or show a text in another order than it has. */
static bool is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
	       character == 0x61c || character == 0x200e || character == 0x200f ||
	       (character >= 0x2028 && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069);
}

void output_foreign(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at != '\0') {
		uint32_t character;
		const size_t len = decode(at, &character);

		if (is_control(character))
			(void)putchar('?');
		else
			(void)fwrite(at, 1, len, stdout);
		at += len;
	}
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
	if (json == NULL ||
		json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) != 0) {
		say_error(command, "INTERNAL", "out of memory, or cannot write");
		json_decref(json);
		return EXIT_CODE_INTERNAL;
	}
	json_decref(json);
	(void)putchar('\n');
	return output_finish(command, exit_code);
}
