/* SPDX-License-Identifier: Apache-2.0 */
/* What the top says of the record and of the officer's socket, and the hash of it all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_fixture.h"

enum {
	ERRORS_MAX = 1 << 16,
	GID_OFFICERS = 51,
};

static bool has_user(const char *name, uid_t *out)
{
	*out = 1000;
	return name[0] != '\0';
}

static bool has_group(const char *name, gid_t *out)
{
	*out = strcmp(name, "zegel-officers") == 0 ? GID_OFFICERS : 1;
	return strcmp(name, "unknown") != 0;
}

static bool has_no_group(const char *name, gid_t *out)
{
	(void)name;
	(void)out;
	return false;
}

static const struct config_world world = {has_user, has_group, config_is_absolute,
	config_is_absolute, config_is_absolute, config_read_absolute};
static const struct config_world world_without_groups = {has_user, has_no_group,
	config_is_absolute, config_is_absolute, config_is_absolute,
	config_read_absolute};

#define KEY CONFIG_TOKEN CONFIG_KEY

static void build(const char *text, struct config **out)
{
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	const struct config_source source = {"z", bytes_from_text(text)};

	assert_int_equal(
		config_build_texts(&source, 1, &world, &errors, out), STATUS_OK);
}

static const struct config_wrong wrongs[] = {
	{"audit-directory = \"log\"\n", "z:1: audit-directory: expected an absolute "
					"path of at most 511 bytes, found \"log\"\n"},
	{"audit-sync = never\n",
		"z:1: audit-sync: expected seal or interval, found \"never\"\n"},
	{"audit-sync = seal\n", ""},
	{"audit-rotate-mib = 1000001\n",
		"z:1: audit-rotate-mib: expected a whole number from 0 to 1000000, "
		"found \"1000001\"\n"},
	{"audit-rotate-daily = yes\n",
		"z:1: audit-rotate-daily: expected true or false, found \"yes\"\n"},
	{"audit-rotate-mib = 0\naudit-rotate-daily = true\n", ""},
	{KEY "checkpoint-key = other\n", "z:3: checkpoint-key: expected the name of a "
					 "key section, found \"other\"\n"},
	{"checkpoint-lines = 5\ncheckpoint-minutes = 5\n",
		"z:1: checkpoint-lines: without checkpoint-key there are no "
		"checkpoints\n"
		"z:2: checkpoint-minutes: without checkpoint-key there are no "
		"checkpoints\n"},
	{KEY "checkpoint-key = bouw\ncheckpoint-lines = 1000000001\n",
		"z:4: checkpoint-lines: expected a whole number from 0 to 1000000000, "
		"found \"1000000001\"\n"},
	{KEY "checkpoint-key = bouw\ncheckpoint-minutes = 100001\n",
		"z:4: checkpoint-minutes: expected a whole number from 0 to 100000, "
		"found \"100001\"\n"},
	{KEY "checkpoint-key = bouw\ncheckpoint-lines = 0\ncheckpoint-minutes = 0\n",
		"z:3: checkpoint-key: checkpoint-lines and checkpoint-minutes are both "
		"0: there would be no checkpoints\n"},
	{KEY "checkpoint-key = bouw\ncheckpoint-lines = 0\n", ""},
	{KEY "checkpoint-key = bouw\ncheckpoint-minutes = 0\n", ""},
	{"officer-socket = \"o.sock\"\n",
		"z:1: officer-socket: expected an absolute path of at most 107 bytes, "
		"found \"o.sock\"\n"},
	{"officer-group = unknown\n", "z:1: officer-group: expected a group of this "
				      "machine, found \"unknown\"\n"},
	{"officer-socket = \"/run/zegel/zegel.sock\"\n",
		"z:1: officer-socket: expected another path than that of the clients' "
		"socket, found \"/run/zegel/zegel.sock\"\n"},
	{"listen \"a\" { path = \"/r\" }\nofficer-socket = \"/r\"\n",
		"z:1: listen \"a\": path: expected a path that no other socket has, "
		"found \"/r\"\n"},
	{"listen \"a\" { path = \"/run/zegel/officer.sock\" }\n",
		"z:1: listen \"a\": path: expected a path that no other socket has, "
		"found \"/run/zegel/officer.sock\"\n"},
	{"listen \"officer\" { path = \"/r\" }\n",
		"z:1: listen \"officer\": expected another name: the officer's socket "
		"has this one\n"},
};

static void config_record_says_what_is_wrong(void **state)
{
	(void)state;
	config_check_wrong(&world, "z", wrongs, ARRAY_LEN(wrongs));
}

static void config_record_has_defaults(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;

	(void)state;
	build("", &config);
	assert_string_equal(config->record.directory, "/var/log/zegel");
	assert_int_equal(config->record.sync, RECORD_SYNC_SEAL);
	assert_int_equal(config->record.rotate_mib, 256);
	assert_true(config->record.is_daily);
	assert_null(config->record.checkpoint_key);
	assert_int_equal(config->record.checkpoint_lines, 0);
	assert_int_equal(config->record.checkpoint_s, 0);
	assert_string_equal(config->officer.name, "officer");
	assert_string_equal(config->officer.path, "/run/zegel/officer.sock");
	assert_int_equal(config->officer.mode, 0660);
	assert_true(config->officer.has_group);
	assert_int_equal(config->officer.group, GID_OFFICERS);
}

static void config_officer_has_no_group_where_there_is_none(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	const struct config_source source = {"z", {NULL, 0}};

	(void)state;
	assert_int_equal(
		config_build_texts(&source, 1, &world_without_groups, &errors, &config),
		STATUS_OK);
	assert_false(config->officer.has_group);
}

static void config_record_is_what_was_written(void **state)
{
	CLEANUP(config_freep) struct config *config = NULL;

	(void)state;
	build(KEY "audit-directory = \"/srv/log\"\naudit-sync = interval\n"
		  "audit-rotate-mib = 1000000\naudit-rotate-daily = false\n"
		  "checkpoint-key = bouw\ncheckpoint-minutes = 100000\n"
		  "officer-socket = \"/srv/o\"\nofficer-group = staff\n",
		&config);
	assert_string_equal(config->record.directory, "/srv/log");
	assert_int_equal(config->record.sync, RECORD_SYNC_INTERVAL);
	assert_int_equal(config->record.rotate_mib, 1000000);
	assert_false(config->record.is_daily);
	assert_string_equal(config->record.checkpoint_key, "bouw");
	assert_int_equal(config->record.checkpoint_lines, 10000);
	assert_int_equal(config->record.checkpoint_s, 6000000);
	assert_string_equal(config->officer.path, "/srv/o");
	assert_int_equal(config->officer.group, 1);
	config_freep(&config);
	build(KEY "checkpoint-key = bouw\ncheckpoint-lines = 7\n", &config);
	assert_int_equal(config->record.checkpoint_lines, 7);
	assert_int_equal(config->record.checkpoint_s, 3600);
}

struct hash {
	uint8_t bytes[CONFIG_HASH_LEN];
};

static struct hash hash_of(const struct config_source *sources, size_t n_sources)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(buf_deinit) struct buf errors = BUF_INIT(ERRORS_MAX);
	struct hash hash;

	assert_int_equal(
		config_build_texts(sources, n_sources, &world, &errors, &config),
		STATUS_OK);
	memcpy(hash.bytes, config->hash, sizeof(hash.bytes));
	return hash;
}

/* Where a file begins and ends, and what it is called, counts too. */
static void config_hash_tells_every_set_of_files_from_another(void **state)
{
	static const uint8_t nothing[CONFIG_HASH_LEN] = {0};
	const struct config_source sets[][2] = {
		{{"a", bytes_from_text("#\n")}, {"b", bytes_from_text("#\n")}},
		{{"a", bytes_from_text("#\n#")}, {"b", bytes_from_text("\n")}},
		{{"a", bytes_from_text("#\n#\n")}, {"b", bytes_from_text("")}},
		{{"a", bytes_from_text("")}, {"b", bytes_from_text("#\n#\n")}},
		{{"a", bytes_from_text("#\n")}, {"c", bytes_from_text("#\n")}},
		{{"ab", bytes_from_text("#\n")}, {"", bytes_from_text("#\n")}},
		{{"a", bytes_from_text("# \n")}, {"b", bytes_from_text("#\n")}},
	};
	struct hash hashes[ARRAY_LEN(sets)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		const struct hash again = hash_of(sets[i], 2);

		hashes[i] = hash_of(sets[i], 2);
		assert_memory_equal(again.bytes, hashes[i].bytes, CONFIG_HASH_LEN);
		assert_memory_not_equal(nothing, hashes[i].bytes, CONFIG_HASH_LEN);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(
				hashes[j].bytes, hashes[i].bytes, CONFIG_HASH_LEN);
	}
}

