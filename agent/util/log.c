/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd.h"
#include "journal.h"

#define FIELD_PREFIX "ZEGEL_"

enum {
	LINE_MAX_LEN = 2048, /* with the newline */
	PRIORITY_LEN = 3,    /* <6> */
	FACTS_MAX = 512,     /* a format of facts */
};

_Static_assert((int)LINE_MAX_LEN <= (int)JOURNAL_MESSAGE_MAX, "a MESSAGE is never cut");

/* "<6>zegeld: token ready token=usb\n" */
struct line {
	char text[LINE_MAX_LEN];
	size_t message_at;
	size_t facts_at;
	size_t len; /* without the newline */
};

static struct {
	const char *program;
	enum log_level max_level;
	const char *journal; /* borrows; NULL: standard error is not the journal's */
	atomic_uint n_lost;  /* since the start */
	atomic_bool is_lost_untold;
} state = {.program = "zegel", .max_level = LOG_INFO};

void log_init_at(
	const char *program, enum log_level max_level, const char *journal_socket)
{
	const bool is_journal =
		journal_is_stream(STDERR_FILENO, getenv("JOURNAL_STREAM"));

	state.program = program;
	state.max_level = max_level;
	state.journal = is_journal ? journal_socket : NULL;
}

void log_init(const char *program, enum log_level max_level)
{
	log_init_at(program, max_level, JOURNAL_SOCKET);
}

/* Where a line ends after n more characters, as snprintf() counts them. */
static size_t advance(size_t at, int n)
{
	const size_t end = LINE_MAX_LEN - 1;

	if (n < 0)
		return at;
	return (size_t)n > end - at ? end : at + (size_t)n;
}

/* Whatever a call site forgot to pass through log_text(): one line, for any terminal. */
static void make_printable(struct line *line)
{
	for (size_t i = 0; i < line->len; i++) {
		if (line->text[i] < 0x20 || line->text[i] > 0x7e)
			line->text[i] = '?';
	}
}

/* A line that does not fit is cut. */
FORMAT_PRINTF(4, 0)
static void compose(struct line *line, enum log_level level, const char *message,
	const char *facts, va_list arguments)
{
	const size_t room = sizeof(line->text);
	va_list copy;
	int n;

	n = snprintf(line->text, room, "<%d>%s: ", (int)level, state.program);
	line->message_at = advance(0, n);
	n = snprintf(
		line->text + line->message_at, room - line->message_at, "%s ", message);
	line->facts_at = advance(line->message_at, n);
	va_copy(copy, arguments);
	n = vsnprintf(line->text + line->facts_at, room - line->facts_at, facts, copy);
	va_end(copy);
	line->len = advance(line->facts_at, n);
	make_printable(line);
	line->text[line->len] = '\n';
}

/* Up to the space that parts it from the next fact. */
static size_t fact_len(const char *facts)
{
	bool is_quoted = false;
	size_t len = 0;

	while (facts[len] != '\0' && (is_quoted || facts[len] != ' ')) {
		is_quoted ^= facts[len] == '"';
		len++;
	}
	return len;
}

/*
 * How long a text the first len characters of a format make. The compilers warn of
 * formats that they cannot read; this one they have read, uncut, at the call.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int measure(const char *facts, size_t len, va_list arguments)
{
	char format[FACTS_MAX];
	va_list copy;
	int n;

	if (len >= sizeof(format))
		return -1;
	memcpy(format, facts, len);
	format[len] = '\0';
	va_copy(copy, arguments);
	n = vsnprintf(NULL, 0, format, copy);
	va_end(copy);
	return n;
}
#pragma GCC diagnostic pop

/* fact: of the format, key="%s"; shown: what it became. */
static void append_fact(
	struct journal_entry *entry, struct bytes fact, struct bytes shown)
{
	const uint8_t *equals = fact.len == 0 ? NULL : memchr(fact.p, '=', fact.len);
	char name[JOURNAL_NAME_MAX_LEN + 1] = FIELD_PREFIX;
	size_t at = strlen(FIELD_PREFIX);
	size_t key_len, quote_len;

