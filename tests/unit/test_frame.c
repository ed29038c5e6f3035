/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proto/frame.h"
#include "zegel.pb-c.h"

enum {
	README_MAX = 65536,
};

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

/* ---------------------------------------------------------------- the page */

/* proto/README.md without its white space. */
static const char *read_page(void)
{
	static char page[README_MAX];
	FILE *const file = fopen(ZEGEL_PROTO_README, "r");
	size_t n = 0;
	int c;

	assert_non_null(file);
	while ((c = fgetc(file)) != EOF && n < sizeof(page) - 1)
		if (!isspace(c))
			page[n++] = (char)c;
	fclose(file);
	page[n] = '\0';
	return page;
}

static ProtobufCBinaryData bytes(const char *text)
{
	union {
		const char *in;
		uint8_t *out;
	} view = {.in = text};

	return (ProtobufCBinaryData){.data = view.out, .len = strlen(text)};
}

static void check_page(const ProtobufCMessage *message)
{
	uint8_t frame[256];
	char hex[2 * sizeof(frame) + 1] = "";
	size_t len = protobuf_c_message_get_packed_size(message);

	assert_in_range(len, 1, sizeof(frame) - FRAME_HEAD);
	frame_put_head(frame, len);
	len = FRAME_HEAD + protobuf_c_message_pack(message, frame + FRAME_HEAD);
	for (size_t i = 0; i < len; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", (unsigned)frame[i]);
	if (strstr(read_page(), hex) == NULL)
		fail_msg("proto/README.md does not show %s", hex);
}

static void frame_examples_of_the_page_are_true(void **state)
{
	Zegel__V1__Request request = ZEGEL__V1__REQUEST__INIT;
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__Hello hello = ZEGEL__V1__HELLO__INIT;
	Zegel__V1__Seal seal = ZEGEL__V1__SEAL__INIT;
	Zegel__V1__DsgoAuthInput input = ZEGEL__V1__DSGO_AUTH_INPUT__INIT;
	Zegel__V1__Error error = ZEGEL__V1__ERROR__INIT;

	(void)state;
	hello.version_min = 1;
	hello.version_max = 1;
	hello.has_client = true;
	hello.client = bytes("demo 1");
	request.id = 1;
	request.what_case = ZEGEL__V1__REQUEST__WHAT_HELLO;
	request.hello = &hello;
	check_page(&request.base);

	input.has_audience = true;
	input.audience = bytes("did:x");
	seal.key = bytes("sandbox");
	seal.profile = bytes("dsgo-auth");
	seal.has_timeout_ms = true;
	seal.timeout_ms = 5000;
	seal.input_case = ZEGEL__V1__SEAL__INPUT_DSGO_AUTH;
	seal.dsgo_auth = &input;
	request.id = 2;
	request.what_case = ZEGEL__V1__REQUEST__WHAT_SEAL;
	request.seal = &seal;
	check_page(&request.base);

	error.status = ZEGEL__V1__STATUS__DENIED;
	error.text = bytes("not allowed");
	response.id = 2;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_ERROR;
	response.error = &error;
	check_page(&response.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_head_is_big_endian),
		cmocka_unit_test(frame_length_comes_back),
		cmocka_unit_test(frame_refuses_empty_and_too_long),
		cmocka_unit_test(frame_examples_of_the_page_are_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
