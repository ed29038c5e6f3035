/* SPDX-License-Identifier: Apache-2.0 */
/* One connection over a socketpair: what is handed up, and when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/conn.h"
#include "util/clock.h"
#include "util/fd.h"

enum {
	TURN_MS = 20, /* long enough for the loop to see what is there */
	OTHER_UID = 61234,
	EXIT_SKIPPED = 77,
};

struct world {
	struct loop *loop;
	struct conn_events events;
	struct conn *conn;
	struct loop_timer stop;
	int client;
	size_t n_messages;
	size_t n_before; /* this turn of the loop */
	size_t n_most;   /* in one turn */
	size_t last_len;
	enum status bad;
	uid_t changed_to;
	struct quota *quota;
	struct quota_account *other;
	bool is_over;
};

static void on_message(void *context, struct conn *conn, struct bytes bytes)
{
	struct world *world = context;
	uint8_t *place;

	world->n_messages++;
	world->last_len = bytes.len;
	conn->is_greeted = true;
	/* Its echo. */
	if (conn_reserve(conn, bytes.len, &place) != STATUS_OK)
		return;
	memcpy(place, bytes.p, bytes.len);
	conn_send(conn, bytes.len);
}

static void on_bad_bytes(void *context, struct conn *conn, enum status status)
{
	((struct world *)context)->bad = status;
	conn_end(conn);
}

static void on_changed(
	void *context, struct conn *conn, const struct inlet_piece *piece)
{
	must(conn == ((struct world *)context)->conn);
	((struct world *)context)->changed_to = piece->uid;
}

static void on_turn_end(void *context)
{
	struct world *world = context;
	const size_t n = world->n_messages - world->n_before;

	if (n > world->n_most)
		world->n_most = n;
	world->n_before = world->n_messages;
}

static void on_end(void *context, struct conn *conn)
{
	struct world *world = context;

	must(conn == world->conn);
	world->is_over = true;
	conn_freep(&world->conn);
}

static void on_stop(void *context)
{
	loop_stop(((struct world *)context)->loop);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	int pair[2];

	assert_non_null(world);
	assert_int_equal(loop_new(&world->loop), STATUS_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	world->client = pair[1];
	world->events = (struct conn_events){.context = world,
		.on_message = on_message,
		.on_bad_bytes = on_bad_bytes,
		.on_changed = on_changed,
		.on_end = on_end};
	assert_int_equal(conn_new(world->loop, &world->events, pair[0], &world->conn),
		STATUS_OK);
	world->stop = (struct loop_timer){.call = on_stop, .context = world};
	loop_set_turn_end(world->loop, on_turn_end, world);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	conn_freep(&world->conn);
	quota_closep(&world->other);
	quota_freep(&world->quota);
	fd_closep(&world->client);
	loop_freep(&world->loop);
	free(world);
	return 0;
}

/* Lets the loop see what was done; once a test, for a stopped loop stays stopped. */
static void run_for(struct world *world, uint64_t ms)
{
	assert_int_equal(
		loop_timer_set(world->loop, &world->stop, clock_monotonic_ms() + ms),
		STATUS_OK);
	assert_int_equal(loop_run(world->loop), STATUS_OK);
}

static void run(struct world *world)
{
	run_for(world, TURN_MS);
}

/* An account of so many bytes, as a stranger's is. */
static void give_account(struct world *world, uint64_t n_bytes)
{
	const struct quota_setup setup = {
		.total = {9, 1000000, 9}, .stranger = {2, n_bytes, 1}};
	struct quota_account *account = NULL;

	assert_int_equal(quota_new(&setup, &world->quota), STATUS_OK);
	assert_int_equal(quota_open(world->quota, "", 1, &account), STATUS_OK);
	assert_int_equal(quota_open(world->quota, "", 1, &world->other), STATUS_OK);
	assert_int_equal(bill_move(&world->conn->bill, &account), STATUS_OK);
	assert_int_equal(quota_get(world->other, QUOTA_CONNECTIONS), 1);
}

static void say(const struct world *world, const char *bytes, size_t len)
{
	assert_int_equal(send(world->client, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void two_frames_and_a_half_are_two_messages(void **state)
{
	struct world *world = *state;
	char back[32];

	say(world, "\0\0\0\1a\0\0\0\2bc\0\0\0\5de", 17);
	run(world);
	assert_int_equal(world->n_messages, 2);
	assert_int_equal(world->last_len, 2);
	assert_false(world->is_over);
	assert_int_not_equal(world->conn->frame_ms, 0);
	assert_int_equal(recv(world->client, back, sizeof(back), MSG_DONTWAIT), 11);
	assert_memory_equal(back, "\0\0\0\1a\0\0\0\2bc", 11);
}

static void a_length_that_is_none_ends_it(void **state)
{
	struct world *world = *state;

	say(world, "\0\1\0\1abc", 7);
	run(world);
	assert_int_equal(world->bad, STATUS_BAD_FRAME);
	assert_int_equal(world->n_messages, 0);
	assert_true(world->is_over);
}

static void a_descriptor_ends_it_and_does_not_come_in(void **state)
{
	struct world *world = *state;
	char byte = 0;
	struct iovec part = {&byte, 1};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct msghdr envelope = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room)};
	const int next = dup(0);

	assert_int_equal(close(next), 0);
	control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(int))};
	memcpy(CMSG_DATA(&control.head), &world->client, sizeof(int));
	assert_int_equal(sendmsg(world->client, &envelope, 0), 1);
	run(world);
	assert_int_equal(world->bad, STATUS_HAS_DESCRIPTOR);
	assert_true(world->is_over);
	/* The connection's own descriptor is free again, and no other was taken. */
	assert_int_equal(fcntl(next, F_GETFD), -1);
}

