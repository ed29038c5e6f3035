/* SPDX-License-Identifier: Apache-2.0 */
/* What protobuf-c would silently accept, and the first door does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/wire.h"

#define BYTES(text)                                                                    \
	{                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                              \
	}

/* id = 7 */
#define ID     "\x08\x07"
#define HEALTH ID "\x3a\x00"
#define HELLO  ID "\x12\x04\x08\x01\x10\x01"
/* seal { key = "k", profile = "p" */
#define KEY_PROFILE "\x0a\x01k\x12\x01p"

static int set_up(void **state)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	assert_non_null(wire);
	wire_init(wire);
	*state = wire;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

struct row {
	struct bytes bytes;
	enum status status;
	uint64_t id;
};

#define ROW(text, status, id)                                                          \
	{                                                                              \
		{(const uint8_t *)(text), sizeof(text) - 1}, STATUS_##status, id       \
	}

static const struct row rows[] = {
	ROW(HEALTH, OK, 7),
	ROW(HELLO, OK, 7),
	ROW(ID "\x32\x06" KEY_PROFILE, OK, 7),
	ROW(ID "\x32\x0e" KEY_PROFILE "\x8a\x01\x05\x0a\x03\x01\x02\x03", OK, 7),
	/* the id that is none */
	ROW("\x08\x00\x3a\x00", BAD_MESSAGE, 0),
	/* empty, id alone, no id */
	ROW("", BAD_MESSAGE, 0),
	ROW(ID, BAD_MESSAGE, 7),
	ROW("\x3a\x00", BAD_MESSAGE, 0),
	/* a field twice; two members of a oneof */
	ROW("\x08\x07\x08\x08\x3a\x00", BAD_MESSAGE, 7),
	ROW(HEALTH "\x3a\x00", BAD_MESSAGE, 7),
	ROW(HELLO "\x3a\x00", BAD_MESSAGE, 7),
	ROW(ID "\x12\x06\x08\x01\x10\x01\x10\x02", BAD_MESSAGE, 7),
	ROW(ID "\x32\x16" KEY_PROFILE
	       "\x82\x01\x05\x0a\x03\x61\x61\x61\x8a\x01\x05\x0a\x03\x01\x02\x03",
		BAD_MESSAGE, 7),
	/* unknown, at the top and further down */
	ROW(ID "\x42\x00", UNKNOWN_REQUEST, 7),
	ROW(ID "\x1a\x00", OK, 7),
	ROW(ID "\x1a\x02\x08\x09", OK, 7),
	ROW(ID "\x1a\x02\x10\x09", UNKNOWN_FIELD, 7),
	ROW(ID "\x12\x06\x08\x01\x10\x01\x20\x01", UNKNOWN_FIELD, 7),
	/* not the order of the numbers, not the shortest varint, more than a bool */
	ROW("\x3a\x00\x08\x07", BAD_MESSAGE, 0),
	ROW("\x08\x87\x00\x3a\x00", BAD_MESSAGE, 7),
	ROW("\x88\x00\x07\x3a\x00", BAD_MESSAGE, 7),
	ROW(ID "\x32\x0d" KEY_PROFILE "\x82\x01\x04\x0a\x00\x18\x02", BAD_MESSAGE, 7),
	/* wrong wire types, groups, field zero, cut short, longer than it says */
	ROW("\x0a\x01\x07\x3a\x00", BAD_MESSAGE, 0),
	ROW(ID "\x38\x00", BAD_MESSAGE, 7),
	ROW(ID "\x3b\x3c", BAD_MESSAGE, 7),
	ROW(ID "\x02\x00", BAD_MESSAGE, 7),
	ROW(ID "\x3a\x01", BAD_MESSAGE, 7),
	ROW(ID "\x3a", BAD_MESSAGE, 7),
	ROW(ID "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", BAD_MESSAGE, 7),
	ROW("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", BAD_MESSAGE, 0),
	/* a required field is missing */
	ROW(ID "\x12\x02\x08\x01", BAD_MESSAGE, 7),
	ROW(ID "\x32\x03\x0a\x01k", BAD_MESSAGE, 7),
};

static void a_message_has_one_form(void **state)
{
	struct wire *wire = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const Zegel__V1__Request *request = NULL;
		uint64_t id = 99;
		const enum status status =
			wire_open(wire, rows[i].bytes, &request, &id);

		if (status != rows[i].status || id != rows[i].id)
			fail_msg("row %zu: %s, id %u", i, status_name(status),
				(unsigned)id);
		if (status == STATUS_OK)
			wire_close(wire);
		assert_int_equal(wire->arena.used, 0);
	}
}

static void a_nul_in_a_name_is_seen(void **state)
{
	static const struct bytes seal = BYTES(ID "\x32\x0f\x0a\x0a"
						  "seal\0evil"
						  "!\x12\x01p");
	const Zegel__V1__Request *request = NULL;
	uint64_t id;

	assert_int_equal(wire_open(*state, seal, &request, &id), STATUS_OK);
	assert_int_equal(request->seal->key.len, 10);
	wire_close(*state);
}

/* Nesting that the schema does not have ends at the first unknown field. */
static void nesting_does_not_recurse(void **state)
{
	uint8_t deep[FRAME_BODY_MAX];
	const Zegel__V1__Request *request = NULL;
	uint64_t id;

	memset(deep, 0x32, sizeof(deep));
	memcpy(deep, ID, 2);
	assert_int_not_equal(
		wire_open(*state, (struct bytes){deep, sizeof(deep)}, &request, &id),
		STATUS_OK);
}

static void sixty_four_kilobytes_of_unknown_fields_cost_no_memory(void **state)
{
	struct wire *wire = *state;
	uint8_t fields[FRAME_BODY_MAX];
	const Zegel__V1__Request *request = NULL;
	uint64_t id;

	memcpy(fields, ID, 2);
	for (size_t i = 2; i < sizeof(fields); i += 2)
		memcpy(fields + i, "\x40\x01", 2);
	assert_int_equal(
		wire_open(wire, (struct bytes){fields, sizeof(fields)}, &request, &id),
		STATUS_UNKNOWN_REQUEST);
	assert_int_equal(wire->arena.used, 0);
}

/* Every cut and every flipped bit is either refused or means one thing. */
static void no_damage_crashes_the_door(void **state)
{
	static const struct bytes good =
		BYTES(ID "\x32\x0e" KEY_PROFILE "\x8a\x01\x05\x0a\x03\x01\x02\x03");
	uint8_t damaged[64];
	const Zegel__V1__Request *request = NULL;
	uint64_t id;

	for (size_t len = 0; len < good.len; len++)
		assert_int_not_equal(
			wire_open(*state, (struct bytes){good.p, len}, &request, &id),
			STATUS_OK);
	for (size_t bit = 0; bit < good.len * 8; bit++) {
		memcpy(damaged, good.p, good.len);
		damaged[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (wire_open(*state, (struct bytes){damaged, good.len}, &request,
			    &id) != STATUS_OK)
			continue;
		assert_non_null(request);
		wire_close(*state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_message_has_one_form, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_nul_in_a_name_is_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			nesting_does_not_recurse, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sixty_four_kilobytes_of_unknown_fields_cost_no_memory, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			no_damage_crashes_the_door, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
