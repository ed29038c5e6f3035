/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor as a whole, without a key: who is known, by which policy, and what is told of
 * those who are refused. The client is a child of the test, which ends with what it saw.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit_fixture.h"
#include "proto/frame.h"
#include "server/server.h"
#include "util/fd.h"
#include "zegel.pb-c.h"

enum {
	STRANGERS_MAX = 16,
	EVENTS_MAX = 32,
	TEXT_MAX = 32,
};

/* What the child asks of the test. */
enum order {
	ORDER_KNOW_US = 'k',
	ORDER_KNOW_NOBODY = 'n',
};

struct event {
	char kind[TEXT_MAX];
	char client[TEXT_MAX];
	char key[TEXT_MAX];
	char profile[TEXT_MAX];
	enum status status;
	uid_t uid;
	pid_t pid;
	uid_t writer_uid;
};

struct world {
	char folder[32];
	char path[64];
	struct listen_spec spec;
	struct archive archive;
	struct loop *loop;
	struct sealer *sealer;
	struct server *server;
	int orders;
	struct loop_source source;
	struct event events[EVENTS_MAX];
	size_t n_events;
};

/* ---------------------------------------------------------------- the agent */

static void on_refusal(void *context, const struct server_refusal *what)
{
	struct world *world = context;
	struct event *event;

	assert_true(world->n_events < EVENTS_MAX);
	event = &world->events[world->n_events++];
	(void)snprintf(event->kind, TEXT_MAX, "%s", what->kind);
	(void)snprintf(event->client, TEXT_MAX, "%s", what->client);
	(void)snprintf(event->key, TEXT_MAX, "%s", what->key);
	(void)snprintf(event->profile, TEXT_MAX, "%s", what->profile);
	assert_non_null(what->unit);
	event->status = what->status;
	event->uid = what->uid;
	event->pid = what->pid;
	event->writer_uid = what->writer_uid;
}

static struct policy *new_policy(bool knows_us)
{
	const struct policy_client_spec client = {
		.name = "us", .has_user = true, .user = geteuid(), .weight = 1};
	const struct policy_rule_spec rule = {
		.name = "all", .key = "k", .profile = "digest"};
	const char *rival = NULL;
	struct policy *policy = NULL;

	assert_int_equal(policy_new(&policy), STATUS_OK);
	if (!knows_us)
		return policy;
	assert_int_equal(policy_add_client(policy, &client, &rival), STATUS_OK);
	assert_int_equal(policy_add_rule(policy, "us", &rule), STATUS_OK);
	return policy;
}

static void on_order(void *context, uint32_t events)
{
	struct world *world = context;
	char order;

	(void)events;
	if (recv(world->orders, &order, 1, 0) != 1) {
		loop_stop(world->loop);
		return;
	}
	if (order == ORDER_KNOW_US || order == ORDER_KNOW_NOBODY) {
		/* The server holds it; the one before is gone. */
		CLEANUP(policy_freep)
		struct policy *policy = new_policy(order == ORDER_KNOW_US);

		server_set_policy(world->server, policy);
	}
	assert_int_equal(send(world->orders, &order, 1, 0), 1);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	CLEANUP(policy_freep) struct policy *policy = new_policy(false);
	struct sealer_setup sealer = {.policy = policy, .min_left_s = 5, .line_max = 1};
	struct server_setup server = {.policy = policy, .n_listens = 1};

	assert_non_null(world);
	memcpy(world->folder, "/tmp/zegel-server-XXXXXX", 25);
	assert_non_null(mkdtemp(world->folder));
	(void)snprintf(world->path, sizeof(world->path), "%s/s", world->folder);
	world->spec = (struct listen_spec){
		.name = world->folder, .path = world->path, .mode = 0600};
	assert_int_equal(loop_new(&world->loop), STATUS_OK);
	open_archive(&world->archive, world->loop);
	sealer.loop = world->loop;
	sealer.audit = world->archive.audit;
	assert_int_equal(sealer_new(&sealer, &world->sealer), STATUS_OK);
	server.loop = world->loop;
	server.sealer = world->sealer;
	server.listens = &world->spec;
	server.events = (struct server_events){world, on_refusal};
	assert_int_equal(server_new(&server, &world->server), STATUS_OK);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	server_freep(&world->server);
	sealer_freep(&world->sealer);
	loop_source_remove(world->loop, &world->source);
	close_archive(&world->archive);
	loop_freep(&world->loop);
	fd_closep(&world->orders);
	assert_int_equal(rmdir(world->folder), 0);
	free(world);
	return 0;
}

/* Where the client is; it ends its process when something is not as it must be. */
struct client {
	const char *path;
	int orders;
	uint64_t last_id;
};

typedef void act_fn(struct client *client);