static void a_client_that_leaves_ends_it(void **state)
{
	struct world *world = *state;

	fd_closep(&world->client);
	run(world);
	assert_true(world->is_over);
}

static void a_half_closed_connection_waits_for_its_flights(void **state)
{
	struct world *world = *state;

	assert_int_equal(conn_check_flight(world->conn), STATUS_OK);
	conn_put_flight(world->conn, 7, 70);
	assert_int_equal(shutdown(world->client, SHUT_WR), 0);
	run(world);
	assert_false(world->is_over);
	assert_true(conn_has_flight(world->conn, 7));
	conn_take_flight(world->conn, 70);
	assert_false(conn_has_flight(world->conn, 7));
	assert_null(world->conn->flights);
}

/* Answers pile up to a mark; then no more is heard. */
static void a_client_that_does_not_read_is_not_heard(void **state)
{
	struct world *world = *state;
	static char frame[FRAME_HEAD + 60000];
	size_t n_said = 0;

	frame_put_head((uint8_t *)frame, sizeof(frame) - FRAME_HEAD);
	assert_int_equal(fcntl(world->client, F_SETFL, O_NONBLOCK), 0);
	while (send(world->client, frame, sizeof(frame), MSG_NOSIGNAL) ==
		(ssize_t)sizeof(frame))
		n_said++;
	run(world);
	assert_true(n_said > 1);
	assert_false(world->is_over);
	assert_true(world->conn->out.len <= CONN_OUT_HIGH + sizeof(frame));
}

static void a_turn_hears_a_few_frames_and_the_next_one_goes_on(void **state)
{
	struct world *world = *state;
	static char frames[200][FRAME_HEAD + 1];
	static char back[sizeof(frames)];

	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		frame_put_head((uint8_t *)frames[i], 1);
		frames[i][FRAME_HEAD] = (char)i;
	}
	say(world, frames[0], sizeof(frames));
	/* It will say no more, and is heard to the end all the same. */
	assert_int_equal(shutdown(world->client, SHUT_WR), 0);
	run(world);
	assert_int_equal(world->n_messages, 200);
	assert_int_equal(world->n_most, CONN_FRAMES_A_TURN);
	assert_int_equal(recv(world->client, back, sizeof(back), MSG_WAITALL),
		(ssize_t)sizeof(back));
	assert_memory_equal(back, frames, sizeof(back));
	assert_true(world->is_over);
}

