/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an officer sends: a byte that says whether he has greeted, and messages, each
 * behind a head. Through the officers' door and their handlers; only the record and the
 * reload are played. Each message gets one answer that a client can read, and a descriptor
 * comes with a file of the record and with nothing else.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/officer_internal.h"
#include "util/fd.h"
#include "util/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
enum status __wrap_audit_open_file(
	const struct audit *audit, uint64_t index, char name[static 64], int *out);
enum status __wrap_audit_add_act(struct audit *audit, const struct audit_act *act);

enum {
	FILES = 3,
	MESSAGES_MAX = 8,
	ROOM = FRAME_HEAD + FRAME_BODY_MAX,
};

enum status __wrap_audit_open_file(
	const struct audit *audit, uint64_t index, char name[static 64], int *out)
{
	(void)audit;
	if (index >= FILES)
		return STATUS_NOT_FOUND;
	strcpy(name, "audit.jsonl");
	*out = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return *out < 0 ? STATUS_IO : STATUS_OK;
}

enum status __wrap_audit_add_act(struct audit *audit, const struct audit_act *act)
{
	(void)audit;
	return act->uid == geteuid() ? STATUS_OK : STATUS_NO_RECORD;
}

/* Good, bad, and bad for another reason in turns. */
static enum status on_reload(
	void *context, uid_t uid, pid_t pid, struct officer_reload *out)
{
	int *n = context;

	(void)uid;
	(void)pid;
	if (++*n % 3 == 1)
		return STATUS_OK;
	if (*n % 3 == 2)
		return STATUS_NO_RECORD;
	must(buf_append_text(&out->errors, "zegel.conf:1: x\n") == STATUS_OK);
	return STATUS_BAD_CONFIG;
}

static struct policy *new_policy(void)
{
	static const char *const audiences[] = {"did:x"};
	static const struct policy_rule_spec rules[] = {
		{.name = "login",
			.key = "k",
			.profile = "dsgo-auth",
			.audiences = audiences,
			.n_audiences = 1,
			.has_audiences = true,
			.claims = POLICY_CLAIMS_LISTED},
		{.name = "plain", .key = "k", .profile = "jws", .max_size = 20},
		{.name = "raw", .key = "k", .profile = "digest"},
	};
	const struct policy_client_spec spec = {
		.name = "c", .has_user = true, .user = 1, .weight = 1};
	struct policy *policy = NULL;
	const char *rival = NULL;

	must(policy_new(&policy) == STATUS_OK);
	must(policy_add_client(policy, &spec, &rival) == STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		must(policy_add_rule(policy, "c", &rules[i]) == STATUS_OK);
	return policy;
}

struct world {
	struct loop *loop;
	struct sealer *sealer;
	struct policy *policy;
	struct listen_spec spec;
	struct officer_server *officer;
	struct conn *conn;
	int n_reloads;
	int far; /* the officer's end */
	uint8_t *room;
};

static void open_officer(struct world *world, int listening)
{
	const struct sealer_setup sealer = {
		.loop = world->loop, .policy = world->policy, .line_max = 1};
	struct officer_setup setup = {
		.loop = world->loop,
		.policy = world->policy,
		.spec = &world->spec,
		.inherited_fd = listening,
		.on_reload = on_reload,
		.context = &world->n_reloads,
	};

	must(sealer_new(&sealer, &world->sealer) == STATUS_OK);
	setup.sealer = world->sealer;
	must(officer_new(&setup, &world->officer) == STATUS_OK);
}

static void open_world(struct world *world)
{
	static char name[] = "officer";
	static char path[] = "/officer";
	int doors[2], pair[2];

	*world = (struct world){.spec = {.name = name, .path = path}};
	world->room = malloc(ROOM);
	must(world->room != NULL && loop_new(&world->loop) == STATUS_OK);
	world->policy = new_policy();
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, doors) == 0);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	(void)close(doors[1]);
	open_officer(world, doors[0]);
	must(conn_new(world->loop, &world->officer->events, pair[0], &world->conn) ==
		STATUS_OK);
	must(slots_put(&world->officer->conns, world->conn, &world->conn->id) ==
		STATUS_OK);
	world->far = pair[1];
}

static void close_world(struct world *world)
{
	officer_freep(&world->officer);
	sealer_freep(&world->sealer);
	policy_freep(&world->policy);
	loop_freep(&world->loop);
	fd_closep(&world->far);
	free(world->room);
}

/* All that waits at the officer's end; whether a descriptor came along. */
static size_t receive(struct world *world, bool *has_fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec piece = {.iov_base = world->room, .iov_len = ROOM};
	struct msghdr envelope = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	const ssize_t n =
		recvmsg(world->far, &envelope, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *message = CMSG_FIRSTHDR(&envelope);
	int fd = FD_NONE;

	*has_fd = n > 0 && message != NULL;
	if (!*has_fd)
		return n < 0 ? 0 : (size_t)n;
	must(message->cmsg_type == SCM_RIGHTS &&
		message->cmsg_len == CMSG_LEN(sizeof(fd)));
	memcpy(&fd, CMSG_DATA(message), sizeof(fd));
	fd_closep(&fd);
	return (size_t)n;
}

static void check_answer(struct world *world)
{
	Zegel__Officer__V1__Response *response;
	bool has_fd = false;
	const size_t n = receive(world, &has_fd);
	size_t len = 0;

	must(n > FRAME_HEAD && frame_get_length(world->room, &len));
	must(n == FRAME_HEAD + len);
	response = zegel__officer__v1__response__unpack(
		NULL, len, world->room + FRAME_HEAD);
	must(response != NULL);
	must(has_fd == (response->what_case ==
			       ZEGEL__OFFICER__V1__RESPONSE__WHAT_OPEN_RECORD));
	must(response->what_case != ZEGEL__OFFICER__V1__RESPONSE__WHAT__NOT_SET);
	zegel__officer__v1__response__free_unpacked(response, NULL);
}

static bool take_message(struct bytes *rest, struct bytes *out)
{
	size_t len = 0;

	if (rest->len < FRAME_HEAD || !frame_get_length(rest->p, &len) ||
		len > rest->len - FRAME_HEAD)
		return false;
	*out = (struct bytes){rest->p + FRAME_HEAD, len};
	rest->p += FRAME_HEAD + len;
	rest->len -= FRAME_HEAD + len;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = {data, size};
	struct bytes message;
	struct world world;

	log_init("fuzz", LOG_ERR);
	if (size == 0)
		return 0;
	open_world(&world);
	world.conn->is_greeted = (data[0] & 1) != 0;
	rest = (struct bytes){data + 1, size - 1};
	for (int i = 0; i < MESSAGES_MAX && take_message(&rest, &message); i++) {
		/* As conn.c: nothing is heard any more. */
		if (world.conn->is_closing || world.conn->is_broken)
			break;
		world.officer->events.on_message(world.officer, world.conn, message);
		check_answer(&world);
	}
	close_world(&world);
	return 0;
}