/* `printf '\0\0\0\0\0\0\0\1z\0\0\0\0\0\0\0\2#\n' | sha256sum` */
static void config_hash_is_what_sha256sum_says(void **state)
{
	static const uint8_t wanted[CONFIG_HASH_LEN] = {0xa9, 0xb1, 0x5b, 0x94, 0x7e,
		0x57, 0xcb, 0x90, 0x93, 0xe0, 0x40, 0xc7, 0x8a, 0x1a, 0x1b, 0x59, 0x79,
		0xe5, 0xe2, 0xae, 0x36, 0xc9, 0x19, 0xdc, 0x22, 0x76, 0x8d, 0x1e, 0xe8,
		0x75, 0xb9, 0x49};
	const struct config_source source = {"z", bytes_from_text("#\n")};
	const struct hash found = hash_of(&source, 1);

	(void)state;
	assert_memory_equal(found.bytes, wanted, sizeof(wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_record_says_what_is_wrong),
		cmocka_unit_test(config_record_has_defaults),
		cmocka_unit_test(config_officer_has_no_group_where_there_is_none),
		cmocka_unit_test(config_record_is_what_was_written),
		cmocka_unit_test(config_hash_tells_every_set_of_files_from_another),
		cmocka_unit_test(config_hash_is_what_sha256sum_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