/* Lets the child act while the agent runs. */
static pid_t run(struct world *world, act_fn *act)
{
	int pair[2];
	int status = 0;
	pid_t child;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct client client = {.path = world->path, .orders = pair[1]};

		(void)close(pair[0]);
		(void)alarm(30);
		act(&client);
		_exit(0);
	}
	assert_int_equal(close(pair[1]), 0);
	world->orders = pair[0];
	world->source = (struct loop_source){.call = on_order, .context = world};
	assert_int_equal(
		loop_source_add(world->loop, &world->source, world->orders, EPOLLIN),
		STATUS_OK);
	assert_int_equal(loop_run(world->loop), STATUS_OK);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	return child;
}

/* ---------------------------------------------------------------- the client */

static void order(const struct client *client, enum order what)
{
	char byte = (char)what;

	must(send(client->orders, &byte, 1, 0) == 1);
	must(recv(client->orders, &byte, 1, 0) == 1);
}

static void say(struct client *client, int fd, Zegel__V1__Request *request)
{
	uint8_t bytes[1024];
	size_t len;

	request->id = ++client->last_id;
	len = zegel__v1__request__pack(request, bytes + FRAME_HEAD);
	frame_put_head(bytes, len);
	must(send(fd, bytes, FRAME_HEAD + len, MSG_NOSIGNAL) ==
		(ssize_t)(FRAME_HEAD + len));
}

/* The answer; NULL when the agent has closed. */
static Zegel__V1__Response *hear(int fd)
{
	uint8_t bytes[FRAME_BODY_MAX];
	uint8_t head[FRAME_HEAD];
	Zegel__V1__Response *response;
	size_t len;

	if (recv(fd, head, sizeof(head), MSG_WAITALL) != (ssize_t)sizeof(head))
		return NULL;
	must(frame_get_length(head, &len));
	must(recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len);
	response = zegel__v1__response__unpack(NULL, len, bytes);
	must(response != NULL);
	return response;
}

