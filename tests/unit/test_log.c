/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/fd.h"
#include "util/log.h"

enum {
	OUTPUT_MAX = 8192,
};

/* Standard error goes to a file while a test listens. */
struct ear {
	int file;
	int before;
	char text[OUTPUT_MAX];
};

static int listen_to_log(void **state)
{
	struct ear *ear = calloc(1, sizeof(*ear));

	if (ear == NULL)
		return -1;
	ear->file = memfd_create("log", MFD_CLOEXEC);
	ear->before = dup(STDERR_FILENO);
	*state = ear;
	return dup2(ear->file, STDERR_FILENO) < 0 ? -1 : 0;
}

static int stop_listening(void **state)
{
	struct ear *ear = *state;

	(void)dup2(ear->before, STDERR_FILENO);
	fd_closep(&ear->before);
	fd_closep(&ear->file);
	free(ear);
	return 0;
}

static const char *heard(struct ear *ear)
{
	const ssize_t n = pread(ear->file, ear->text, OUTPUT_MAX - 1, 0);

	assert_true(n >= 0);
	ear->text[n] = '\0';
	return ear->text;
}

static void log_writes_one_line_an_event(void **state)
{
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
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

static void log_shows_the_priority_to_the_journal(void **state)
{
	assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
	log_init("zegeld", LOG_INFO);
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	log_event(LOG_WARN, "a", "%s", "x=1");
	log_init("zegeld", LOG_INFO);
	assert_string_equal(heard(*state), "<4>zegeld: a x=1\n");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			log_writes_one_line_an_event, listen_to_log, stop_listening),
		cmocka_unit_test_setup_teardown(log_drops_what_is_above_the_level,
			listen_to_log, stop_listening),
		cmocka_unit_test_setup_teardown(log_shows_the_priority_to_the_journal,
			listen_to_log, stop_listening),
		cmocka_unit_test_setup_teardown(log_cuts_a_line_that_is_too_long,
			listen_to_log, stop_listening),
		cmocka_unit_test(log_text_leaves_printable_ascii_alone),
		cmocka_unit_test(log_text_escapes_all_else),
		cmocka_unit_test(log_text_says_that_it_was_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
