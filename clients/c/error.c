/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nine words, and why a call failed. A text may come from another process: it is
 * cut to size between characters and holds nothing that a terminal would act upon.
 */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[ZEGEL_OK] = "OK",
	[ZEGEL_INVALID] = "INVALID",
	[ZEGEL_DENIED] = "DENIED",
	[ZEGEL_LOCKED] = "LOCKED",
	[ZEGEL_BUSY] = "BUSY",
	[ZEGEL_TIMEOUT] = "TIMEOUT",
	[ZEGEL_UNAVAILABLE] = "UNAVAILABLE",
	[ZEGEL_UNSUPPORTED] = "UNSUPPORTED",
	[ZEGEL_INTERNAL] = "INTERNAL",
};

const char *zegel_status_name(enum zegel_status status)
{
	/* The caller's number may come from anywhere, so it is not trusted as an index. */
	const size_t at = (size_t)status;

	return at < sizeof(names) / sizeof(names[0]) ? names[at]
						     : names[ZEGEL_INTERNAL];
}

bool zegel_status_can_retry(enum zegel_status status)
{
	return status == ZEGEL_BUSY || status == ZEGEL_TIMEOUT ||
	       status == ZEGEL_UNAVAILABLE;
}

static bool is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

/* Whether c is a later byte of a UTF-8 character. */
static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Copies up to len bytes; what does not fit is left out by whole characters. */
static void put_text(struct zegel_error *error, const char *text, size_t len)
{
	size_t n = len < sizeof(error->text) ? len : sizeof(error->text) - 1;

	while (n < len && n > 0 && is_continuation((unsigned char)text[n]))
		n--;
	for (size_t i = 0; i < n; i++)
		error->text[i] = is_control((unsigned char)text[i]) ? '?' : text[i];
	error->text[n] = '\0';
}

enum zegel_status error_set(
	struct zegel_error *error, enum zegel_status status, const char *format, ...)
{
	char text[sizeof(error->text) + sizeof(struct sockaddr_un)];
	va_list arguments;

	if (error == NULL)
		return status;
	va_start(arguments, format);
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		text[0] = '\0';
	va_end(arguments);
	error->status = status;
	error->retry_after_ms = 0;
	put_text(error, text, strlen(text));
	return status;
}

enum zegel_status error_set_memory(struct zegel_error *error)
{
	return error_set(error, ZEGEL_INTERNAL, "out of memory");
}

enum zegel_status error_set_errno(
	struct zegel_error *error, enum zegel_status status, const char *what)
{
	const int number = errno;
	char room[128];

	return error_set(
		error, status, "%s: %s", what, strerror_r(number, room, sizeof(room)));
}

static enum zegel_status status_from_wire(Zegel__V1__Status status)
{
	const unsigned number = (unsigned)status;

	/* An error that says OK is as wrong as a word that we do not know. */
	if (number == 0 || number >= sizeof(names) / sizeof(names[0]))
		return ZEGEL_INTERNAL;
	return (enum zegel_status)number;
}

enum zegel_status error_set_answer(
	struct zegel_error *error, const Zegel__V1__Error *answer)
{
	const enum zegel_status status = status_from_wire(answer->status);

	if (error == NULL)
		return status;
	if (memchr(answer->text.data, '\0', answer->text.len) != NULL)
		return error_set(error, ZEGEL_INTERNAL,
			"the agent's answer has a text with a NUL in it");
	error->status = status;
	error->retry_after_ms =
		answer->has_retry_after_ms && zegel_status_can_retry(status)
			? answer->retry_after_ms
			: 0;
	put_text(error, (const char *)answer->text.data, answer->text.len);
	return status;
}
