/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that waits for the disk: what each order does to real files, and its faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_fake.h"
#include "policy/record.h"
#include "util/clock.h"
#include "util/disk.h"
#include "util/fd.h"

#define OLDER "audit-00000000000000000001.jsonl"

enum {
	SEQ = 17,
	PATIENCE_MS = 20000, /* of what must not take long */
};

struct room {
	char folder[32];
	int directory;
	int fd; /* of the current file, "line\n" */
	struct loop *loop;
	struct record *record;
	bool has_answer;
	struct record_answer answer;
};

static void on_answer(void *context, const struct record_answer *answer)
{
	struct room *room = context;

	assert_false(record_is_busy(room->record));
	room->answer = *answer;
	room->has_answer = true;
	loop_stop(room->loop);
}

static int set_up(void **state)
{
	struct room *room = calloc(1, sizeof(*room));

	assert_non_null(room);
	(void)snprintf(room->folder, sizeof(room->folder), "/tmp/record-XXXXXX");
	assert_non_null(mkdtemp(room->folder));
	room->directory = open(room->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(
		disk_open(room->directory, RECORD_NAME, true, &room->fd), STATUS_OK);
	assert_int_equal(disk_append(room->fd, bytes_from_text("line\n")), STATUS_OK);
	assert_int_equal(loop_new(&room->loop), STATUS_OK);
	assert_int_equal(
		record_open(room->loop, on_answer, room, &room->record), STATUS_OK);
	room->answer.fd = FD_NONE;
	*state = room;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {RECORD_NAME, OLDER, "moved"};
	struct room *room = *state;

	disk_fake_mend();
	record_freep(&room->record);
	assert_null(room->record);
	loop_freep(&room->loop);
	fd_closep(&room->answer.fd);
	fd_closep(&room->fd);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unlinkat(room->directory, names[i], 0);
	fd_closep(&room->directory);
	assert_int_equal(rmdir(room->folder), 0);
	free(room);
	return 0;
}

static struct record_order get_order(const struct room *room, enum record_kind kind)
{
	struct record_order order = {.kind = kind,
		.directory = room->directory,
		.fd = room->fd,
		.seq = SEQ,
		.size = 5};

	if (kind == RECORD_ROTATE)
		(void)snprintf(order.older, sizeof(order.older), OLDER);
	return order;
}

/* Gives the order, and runs the loop until it is answered. */
static void obey_order(struct room *room, const struct record_order *order)
{
	room->has_answer = false;
	fd_closep(&room->answer.fd);
	record_give(room->record, order);
	assert_true(record_is_busy(room->record));
	assert_int_equal(loop_run(room->loop), STATUS_OK);
	assert_true(room->has_answer);
	assert_int_equal(room->answer.kind, order->kind);
	assert_int_equal(room->answer.seq, SEQ);
}

static void obey(struct room *room, enum record_kind kind)
{
	const struct record_order order = get_order(room, kind);

	obey_order(room, &order);
}

static bool is_there(const struct room *room, const char *name)
{
	struct stat facts;

	return fstatat(room->directory, name, &facts, AT_SYMLINK_NOFOLLOW) == 0;
}

static off_t get_size(int fd)
{
	struct stat facts;

	assert_int_equal(fstat(fd, &facts), 0);
	return facts.st_size;
}

static void a_sync_is_answered_from_the_loop(void **state)
{
	struct room *room = *state;
	const uint64_t before = clock_monotonic_ms();

	assert_false(record_is_busy(room->record));
	obey(room, RECORD_SYNC);
	assert_int_equal(room->answer.sync, STATUS_OK);
	assert_int_equal(room->answer.status, STATUS_OK);
	assert_int_equal(room->answer.fd, FD_NONE);
	assert_in_range(
		record_get_since_ms(room->record), before, clock_monotonic_ms());
	/* A line that is added meanwhile is no change by others. */
	assert_int_equal(disk_append(room->fd, bytes_from_text("more\n")), STATUS_OK);
	obey(room, RECORD_SYNC);
	assert_int_equal(room->answer.status, STATUS_OK);
}

static void a_file_that_others_moved_removed_replaced_or_cut_is_changed(void **state)
{
	static const enum record_kind kinds[] = {RECORD_SYNC, RECORD_ROTATE};
	struct room *room = *state;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(fd_closep) int other = FD_NONE;

		assert_int_equal(
			disk_rename(room->directory, RECORD_NAME, "moved"), STATUS_OK);
		obey(room, kinds[i]);
		assert_int_equal(room->answer.status, STATUS_CHANGED_FILE);
		assert_int_equal(disk_open(room->directory, RECORD_NAME, true, &other),
			STATUS_OK);
		assert_int_equal(
			disk_append(other, bytes_from_text("line\n")), STATUS_OK);
		obey(room, kinds[i]);
		assert_int_equal(room->answer.status, STATUS_CHANGED_FILE);
		assert_int_equal(unlinkat(room->directory, RECORD_NAME, 0), 0);
		assert_int_equal(
			disk_rename(room->directory, "moved", RECORD_NAME), STATUS_OK);
		assert_int_equal(disk_truncate(room->fd, 4), STATUS_OK);
		obey(room, kinds[i]);
		assert_int_equal(room->answer.sync, STATUS_OK);
		assert_int_equal(room->answer.status, STATUS_CHANGED_FILE);
		assert_false(room->answer.is_renamed);
		assert_int_equal(disk_truncate(room->fd, 5), STATUS_OK);
	}
}

