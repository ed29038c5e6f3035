/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/fd.h"
#include "util/journal.h"
#include "util/log.h"

enum {
	OUTPUT_MAX = 8192,
	FIELDS_MAX = 16,
	NASTY_MAX = 300,
	NASTY_ROUNDS = 100000,
};

/* Standard error goes to a file while a test listens; the journal is a socket of ours. */
struct ear {
	char folder[32];
	char path[64];
	int file;
	int journal;
	int before;
	char text[OUTPUT_MAX];
};

static int open_journal(struct ear *ear)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)strcpy(ear->folder, "/tmp/zegel-log-XXXXXX");
	if (mkdtemp(ear->folder) == NULL)
		return -1;
	(void)snprintf(ear->path, sizeof(ear->path), "%s/socket", ear->folder);
	(void)strcpy(address.sun_path, ear->path);
	ear->journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return bind(ear->journal, (const struct sockaddr *)&address, sizeof(address));
}

static int listen_to_log(void **state)
{
	struct ear *ear = calloc(1, sizeof(*ear));

	if (ear == NULL)
		return -1;
	*state = ear;
	ear->file = memfd_create("log", MFD_CLOEXEC);
	ear->before = dup(STDERR_FILENO);
	if (unsetenv("JOURNAL_STREAM") != 0 || open_journal(ear) != 0)
		return -1;
	return dup2(ear->file, STDERR_FILENO) < 0 ? -1 : 0;
}

static int stop_listening(void **state)
{
	struct ear *ear = *state;

	(void)dup2(ear->before, STDERR_FILENO);
	(void)unsetenv("JOURNAL_STREAM");
	fd_closep(&ear->before);
	fd_closep(&ear->file);
	fd_closep(&ear->journal);
	(void)unlink(ear->path);
	(void)rmdir(ear->folder);
	free(ear);
	return 0;
}

/* Standard error is now what systemd says is the journal's. */
static void become_service(const struct ear *ear)
{
	char stream[64];
	struct stat facts;

	assert_int_equal(fstat(STDERR_FILENO, &facts), 0);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)facts.st_dev,
		(uintmax_t)facts.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	log_init_at("zegeld", LOG_INFO, ear->path);
}

static const char *heard(struct ear *ear)
{
	const ssize_t n = pread(ear->file, ear->text, OUTPUT_MAX - 1, 0);

	assert_true(n >= 0);
	ear->text[n] = '\0';
	return ear->text;
}

static void forget(struct ear *ear)
{
	assert_int_equal(ftruncate(ear->file, 0), 0);
	assert_int_equal(lseek(ear->file, 0, SEEK_SET), 0);
}

/* The next entry that the journal got, "NAME=value\nNAME=value\n"; "" for none. */
static const char *entry(struct ear *ear)
{
	const ssize_t n = recv(ear->journal, ear->text, OUTPUT_MAX - 1, MSG_TRUNC);

	if (n < 0)
		return "";
	assert_true(n <= JOURNAL_ENTRY_MAX);
	ear->text[n] = '\0';
	assert_int_equal(strlen(ear->text), n);
	return ear->text;
}

static void log_writes_one_line_an_event(void **state)
{
	log_init("zegeld", LOG_INFO);
	log_event(LOG_NOTICE, "token up", "token=%s", "usb");
	log_event(LOG_INFO, "ready", "%s", "");
	assert_string_equal(heard(*state), "zegeld: token up token=usb\n"
					   "zegeld: ready \n");
}

static void log_drops_what_is_above_the_level(void **state)
{
	log_init("zegeld", LOG_WARN);
	log_event(LOG_NOTICE, "a", "%s", "");
	log_event(LOG_DEBUG, "b", "%s", "");
	log_event(LOG_ERR, "c", "%s", "x=1");
	assert_string_equal(heard(*state), "zegeld: c x=1\n");
}

static void log_needs_more_than_the_variable_of_the_journal(void **state)
{
	struct ear *ear = *state;

	assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
	log_init_at("zegeld", LOG_INFO, ear->path);
	log_event(LOG_WARN, "a", "x=%d", 1);
	assert_string_equal(heard(ear), "zegeld: a x=1\n");
	assert_string_equal(entry(ear), "");
}