	if (equals == NULL || equals == fact.p)
		return;
	key_len = (size_t)(equals - fact.p);
	quote_len = fact.len > key_len + 1 && equals[1] == '"' ? 1 : 0;
	if (quote_len > 0 && (fact.len < key_len + 3 || fact.p[fact.len - 1] != '"'))
		return;
	if (key_len > sizeof(name) - 1 - at || shown.len < key_len + 1 + 2 * quote_len)
		return;
	for (size_t i = 0; i < key_len; i++) {
		const bool is_lower = fact.p[i] >= 'a' && fact.p[i] <= 'z';

		name[at++] = (char)(is_lower ? fact.p[i] - 'a' + 'A' : fact.p[i]);
	}
	name[at] = '\0';
	shown.p += key_len + 1 + quote_len;
	shown.len -= key_len + 1 + 2 * quote_len;
	journal_append(entry, name, shown);
}

/*
 * Where a fact ends is found by formatting the facts up to there, not by reading the
 * text: a value may hold whatever it likes. A fact that the line's end cut is left out.
 */
static void append_facts(struct journal_entry *entry, const struct line *line,
	const char *facts, va_list arguments)
{
	size_t begin = line->facts_at;
	size_t at = 0;

	while (facts[at] != '\0') {
		const size_t len = fact_len(facts + at);
		const int n = measure(facts, at + len, arguments);
		const size_t end = line->facts_at + (n < 0 ? 0 : (size_t)n);

		if (n < 0 || end > line->len || end < begin)
			return;
		append_fact(entry, (struct bytes){(const uint8_t *)facts + at, len},
			(struct bytes){
				(const uint8_t *)line->text + begin, end - begin});
		at += len;
		if (facts[at] == ' ')
			at++;
		begin = end + 1;
	}
}

static bool tell_journal(const struct line *line, const char *facts, va_list arguments)
{
	const struct bytes message = {(const uint8_t *)line->text + line->message_at,
		line->len - line->message_at};
	struct journal_entry entry;

	journal_init(&entry, message);
	/* The digit of <6>. */
	journal_append(
		&entry, "PRIORITY", (struct bytes){(const uint8_t *)line->text + 1, 1});
	journal_append(&entry, "SYSLOG_IDENTIFIER", bytes_from_text(state.program));
	append_facts(&entry, line, facts, arguments);
	return journal_send(&entry, state.journal) == STATUS_OK;
}

/*
 * When the journal hangs we must not hang with it (R22), so a line that would have to
 * wait is lost. A stream socket takes a line of this size whole or not at all.
 */
static bool tell_stream(const struct line *line)
{
	const struct bytes all = {(const uint8_t *)line->text, line->len + 1};
	const ssize_t n =
		send(STDERR_FILENO, all.p, all.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK)
		return fd_write_all(STDERR_FILENO, all) == STATUS_OK;
	return n == (ssize_t)all.len;
}

/* False when nobody took the line. */
static bool tell(const struct line *line, const char *facts, va_list arguments)
{
	const struct bytes plain = {(const uint8_t *)line->text + PRIORITY_LEN,
		line->len + 1 - PRIORITY_LEN};

	if (state.journal == NULL)
		return fd_write_all(STDERR_FILENO, plain) == STATUS_OK;
	return tell_journal(line, facts, arguments) || tell_stream(line);
}

void log_event(enum log_level level, const char *message, const char *facts, ...)
{
	struct line line;
	va_list arguments;
	bool is_told;

	if (level > state.max_level)
		return;
	va_start(arguments, facts);
	compose(&line, level, message, facts, arguments);
	is_told = tell(&line, facts, arguments);
	va_end(arguments);
	if (!is_told) {
		(void)atomic_fetch_add(&state.n_lost, 1);
		atomic_store(&state.is_lost_untold, true);
	}
	if (is_told && atomic_exchange(&state.is_lost_untold, false))
		log_event(LOG_WARN, "lines of this log were lost", "since_start=%u",
			atomic_load(&state.n_lost));
}

struct log_text log_text(struct bytes foreign)
{
	struct log_text out = {.text = ""};
	size_t at = 0;

	for (size_t i = 0; i < foreign.len; i++) {
		const uint8_t c = foreign.p[i];
		const bool is_plain = c > 0x20 && c < 0x7f && c != '"' && c != '\\';

		if (at + 4 > sizeof(out.text) - 4) {
			memcpy(out.text + at, "...", 4);
			return out;
		}
		if (is_plain || c == ' ')
			out.text[at++] = (char)c;
		else
			at += (size_t)snprintf(out.text + at, 5, "\\x%02x", c);
	}
	out.text[at] = '\0';
	return out;
}