static void a_file_that_cannot_be_looked_at_is_no_changed_file(void **state)
{
	struct room *room = *state;
	struct record_order order = get_order(room, RECORD_SYNC);

	/* The directory is none. */
	order.directory = room->fd;
	obey_order(room, &order);
	assert_int_equal(room->answer.sync, STATUS_OK);
	assert_int_equal(room->answer.status, STATUS_IO);
}

static void a_rotation_gives_the_older_name_and_an_empty_file(void **state)
{
	struct room *room = *state;
	struct stat older;
	const long blocks =
		(assert_int_equal(fstat(room->fd, &older), 0), (long)older.st_blocks);

	assert_int_equal(disk_reserve(room->fd, 5, 1 << 20), STATUS_OK);
	obey(room, RECORD_ROTATE);
	assert_int_equal(room->answer.sync, STATUS_OK);
	assert_int_equal(room->answer.status, STATUS_OK);
	assert_true(room->answer.is_renamed);
	assert_true(room->answer.is_new);
	assert_int_equal(get_size(room->answer.fd), 0);
	assert_int_equal(get_size(room->fd), 5);
	assert_true(is_there(room, OLDER));
	assert_true(is_there(room, RECORD_NAME));
	/* What was set aside for lines to come is not for the older file to keep. */
	assert_int_equal(fstat(room->fd, &older), 0);
	assert_int_equal(older.st_blocks, blocks);
}

static void a_rotation_replaces_no_older_file(void **state)
{
	struct room *room = *state;
	CLEANUP(fd_closep) int older = FD_NONE;

	assert_int_equal(disk_open(room->directory, OLDER, true, &older), STATUS_OK);
	obey(room, RECORD_ROTATE);
	assert_int_equal(room->answer.status, STATUS_BAD_FILE);
	assert_false(room->answer.is_renamed);
	assert_int_equal(room->answer.fd, FD_NONE);
	obey(room, RECORD_SYNC);
	assert_int_equal(room->answer.status, STATUS_OK);
}

static void a_rotation_of_a_file_to_which_others_added_is_none(void **state)
{
	struct room *room = *state;

	assert_int_equal(disk_append(room->fd, bytes_from_text("x")), STATUS_OK);
	obey(room, RECORD_ROTATE);
	assert_int_equal(room->answer.status, STATUS_CHANGED_FILE);
	assert_false(room->answer.is_renamed);
	assert_int_equal(get_size(room->fd), 6);
}

static void a_rotation_says_how_far_it_came(void **state)
{
	static const struct {
		enum disk_call call;
		bool is_renamed;
		bool is_sync;
	} rows[] = {
		{DISK_SYNC, false, true},
		{DISK_TRUNCATE, false, false},
		{DISK_RENAME, false, false},
		{DISK_OPEN, true, false},
		{DISK_SYNC_DIRECTORY, true, true},
	};
	struct room *room = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct disk_plan plan = {
			.call = rows[i].call, .nth = 1, .status = STATUS_DISK_FULL};

		disk_fake_plan(&plan);
		obey(room, RECORD_ROTATE);
		disk_fake_mend();
		assert_int_equal(room->answer.sync,
			rows[i].is_sync ? STATUS_DISK_FULL : STATUS_OK);
		if (!rows[i].is_sync)
			assert_int_equal(room->answer.status, STATUS_DISK_FULL);
		assert_int_equal(room->answer.is_renamed, rows[i].is_renamed);
		assert_int_equal(is_there(room, OLDER), rows[i].is_renamed);
		if (is_there(room, OLDER)) {
			(void)unlinkat(room->directory, RECORD_NAME, 0);
			assert_int_equal(
				disk_rename(room->directory, OLDER, RECORD_NAME),
				STATUS_OK);
		}
	}
}

static void what_was_lost_is_made_anew(void **state)
{
	struct room *room = *state;

	assert_int_equal(disk_rename(room->directory, RECORD_NAME, OLDER), STATUS_OK);
	obey(room, RECORD_MAKE);
	assert_int_equal(room->answer.sync, STATUS_OK);
	assert_int_equal(room->answer.status, STATUS_OK);
	assert_true(room->answer.is_new);
	assert_int_equal(get_size(room->answer.fd), 0);
}