static void log_gives_the_journal_each_fact_as_a_field(void **state)
{
	struct ear *ear = *state;

	become_service(ear);
	log_event(LOG_NOTICE, "token up", "token=%s", "usb");
	assert_string_equal(entry(ear),
		"MESSAGE=token up token=usb\nPRIORITY=5\nSYSLOG_IDENTIFIER=zegeld\n"
		"ZEGEL_TOKEN=usb\n");
	log_event(LOG_INFO, "a, b=c",
		"req=%x.%u rv=0x%x why=\"%s, %s\" at=%s:%d none=\"%s\"", 255u, 7u, 5u,
		"no such file", "or=folder", "x.c", 12, "");
	assert_string_equal(entry(ear),
		"MESSAGE=a, b=c req=ff.7 rv=0x5 why=\"no such file, or=folder\" "
		"at=x.c:12 none=\"\"\nPRIORITY=6\nSYSLOG_IDENTIFIER=zegeld\n"
		"ZEGEL_REQ=ff.7\nZEGEL_RV=0x5\nZEGEL_WHY=no such file, or=folder\n"
		"ZEGEL_AT=x.c:12\nZEGEL_NONE=\n");
	log_event(LOG_DEBUG, "a", "x=%d", 1);
	assert_string_equal(entry(ear), "");
	assert_string_equal(heard(ear), "");
}

/* The lint refuses such calls; what it does not see must do no harm. */
static void log_leaves_out_what_is_no_fact(void **state)
{
	struct ear *ear = *state;

	become_service(ear);
	log_event(LOG_INFO, "a", "%s x=%d", "b=c", 1);
	assert_string_equal(entry(ear),
		"MESSAGE=a b=c x=1\nPRIORITY=6\nSYSLOG_IDENTIFIER=zegeld\nZEGEL_X=1\n");
	log_event(LOG_INFO, "a", "%s=%d  =2 =%s d b-c=3 x=4", "PID", 1, "e");
	assert_string_equal(entry(ear),
		"MESSAGE=a PID=1  =2 =e d b-c=3 x=4\nPRIORITY=6\n"
		"SYSLOG_IDENTIFIER=zegeld\nZEGEL_X=4\n");
	log_event(LOG_INFO, "a", "x=%s y=\"%s", "1", "2 z=3");
	assert_string_equal(entry(ear),
		"MESSAGE=a x=1 y=\"2 z=3\nPRIORITY=6\nSYSLOG_IDENTIFIER=zegeld\n"
		"ZEGEL_X=1\n");
}

static void log_falls_back_on_standard_error(void **state)
{
	struct ear *ear = *state;

	become_service(ear);
	assert_int_equal(unlink(ear->path), 0);
	log_event(LOG_WARN, "a", "x=%d", 1);
	log_event(LOG_INFO, "b", "x=%d", 2);
	assert_string_equal(heard(ear), "<4>zegeld: a x=1\n<6>zegeld: b x=2\n");
}

