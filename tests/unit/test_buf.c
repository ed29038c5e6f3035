/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/buf.h"

static void assert_holds(const struct buf *buf, const char *text)
{
	assert_true(bytes_is_equal(buf_get(buf), bytes_from_text(text)));
}

static void buf_holds_what_was_appended(void **state)
{
	CLEANUP(buf_deinit) struct buf buf = BUF_INIT(1024);

	(void)state;
	assert_int_equal(buf_append_text(&buf, "one "), STATUS_OK);
	assert_int_equal(
		buf_append(&buf, (struct bytes){(const uint8_t *)"two", 3}), STATUS_OK);
	assert_int_equal(buf_append_format(&buf, " %d-%s", 3, "x"), STATUS_OK);
	assert_holds(&buf, "one two 3-x");
}

static void buf_append_that_does_not_fit_changes_nothing(void **state)
{
	CLEANUP(buf_deinit) struct buf buf = BUF_INIT(5);

	(void)state;
	assert_int_equal(buf_append_text(&buf, "abc"), STATUS_OK);
	assert_int_equal(buf_append_text(&buf, "def"), STATUS_NO_MEMORY);
	assert_int_equal(buf_append_format(&buf, "%s", "def"), STATUS_NO_MEMORY);
	assert_holds(&buf, "abc");
	assert_int_equal(buf_append_text(&buf, "de"), STATUS_OK);
	assert_holds(&buf, "abcde");
}

static void buf_formats_whatever_length(void **state)
{
	(void)state;
	for (int len = 500; len < 530; len++) {
		CLEANUP(buf_deinit) struct buf buf = BUF_INIT(528);
		const enum status expected = len < 528 ? STATUS_OK : STATUS_NO_MEMORY;
		const char *text = NULL;

		assert_int_equal(buf_append_format(&buf, "%0*d-", len, 7), expected);
		if (expected != STATUS_OK)
			continue;
		assert_int_equal(buf_get_text(&buf, &text), STATUS_OK);
		assert_int_equal(strlen(text), len + 1);
		assert_string_equal(text + len - 2, "07-");
	}
}

static void buf_refuses_a_length_that_would_wrap_around(void **state)
{
	CLEANUP(buf_deinit) struct buf buf = BUF_INIT(64);

	(void)state;
	assert_int_equal(buf_append_text(&buf, "abc"), STATUS_OK);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX), STATUS_NO_MEMORY);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX - 2), STATUS_NO_MEMORY);
	assert_holds(&buf, "abc");
}

static void buf_consume_drops_from_the_front(void **state)
{
	CLEANUP(buf_deinit) struct buf buf = BUF_INIT(64);

	(void)state;
	buf_consume(&buf, 0);
	assert_int_equal(buf_append_text(&buf, "abcdef"), STATUS_OK);
	buf_consume(&buf, 2);
	assert_holds(&buf, "cdef");
	buf_consume(&buf, 4);
	assert_holds(&buf, "");
}

static void buf_clear_forgets_the_bytes_and_keeps_the_memory(void **state)
{
	CLEANUP(buf_deinit) struct buf buf = BUF_INIT(64);
	size_t room;

	(void)state;
	assert_int_equal(buf_append_text(&buf, "abc"), STATUS_OK);
	room = buf.room;
	buf_clear(&buf);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf.room, room);
}

static void buf_text_ends_in_a_nul_that_does_not_count(void **state)
{
	CLEANUP(buf_deinit) struct buf buf = BUF_INIT(3);
	const char *text = NULL;

	(void)state;
	assert_int_equal(buf_get_text(&buf, &text), STATUS_OK);
	assert_string_equal(text, "");
	assert_int_equal(buf_append_text(&buf, "abc"), STATUS_OK);
	assert_int_equal(buf_get_text(&buf, &text), STATUS_OK);
	assert_string_equal(text, "abc");
	assert_int_equal(buf.len, 3);
}

static void buf_grows_up_to_its_maximum_and_no_further(void **state)
{
	CLEANUP(buf_deinit) struct buf buf = BUF_INIT(1000);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_append_text(&buf, "x"), STATUS_OK);
	assert_int_equal(buf_append_text(&buf, "x"), STATUS_NO_MEMORY);
	assert_int_equal(buf.len, 1000);
}

static void buf_consume_of_more_than_there_is_stops_the_process(void **state)
{
	int how = 0;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		struct buf buf = BUF_INIT(8);

		buf_consume(&buf, 1);
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFSIGNALED(how));
	assert_int_equal(WTERMSIG(how), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_holds_what_was_appended),
		cmocka_unit_test(buf_append_that_does_not_fit_changes_nothing),
		cmocka_unit_test(buf_formats_whatever_length),
		cmocka_unit_test(buf_refuses_a_length_that_would_wrap_around),
		cmocka_unit_test(buf_consume_drops_from_the_front),
		cmocka_unit_test(buf_clear_forgets_the_bytes_and_keeps_the_memory),
		cmocka_unit_test(buf_text_ends_in_a_nul_that_does_not_count),
		cmocka_unit_test(buf_grows_up_to_its_maximum_and_no_further),
		cmocka_unit_test(buf_consume_of_more_than_there_is_stops_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