static void what_is_there_is_opened_and_not_said_to_be_new(void **state)
{
	struct room *room = *state;

	obey(room, RECORD_MAKE);
	assert_int_equal(room->answer.status, STATUS_OK);
	assert_false(room->answer.is_new);
	assert_int_equal(get_size(room->answer.fd), 5);
	assert_int_equal(disk_truncate(room->fd, 0), STATUS_OK);
	/* Nobody wrote to it: that is as good as a new one. */
	obey(room, RECORD_MAKE);
	assert_true(room->answer.is_new);
}

static void what_is_no_file_is_not_opened(void **state)
{
	struct room *room = *state;

	assert_int_equal(disk_rename(room->directory, RECORD_NAME, OLDER), STATUS_OK);
	assert_int_equal(symlinkat(OLDER, room->directory, RECORD_NAME), 0);
	obey(room, RECORD_MAKE);
	assert_int_equal(room->answer.status, STATUS_BAD_FILE);
	assert_int_equal(room->answer.fd, FD_NONE);
}

static void making_says_which_sync_failed(void **state)
{
	static const enum disk_call calls[] = {DISK_SYNC, DISK_SYNC_DIRECTORY};
	struct room *room = *state;

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		const struct disk_plan plan = {
			.call = calls[i], .nth = 1, .status = STATUS_IO};

		disk_fake_plan(&plan);
		obey(room, RECORD_MAKE);
		disk_fake_mend();
		assert_int_equal(room->answer.sync, STATUS_IO);
	}
}

static void waiting_hands_the_answer_up(void **state)
{
	struct room *room = *state;
	const struct record_order order = get_order(room, RECORD_SYNC);

	assert_true(record_wait(room->record, 0));
	assert_false(room->has_answer);
	record_give(room->record, &order);
	assert_true(record_wait(room->record, PATIENCE_MS));
	assert_true(room->has_answer);
}

static void a_disk_that_hangs_is_waited_for_no_longer_than_told(void **state)
{
	struct room *room = *state;
	const struct record_order order = get_order(room, RECORD_SYNC);

	disk_fake_hold();
	record_give(room->record, &order);
	assert_false(record_wait(room->record, 10));
	assert_true(record_is_busy(room->record));
	assert_false(room->has_answer);
	disk_fake_let_go();
	assert_true(record_wait(room->record, PATIENCE_MS));
	assert_true(room->has_answer);
}

static void the_thread_is_left_behind_when_the_disk_hangs(void **state)
{
	struct room *room = *state;
	const struct record_order order = get_order(room, RECORD_SYNC);

	disk_fake_hold();
	record_give(room->record, &order);
	record_freep(&room->record);
	assert_null(room->record);
	disk_fake_let_go();
	assert_false(room->has_answer);
}

static void an_answer_that_nobody_wants_leaves_no_descriptor_open(void **state)
{
	struct room *room = *state;
	const struct record_order order = get_order(room, RECORD_ROTATE);
	const int before = dup(room->fd);
	int after;

	assert_true(before >= 0);
	assert_int_equal(close(before), 0);
	record_give(room->record, &order);
	while (!is_there(room, RECORD_NAME) || !is_there(room, OLDER))
		(void)usleep(1000);
	/* It has done its work, and wakes us as the last thing. */
	(void)usleep(100000);
	record_freep(&room->record);
	after = dup(room->fd);
	assert_true(after <= before);
	assert_int_equal(close(after), 0);
	assert_false(room->has_answer);
}

static void a_signal_reaches_the_main_thread_only(void **state)
{
	struct room *room = *state;
	sigset_t set, pending;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	/* To the process: a thread that did not block it would be ended by it. */
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	obey(room, RECORD_SYNC);
	assert_int_equal(sigpending(&pending), 0);
	assert_true(sigismember(&pending, SIGUSR1));
	assert_true(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_sync_is_answered_from_the_loop),
		TEST(a_file_that_others_moved_removed_replaced_or_cut_is_changed),
		TEST(a_file_that_cannot_be_looked_at_is_no_changed_file),
		TEST(a_rotation_gives_the_older_name_and_an_empty_file),
		TEST(a_rotation_replaces_no_older_file),
		TEST(a_rotation_of_a_file_to_which_others_added_is_none),
		TEST(a_rotation_says_how_far_it_came),
		TEST(what_was_lost_is_made_anew),
		TEST(what_is_there_is_opened_and_not_said_to_be_new),
		TEST(what_is_no_file_is_not_opened),
		TEST(making_says_which_sync_failed),
		TEST(waiting_hands_the_answer_up),
		TEST(a_disk_that_hangs_is_waited_for_no_longer_than_told),
		TEST(the_thread_is_left_behind_when_the_disk_hangs),
		TEST(an_answer_that_nobody_wants_leaves_no_descriptor_open),
		TEST(a_signal_reaches_the_main_thread_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