/* A journal that neither reads its socket nor our standard error. */
static void log_loses_lines_rather_than_wait_and_says_so(void **state)
{
	struct ear *ear = *state;
	char line[OUTPUT_MAX];
	ssize_t n;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(dup2(pair[0], STDERR_FILENO), STDERR_FILENO);
	fd_closep(&pair[0]);
	become_service(ear);
	assert_int_equal(unlink(ear->path), 0);
	memset(line, 'x', sizeof(line));
	while (send(STDERR_FILENO, line, sizeof(line), MSG_DONTWAIT) > 0)
		continue;
	log_event(LOG_WARN, "lost", "x=%d", 0);
	log_event(LOG_WARN, "lost", "x=%d", 0);
	while (recv(pair[1], line, sizeof(line), MSG_DONTWAIT) > 0)
		continue;
	log_event(LOG_WARN, "a", "x=%d", 1);
	log_event(LOG_WARN, "b", "x=%d", 2);
	n = recv(pair[1], line, sizeof(line) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	line[n] = '\0';
	assert_string_equal(line,
		"<4>zegeld: a x=1\n"
		"<4>zegeld: lines of this log were lost since_start=2\n"
		"<4>zegeld: b x=2\n");
	fd_closep(&pair[1]);
}

static void log_cuts_a_line_that_is_too_long(void **state)
{
	char long_fact[4096];
	const char *line;

	memset(long_fact, 'x', sizeof(long_fact) - 1);
	long_fact[sizeof(long_fact) - 1] = '\0';
	log_init("zegeld", LOG_INFO);
	log_event(LOG_WARN, "a", "%s", long_fact);
	line = heard(*state);
	assert_in_range(strlen(line), 1000, 2048);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

/* What is cut is the text; a field is there whole or not at all. */
static void log_gives_no_field_that_the_lines_end_has_cut(void **state)
{
	struct ear *ear = *state;
	char long_fact[2010];
	const char *text;

	memset(long_fact, 'x', sizeof(long_fact) - 1);
	long_fact[sizeof(long_fact) - 1] = '\0';
	become_service(ear);
	log_event(LOG_WARN, "a", "b=1 c=\"%s\" d=\"%s\" e=2", long_fact,
		"planning-office");
	text = entry(ear);
	assert_non_null(strstr(text, "x\" d=\"planning-offi\nPRIORITY=4\n"));
	assert_non_null(strstr(text, "\nZEGEL_B=1\n"));
	assert_null(strstr(text, "\nZEGEL_D="));
	assert_null(strstr(text, "\nZEGEL_E="));
}

static void log_text_leaves_printable_ascii_alone(void **state)
{
	(void)state;
	assert_string_equal(log_text(bytes_from_text("")).text, "");
	assert_string_equal(log_text(bytes_from_text("A z~/=:")).text, "A z~/=:");
}

static void log_text_escapes_all_else(void **state)
{
	const struct bytes foreign = {(const uint8_t *)"a\n\"\\\0\x7f\xff", 7};

	(void)state;
	assert_string_equal(log_text(foreign).text, "a\\x0a\\x22\\x5c\\x00\\x7f\\xff");
}

static void log_text_says_that_it_was_cut(void **state)
{
	static const uint8_t newlines[1000] = {'\n'};
	uint8_t plain[1000];
	struct log_text text;

	(void)state;
	memset(plain, 'x', sizeof(plain));
	text = log_text((struct bytes){plain, sizeof(plain)});
	assert_in_range(strlen(text.text), LOG_TEXT_MAX - 12, LOG_TEXT_MAX - 1);
	assert_string_equal(text.text + strlen(text.text) - 3, "...");
	text = log_text((struct bytes){newlines, sizeof(newlines)});
	assert_in_range(strlen(text.text), LOG_TEXT_MAX - 12, LOG_TEXT_MAX - 1);
	assert_string_equal(text.text + strlen(text.text) - 3, "...");
}

/* Fixed seed (R31). */
static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

static struct bytes make_nasty(uint32_t *seed, uint8_t out[static NASTY_MAX])
{
#define PIECE(text)                                                                    \
	{                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                              \
	}
	static const struct bytes pieces[] = {PIECE("\n"), PIECE("\r\n"), PIECE("\0"),
		PIECE("\""), PIECE("\\"), PIECE("\\\""), PIECE("'"),
		PIECE("\x1b[2J\x1b[31m"), PIECE("\x1b]0;t\x07"), PIECE("\x9b\x31m"),
		PIECE("\xc2\x9b\x31m"), PIECE("\xc2\x85"), PIECE("\xe2\x80\xa8"),
		PIECE("\xe2\x80\xa9"), PIECE("\xe2\x80\xae"), PIECE("\xe2\x81\xa6"),
		PIECE("\xc0\x8a"), PIECE("\xe0\x80\x8a"), PIECE("\xed\xa0\x80"),
		PIECE("\xed\xb0\x80"), PIECE("\xf4\x90\x80\x80"), PIECE("\xef\xbb\xbf"),
		PIECE("\xff\xfe"), PIECE("\x7f"), PIECE("\x08\x08"), PIECE("%s%n"),
		PIECE("="), PIECE(" "), PIECE(" status=OK"), PIECE("\" status=\"OK"),
		PIECE("\" KEY=x"), PIECE("\nPRIORITY=0"), PIECE("\n_UID=0"),
		PIECE("\nZEGEL_STATUS=OK\n"), PIECE("\nMESSAGE\n\1\0\0\0\0\0\0\0x\n"),
		PIECE("<0>zegeld: sealed"), PIECE("\x00\x01\x02"),
		PIECE("planning-api")};
#undef PIECE
	const uint32_t n = draw(seed, 12);
	size_t len = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct bytes piece = pieces[draw(seed, ARRAY_LEN(pieces))];

		memcpy(out + len, piece.p, piece.len);
		len += piece.len;
		if (draw(seed, 2) == 0)
			out[len++] = (uint8_t)draw(seed, 256);
	}
	return (struct bytes){out, len};
}

static void assert_printable(const char *text)
{
	for (; *text != '\0'; text++)
		assert_in_range((uint8_t)*text, 0x20, 0x7e);
}

/* A peer's bytes in a quoted fact, as every room writes them. */
static void log_shows_foreign_bytes_in_one_line_and_one_field(void **state)
{
	struct ear *ear = *state;
	uint8_t bytes[NASTY_MAX];
	char expected[2 * OUTPUT_MAX];
	uint32_t seed = 49;

	for (int i = 0; i < NASTY_ROUNDS; i++) {
		const struct log_text shown = log_text(make_nasty(&seed, bytes));

		assert_printable(shown.text);
		assert_null(strchr(shown.text, '"'));
		log_init_at("zegeld", LOG_INFO, ear->path);
		log_event(LOG_INFO, "denied", "uid=%d aud=\"%s\" status=%s", 7,
			shown.text, "DENIED");
		(void)snprintf(expected, sizeof(expected),
			"zegeld: denied uid=7 aud=\"%s\" status=DENIED\n", shown.text);
		assert_string_equal(heard(ear), expected);
		forget(ear);

		become_service(ear);
		log_event(LOG_INFO, "denied", "uid=%d aud=\"%s\" status=%s", 7,
			shown.text, "DENIED");
		(void)snprintf(expected, sizeof(expected),
			"MESSAGE=denied uid=7 aud=\"%s\" status=DENIED\nPRIORITY=6\n"
			"SYSLOG_IDENTIFIER=zegeld\nZEGEL_UID=7\nZEGEL_AUD=%s\n"
			"ZEGEL_STATUS=DENIED\n",
			shown.text, shown.text);
		assert_string_equal(entry(ear), expected);
		assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	}
}

/* As C takes it: up to a NUL, and nothing that could not stand in a line. */
static void flatten(struct bytes bytes, char out[static NASTY_MAX])
{
	size_t i = 0;

	for (; i < bytes.len && bytes.p[i] != '\0'; i++)
		out[i] = bytes.p[i] >= 0x20 && bytes.p[i] <= 0x7e ? (char)bytes.p[i]
								  : '?';
	out[i] = '\0';
}

/* A call site that forgot log_text(), and the quotes too: ugly, but nothing is forged. */
static void log_holds_when_a_call_forgets_to_escape(void **state)
{
	struct ear *ear = *state;
	uint8_t bytes[NASTY_MAX + 1];
	char flat[NASTY_MAX], expected[2 * OUTPUT_MAX];
	uint32_t seed = 22;

	become_service(ear);
	for (int i = 0; i < NASTY_ROUNDS; i++) {
		const struct bytes nasty = make_nasty(&seed, bytes);

		bytes[nasty.len] = '\0';
		flatten(nasty, flat);
		log_event(LOG_INFO, "denied", "uid=%d aud=%s status=%s", 7,
			(const char *)bytes, "DENIED");
		(void)snprintf(expected, sizeof(expected),
			"MESSAGE=denied uid=7 aud=%s status=DENIED\nPRIORITY=6\n"
			"SYSLOG_IDENTIFIER=zegeld\nZEGEL_UID=7\nZEGEL_AUD=%s\n"
			"ZEGEL_STATUS=DENIED\n",
			flat, flat);
		assert_string_equal(entry(ear), expected);
	}
	assert_string_equal(heard(ear), "");
}

#define LISTENING(test)                                                                \
	cmocka_unit_test_setup_teardown(test, listen_to_log, stop_listening)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LISTENING(log_writes_one_line_an_event),
		LISTENING(log_drops_what_is_above_the_level),
		LISTENING(log_needs_more_than_the_variable_of_the_journal),
		LISTENING(log_gives_the_journal_each_fact_as_a_field),
		LISTENING(log_leaves_out_what_is_no_fact),
		LISTENING(log_falls_back_on_standard_error),
		LISTENING(log_loses_lines_rather_than_wait_and_says_so),
		LISTENING(log_cuts_a_line_that_is_too_long),
		LISTENING(log_gives_no_field_that_the_lines_end_has_cut),
		cmocka_unit_test(log_text_leaves_printable_ascii_alone),
		cmocka_unit_test(log_text_escapes_all_else),
		cmocka_unit_test(log_text_says_that_it_was_cut),
		LISTENING(log_shows_foreign_bytes_in_one_line_and_one_field),
		LISTENING(log_holds_when_a_call_forgets_to_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