static void another_user_is_not_heard_and_not_answered(void **state)
{
	struct world *world = *state;
	char back[32];
	int status = 0;
	pid_t child;

	if (getuid() != 0) {
		skip();
		return;
	}
	say(world, "\0\0\0\1a\0\0", 7);
	child = fork();
	if (child == 0)
		_exit(setuid(OTHER_UID) == 0 && send(world->client, "\0\1b", 3, 0) == 3
				? 0
				: 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	run(world);
	/* The first one's frame was heard; the half one that the other ended was not. */
	assert_int_equal(world->n_messages, 1);
	assert_int_equal(world->changed_to, OTHER_UID);
	assert_int_equal(world->bad, STATUS_OK);
	assert_true(world->is_over);
	assert_int_equal(recv(world->client, back, sizeof(back), MSG_DONTWAIT), 5);
	assert_int_equal(recv(world->client, back, sizeof(back), MSG_DONTWAIT), 0);
}

static void what_is_in_buffers_and_in_flight_is_on_its_account(void **state)
{
	struct world *world = *state;

	give_account(world, 100000);
	say(world, "\0\0\0\1a\0\0\0\5de", 11);
	assert_int_equal(conn_check_flight(world->conn), STATUS_OK);
	assert_int_equal(quota_get(world->other, QUOTA_REQUESTS), 0);
	conn_put_flight(world->conn, 7, 70);
	assert_int_equal(conn_check_flight(world->conn), STATUS_TOO_MANY);
	run(world);
	assert_int_equal(quota_get(world->other, QUOTA_BYTES), 6);
	assert_int_equal(quota_get(world->other, QUOTA_REQUESTS), 1);
	conn_freep(&world->conn);
	for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++)
		assert_int_equal(quota_get(world->other, kind), 0);
}

static void without_bytes_it_waits_and_then_goes_on(void **state)
{
	struct world *world = *state;

	give_account(world, 16384);
	assert_int_equal(quota_charge(world->other, QUOTA_BYTES, 1), STATUS_OK);
	say(world, "\0\0\0\1a", 5);
	run(world);
	assert_int_equal(world->n_messages, 0);
	assert_int_not_equal(world->conn->starved_ms, 0);
	assert_false(world->is_over);
	quota_refund(world->other, QUOTA_BYTES, 1);
}

static void on_time_to_give(void *context)
{
	struct world *world = context;

	assert_int_equal(world->n_messages, 0);
	quota_refund(world->other, QUOTA_BYTES, 1);
}

static void bytes_that_come_back_are_found(void **state)
{
	struct world *world = *state;
	struct loop_timer give = {.call = on_time_to_give, .context = world};

	give_account(world, 16384);
	assert_int_equal(quota_charge(world->other, QUOTA_BYTES, 1), STATUS_OK);
	say(world, "\0\0\0\1a", 5);
	assert_int_equal(
		loop_timer_set(world->loop, &give, clock_monotonic_ms() + TURN_MS),
		STATUS_OK);
	run_for(world, TURN_MS + 4 * CONN_STARVED_MS);
	assert_int_equal(world->n_messages, 1);
	assert_int_equal(world->conn->starved_ms, 0);
}

static void answers_that_the_account_cannot_bear_end_it(void **state)
{
	struct world *world = *state;
	static char frame[FRAME_HEAD + 60000];

	give_account(world, 90000);
	frame_put_head((uint8_t *)frame, sizeof(frame) - FRAME_HEAD);
	assert_int_equal(fcntl(world->client, F_SETFL, O_NONBLOCK), 0);
	/* The kernel keeps some of the echoes; what it does not keep is ours. */
	for (size_t i = 0; i < 50 && !world->is_over; i++) {
		uint8_t *place;

		if (conn_reserve(world->conn, sizeof(frame) - FRAME_HEAD, &place) !=
			STATUS_OK)
			break;
		memset(place, 'x', sizeof(frame) - FRAME_HEAD);
		conn_send(world->conn, sizeof(frame) - FRAME_HEAD);
	}
	run(world);
	assert_true(world->is_over);
	assert_int_equal(quota_get(world->other, QUOTA_BYTES), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(two_frames_and_a_half_are_two_messages),
		TEST(a_length_that_is_none_ends_it),
		TEST(a_descriptor_ends_it_and_does_not_come_in),
		TEST(a_client_that_leaves_ends_it),
		TEST(a_half_closed_connection_waits_for_its_flights),
		TEST(a_client_that_does_not_read_is_not_heard),
		TEST(a_turn_hears_a_few_frames_and_the_next_one_goes_on),
		TEST(another_user_is_not_heard_and_not_answered),
		TEST(what_is_in_buffers_and_in_flight_is_on_its_account),
		TEST(without_bytes_it_waits_and_then_goes_on),
		TEST(bytes_that_come_back_are_found),
		TEST(answers_that_the_account_cannot_bear_end_it),
	};
	const int result = cmocka_run_group_tests(tests, NULL, NULL);

	if (result != 0 || getuid() == 0)
		return result;
	print_message("left out: another user; needs root, to be one\n");
	return EXIT_SKIPPED;
}
