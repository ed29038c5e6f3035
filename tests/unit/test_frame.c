/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/frame.h"

static void frame_head_is_big_endian(void **state)
{
	static const uint8_t expected[FRAME_HEAD] = {0x00, 0x00, 0x12, 0x34};
	uint8_t head[FRAME_HEAD];

	(void)state;
	frame_put_head(head, 0x1234);
	assert_memory_equal(head, expected, FRAME_HEAD);
}

static void frame_length_comes_back(void **state)
{
	static const size_t lengths[] = {1, 255, 256, 65535, FRAME_BODY_MAX};
	uint8_t head[FRAME_HEAD];
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		frame_put_head(head, lengths[i]);
		assert_true(frame_get_length(head, &len));
		assert_int_equal(len, lengths[i]);
	}
}

static void frame_refuses_empty_and_too_long(void **state)
{
	static const uint8_t bad[][FRAME_HEAD] = {
		{0, 0, 0, 0},
		{0, 1, 0, 1},
		{0, 0xff, 0xff, 0xff},
		{0x80, 0, 0, 1},
		{0xff, 0xff, 0xff, 0xff},
	};
	size_t len = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(frame_get_length(bad[i], &len));
	assert_int_equal(len, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_head_is_big_endian),
		cmocka_unit_test(frame_length_comes_back),
		cmocka_unit_test(frame_refuses_empty_and_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