static int open_door(const struct client *client)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", client->path);
	must(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

static int greet(struct client *client)
{
	const int fd = open_door(client);
	Zegel__V1__Request request = ZEGEL__V1__REQUEST__INIT;
	Zegel__V1__Hello hello = ZEGEL__V1__HELLO__INIT;
	Zegel__V1__Response *answer;

	hello.version_min = hello.version_max = FRAME_VERSION;
	request.what_case = ZEGEL__V1__REQUEST__WHAT_HELLO;
	request.hello = &hello;
	say(client, fd, &request);
	answer = hear(fd);
	must(answer != NULL && answer->what_case == ZEGEL__V1__RESPONSE__WHAT_HELLO);
	zegel__v1__response__free_unpacked(answer, NULL);
	return fd;
}

static Zegel__V1__Response *ask_whoami(struct client *client, int fd)
{
	Zegel__V1__Request request = ZEGEL__V1__REQUEST__INIT;
	Zegel__V1__Whoami whoami = ZEGEL__V1__WHOAMI__INIT;

	request.what_case = ZEGEL__V1__REQUEST__WHAT_WHOAMI;
	request.whoami = &whoami;
	say(client, fd, &request);
	return hear(fd);
}

/* whoami says that we are this client, with so many rules. */
static void expect_client(
	struct client *client, int fd, const char *name, size_t n_rules)
{
	Zegel__V1__Response *answer = ask_whoami(client, fd);
	const Zegel__V1__WhoamiResult *who;

	must(answer != NULL && answer->what_case == ZEGEL__V1__RESPONSE__WHAT_WHOAMI);
	who = answer->whoami;
	must(who->client.len == strlen(name));
	must(who->client.len == 0 ||
		memcmp(who->client.data, name, who->client.len) == 0);
	must(who->uid == geteuid() && who->gid == getegid());
	must(who->pid == (uint32_t)getpid());
	must(who->listen.len > 0 && !who->is_unclear && !who->has_more);
	must(who->n_rules == n_rules);
	zegel__v1__response__free_unpacked(answer, NULL);
}

/* Takes the answer: an error of this word, for the last request or for none. */
static void expect_error(const struct client *client, Zegel__V1__Response *answer,
	Zegel__V1__Status status, bool is_fatal)
{
	must(answer != NULL && answer->what_case == ZEGEL__V1__RESPONSE__WHAT_ERROR);
	must(answer->error->status == status);
	must(answer->id == (is_fatal ? 0 : client->last_id));
	zegel__v1__response__free_unpacked(answer, NULL);
}

static void ask_seal(struct client *client, int fd, const char *key)
{
	Zegel__V1__Request request = ZEGEL__V1__REQUEST__INIT;
	Zegel__V1__Seal seal = ZEGEL__V1__SEAL__INIT;
	char name[TEXT_MAX];
	char profile[] = "digest";

	(void)snprintf(name, sizeof(name), "%s", key);
	seal.key = (ProtobufCBinaryData){strlen(name), (uint8_t *)name};
	seal.profile = (ProtobufCBinaryData){strlen(profile), (uint8_t *)profile};
	request.what_case = ZEGEL__V1__REQUEST__WHAT_SEAL;
	request.seal = &seal;
	say(client, fd, &request);
	expect_error(client, hear(fd), ZEGEL__V1__STATUS__DENIED, false);
}

static void ask_nothing(struct client *client, int fd)
{
	const uint8_t frame[] = {0, 0, 0, 2, 0x08, 0x00};

	must(send(fd, frame, sizeof(frame), MSG_NOSIGNAL) == (ssize_t)sizeof(frame));
	expect_error(client, hear(fd), ZEGEL__V1__STATUS__INVALID, true);
}

/* ---------------------------------------------------------------- the tests */

static void be_a_stranger(struct client *client)
{
	const int fd = greet(client);

	expect_client(client, fd, "", 0);
	ask_seal(client, fd, "some-key");
	/* What is no name is not repeated. */
	ask_seal(client, fd, "some key");
	expect_client(client, fd, "", 0);
}

static void a_stranger_is_told_and_his_refusals_are(void **state)
{
	struct world *world = *state;
	const pid_t child = run(world, be_a_stranger);
	const struct event *event = &world->events[0];

	assert_int_equal(world->n_events, 2);
	assert_string_equal(event->kind, "refused");
	assert_string_equal(event->client, "");
	assert_string_equal(event->key, "some-key");
	assert_string_equal(event->profile, "digest");
	assert_int_equal(event->status, STATUS_DENIED);
	assert_int_equal(event->uid, geteuid());
	assert_int_equal(event->writer_uid, geteuid());
	assert_int_equal(event->pid, child);
	assert_string_equal(world->events[1].key, "");
	assert_string_equal(world->events[1].profile, "digest");
}

static void be_known_and_forgotten(struct client *client)
{
	const int fd = greet(client);

	expect_client(client, fd, "", 0);
	order(client, ORDER_KNOW_US);
	expect_client(client, fd, "us", 1);
	order(client, ORDER_KNOW_US);
	expect_client(client, fd, "us", 1);
	order(client, ORDER_KNOW_NOBODY);
	expect_client(client, fd, "", 0);
	/* Once more, and the next thing said is no request: nothing old is looked at. */
	order(client, ORDER_KNOW_US);
	ask_nothing(client, fd);
	must(hear(fd) == NULL);
}

static void another_policy_counts_from_the_next_request(void **state)
{
	struct world *world = *state;

	(void)run(world, be_known_and_forgotten);
	assert_int_equal(world->n_events, 1);
	assert_string_equal(world->events[0].client, "us");
	assert_int_equal(world->events[0].status, STATUS_BAD_MESSAGE);
}

static void expect_turned_away(struct client *client)
{
	const int fd = open_door(client);
	Zegel__V1__Response *answer = hear(fd);

	must(answer != NULL && answer->what_case == ZEGEL__V1__RESPONSE__WHAT_ERROR);
	must(answer->error->has_retry_after_ms && answer->error->retry_after_ms > 0);
	expect_error(client, answer, ZEGEL__V1__STATUS__BUSY, true);
	must(hear(fd) == NULL);
	must(close(fd) == 0);
}

static void be_too_many(struct client *client)
{
	int fds[STRANGERS_MAX];

	for (size_t i = 0; i < STRANGERS_MAX; i++)
		fds[i] = greet(client);
	expect_turned_away(client);
	expect_turned_away(client);
	for (size_t i = 0; i < STRANGERS_MAX; i++)
		expect_client(client, fds[i], "", 0);
	/* One goes, one may come. */
	must(close(fds[0]) == 0);
	order(client, ORDER_KNOW_NOBODY);
	expect_client(client, greet(client), "", 0);
}

static void strangers_over_their_number_are_turned_away_with_a_word(void **state)
{
	struct world *world = *state;

	(void)run(world, be_too_many);
	assert_int_equal(world->n_events, 2);
	assert_string_equal(world->events[1].kind, "connections");
	assert_int_equal(world->events[1].status, STATUS_TOO_MANY_CONNECTIONS);
}

static void be_forgotten_with_too_many(struct client *client)
{
	int fds[STRANGERS_MAX + 1];

	order(client, ORDER_KNOW_US);
	for (size_t i = 0; i <= STRANGERS_MAX; i++)
		fds[i] = greet(client);
	order(client, ORDER_KNOW_NOBODY);
	for (size_t i = 0; i < STRANGERS_MAX; i++)
		expect_client(client, fds[i], "", 0);
	expect_error(client, ask_whoami(client, fds[STRANGERS_MAX]),
		ZEGEL__V1__STATUS__BUSY, true);
	must(hear(fds[STRANGERS_MAX]) == NULL);
}

static void who_becomes_a_stranger_has_a_strangers_share(void **state)
{
	struct world *world = *state;

	(void)run(world, be_forgotten_with_too_many);
	assert_int_equal(world->n_events, 1);
	assert_int_equal(world->events[0].status, STATUS_TOO_MANY_CONNECTIONS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_stranger_is_told_and_his_refusals_are),
		TEST(another_policy_counts_from_the_next_request),
		TEST(strangers_over_their_number_are_turned_away_with_a_word),
		TEST(who_becomes_a_stranger_has_a_strangers_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
