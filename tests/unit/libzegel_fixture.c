/* SPDX-License-Identifier: Apache-2.0 */
#include "libzegel_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CONNECTIONS_MAX = 64,
	BACKLOG = 16,
};

static void need(bool condition, const char *what)
{
	if (condition)
		return;
	perror(what);
	_exit(99);
}

ProtobufCBinaryData fake_bytes(const char *text)
{
	union {
		const char *in;
		uint8_t *out;
	} view = {.in = text};

	return (ProtobufCBinaryData){.data = view.out, .len = strlen(text)};
}

/* ---------------------------------------------------------------- frames */

void fake_send_bytes(int fd, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len > 0) {
		const ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* The client has gone; a test may want that. */
		p += n;
		len -= (size_t)n;
	}
}

static size_t pack(uint8_t **out, const Zegel__V1__Response *response)
{
	const size_t len = zegel__v1__response__get_packed_size(response);
	uint8_t *const p = malloc(FRAME_HEAD + len);

	need(p != NULL, "malloc");
	frame_put_head(p, len);
	zegel__v1__response__pack(response, p + FRAME_HEAD);
	*out = p;
	return FRAME_HEAD + len;
}

static void send_in_steps(int fd, const Zegel__V1__Response *response, size_t step)
{
	uint8_t *bytes;
	const size_t len = pack(&bytes, response);

	for (size_t at = 0; at < len; at += step) {
		fake_send_bytes(fd, bytes + at, len - at < step ? len - at : step);
		if (step < len)
			usleep(500);
	}
	free(bytes);
}

void fake_send(int fd, const Zegel__V1__Response *response)
{
	send_in_steps(fd, response, SIZE_MAX / 2);
}

void fake_send_error(int fd, uint64_t id, Zegel__V1__Status status, const char *text)
{
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__Error error = ZEGEL__V1__ERROR__INIT;

	error.status = status;
	error.text = fake_bytes(text);
	error.has_retry_after_ms = true;
	error.retry_after_ms = 70;
	response.id = id;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_ERROR;
	response.error = &error;
	fake_send(fd, &response);
}

static bool receive_all(const struct fake *fake, int fd, uint8_t *bytes, size_t len)
{
	for (size_t got = 0; got < len;) {
		const ssize_t n = recv(fd, bytes + got, len - got, 0);

		if (n <= 0)
			return false;
		atomic_fetch_add(&fake->counts->bytes, (unsigned)n);
		got += (size_t)n;
	}
	return true;
}

/* ---------------------------------------------------------------- answers */

static ProtobufCBinaryData thumbprint(void)
{
	static const uint8_t bytes[32] = {0xaa, 0xbb};
	union {
		const uint8_t *in;
		uint8_t *out;
	} view = {.in = bytes};

	return (ProtobufCBinaryData){.data = view.out, .len = sizeof(bytes)};
}

static void answer_hello(int fd, const Zegel__V1__Request *request)
{
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__HelloResult hello = ZEGEL__V1__HELLO_RESULT__INIT;

	hello.version = 1;
	hello.agent = fake_bytes("zegel 0.1.0");
	hello.frame_max = FRAME_BODY_MAX;
	hello.in_flight_max = FRAME_IN_FLIGHT_MAX;
	response.id = request->id;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_HELLO;
	response.hello = &hello;
	fake_send(fd, &response);
}

/* payload as the seal, typ as jti, cty as algorithm, x5c as iat. */
static void repeat_jws(Zegel__V1__SealResult *result, const Zegel__V1__JwsInput *asked)
{
	result->seal = asked->payload;
	result->has_jti = asked->has_typ;
	result->jti = asked->typ;
	if (asked->has_cty)
		result->algorithm = asked->cty;
	result->has_issued_at = asked->has_x5c;
	result->issued_at = asked->x5c;
}

/* A seal that repeats what was asked, so that a test sees what arrived. */
static void answer_seal(int fd, const Zegel__V1__Request *request, size_t step)
{
	const Zegel__V1__Seal *const seal = request->seal;
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__SealResult result = ZEGEL__V1__SEAL_RESULT__INIT;

	if (seal->input_case == ZEGEL__V1__SEAL__INPUT__NOT_SET) {
		fake_send_error(fd, request->id, ZEGEL__V1__STATUS__UNSUPPORTED,
			"no such profile");
		return;
	}
	if (seal->input_case == ZEGEL__V1__SEAL__INPUT_DIGEST) {
		result.seal = seal->digest->digest;
	} else if (seal->input_case == ZEGEL__V1__SEAL__INPUT_JWS) {
		repeat_jws(&result, seal->jws);
	} else {
		result.seal = seal->dsgo_auth->audience;
		result.has_jti = true;
		result.jti = seal->dsgo_auth->has_claims ? seal->dsgo_auth->claims
							 : fake_bytes("none");
		result.has_issued_at = true;
		result.issued_at = 1700000000 + seal->dsgo_auth->not_before;
		result.has_expires_at = true;
		result.expires_at = 1700000030;
	}
	result.certificate_sha256 = thumbprint();
	if (result.algorithm.len == 0)
		result.algorithm =
			seal->has_algorithm ? seal->algorithm : fake_bytes("RS256");
	response.id = request->id;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_SEAL;
	response.seal = &result;
	send_in_steps(fd, &response, step);
}

static void fill_key(
	Zegel__V1__Key *key, const char *name, ProtobufCBinaryData lists[static 2])
{
	zegel__v1__key__init(key);
	lists[0] = fake_bytes("dsgo-auth");
	lists[1] = fake_bytes("digest");
	key->name = fake_bytes(name);
	key->state = ZEGEL__V1__KEY_STATE__KEY_LOCKED;
	key->n_profiles = 2;
	key->profiles = lists;
	key->has_identifier = true;
	key->identifier = fake_bytes("did:ishare:EU.NL.NTRNL-12345678");
	key->not_before = 1600000000;
	key->not_after = 1800000000;
	key->certificate_sha256 = thumbprint();
}

/* Two pages: "a", "b"; then "c". */
static void answer_list_keys(int fd, const Zegel__V1__Request *request)
{
	const bool is_first = !request->list_keys->has_after;
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__ListKeysResult result = ZEGEL__V1__LIST_KEYS_RESULT__INIT;
	ProtobufCBinaryData lists[2][2];
	Zegel__V1__Key keys[2];
	Zegel__V1__Key *pointers[] = {&keys[0], &keys[1]};

	fill_key(&keys[0], is_first ? "a" : "c", lists[0]);
	fill_key(&keys[1], "b", lists[1]);
	result.keys = pointers;
	result.n_keys = is_first ? 2 : 1;
	result.has_more = is_first;
	response.id = request->id;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_LIST_KEYS;
	response.list_keys = &result;
	fake_send(fd, &response);
}

static void answer_describe_key(int fd, const Zegel__V1__Request *request)
{
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__DescribeKeyResult result = ZEGEL__V1__DESCRIBE_KEY_RESULT__INIT;
	ProtobufCBinaryData lists[2];
	ProtobufCBinaryData chain[] = {fake_bytes("leaf"), fake_bytes("root!")};
	Zegel__V1__Key key;

	fill_key(&key, "", lists);
	key.name = request->describe_key->key;
	key.has_identifier = false;
	key.state = ZEGEL__V1__KEY_STATE__KEY_READY;
	result.key = &key;
	result.chain = chain;
	result.n_chain = 2;
	response.id = request->id;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_DESCRIBE_KEY;
	response.describe_key = &result;
	fake_send(fd, &response);
}

static void answer_health(int fd, const Zegel__V1__Request *request)
{
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__HealthResult result = ZEGEL__V1__HEALTH_RESULT__INIT;

	result.agent = fake_bytes("zegel 0.1.0");
	result.uptime_s = 1;
	result.waiting = 2;
	result.in_flight = 3;
	result.sealed = 4;
	result.keys_ready = 5;
	result.keys = 6;
	response.id = request->id;
	result.has_trouble = true;
	result.trouble = fake_bytes("no space is left on the device");
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_HEALTH;
	response.health = &result;
	fake_send(fd, &response);
}

/* Two pages: rules "a", "b"; then "c". */
static void answer_whoami(int fd, const Zegel__V1__Request *request)
{
	const bool is_first = !request->whoami->has_first_rule;
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__WhoamiResult result = ZEGEL__V1__WHOAMI_RESULT__INIT;
	Zegel__V1__Rule rules[2] = {ZEGEL__V1__RULE__INIT, ZEGEL__V1__RULE__INIT};
	Zegel__V1__Rule *pointers[] = {&rules[0], &rules[1]};
	uint32_t groups[] = {20, 30};

	for (size_t i = 0; i < 2; i++) {
		rules[i].name = fake_bytes(!is_first ? "c" : i == 0 ? "a" : "b");
		rules[i].key = fake_bytes("k");
		rules[i].profile = fake_bytes("digest");
		rules[i].is_master = i == 0;
	}
	result.client = fake_bytes("planning-api");
	result.uid = 1;
	result.gid = 2;
	result.pid = 3;
	result.groups = groups;
	result.n_groups = 2;
	result.has_unit = true;
	result.unit = fake_bytes("planning-api.service");
	result.listen = fake_bytes("client");
	result.rules = pointers;
	result.n_rules = is_first ? 2 : 1;
	result.has_more = is_first;
	response.id = request->id;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_WHOAMI;
	response.whoami = &result;
	fake_send(fd, &response);
}

static bool answer(int fd, const Zegel__V1__Request *request, size_t step)
{
	switch (request->what_case) {
	case ZEGEL__V1__REQUEST__WHAT_HELLO:
		answer_hello(fd, request);
		return true;
	case ZEGEL__V1__REQUEST__WHAT_SEAL:
		answer_seal(fd, request, step);
		return true;
	case ZEGEL__V1__REQUEST__WHAT_LIST_KEYS:
		answer_list_keys(fd, request);
		return true;
	case ZEGEL__V1__REQUEST__WHAT_DESCRIBE_KEY:
		answer_describe_key(fd, request);
		return true;
	case ZEGEL__V1__REQUEST__WHAT_HEALTH:
		answer_health(fd, request);
		return true;
	case ZEGEL__V1__REQUEST__WHAT_WHOAMI:
		answer_whoami(fd, request);
		return true;
	case ZEGEL__V1__REQUEST__WHAT__NOT_SET:
	case _ZEGEL__V1__REQUEST__WHAT__CASE_IS_INT_SIZE:
	default:
		return false;
	}
}

bool fake_answer(int fd, const Zegel__V1__Request *request)
{
	return answer(fd, request, SIZE_MAX / 2);
}

bool fake_answer_slowly(int fd, const Zegel__V1__Request *request)
{
	return answer(fd, request, 1);
}

/* ---------------------------------------------------------------- the process */

static bool act_on(const struct fake *fake, int fd, const Zegel__V1__Request *request)
{
	struct fake_counts *const counts = fake->counts;
	fake_act_fn *act = fake->act;

	if (request->what_case == ZEGEL__V1__REQUEST__WHAT_HELLO) {
		atomic_fetch_add(&counts->hellos, 1);
		act = fake->greet;
	} else {
		atomic_fetch_add(&counts->requests, 1);
	}
	if (request->what_case == ZEGEL__V1__REQUEST__WHAT_SEAL)
		atomic_store(&counts->last_timeout_ms, request->seal->timeout_ms);
	return (act == NULL ? fake_answer : act)(fd, request);
}

/* One frame, whole; false when the connection is to be closed. */
static bool serve(const struct fake *fake, int fd)
{
	static uint8_t body[FRAME_BODY_MAX];
	uint8_t head[FRAME_HEAD];
	Zegel__V1__Request *request;
	size_t len;
	bool stays;

	if (!receive_all(fake, fd, head, sizeof(head)) ||
		!frame_get_length(head, &len) || !receive_all(fake, fd, body, len))
		return false;
	request = zegel__v1__request__unpack(NULL, len, body);
	if (request == NULL)
		return false;
	stays = act_on(fake, fd, request);
	zegel__v1__request__free_unpacked(request, NULL);
	return stays;
}

static void serve_all(const struct fake *fake, int listener)
{
	struct pollfd fds[1 + CONNECTIONS_MAX] = {{.fd = listener, .events = POLLIN}};
	nfds_t n = 1;

	while (poll(fds, n, -1) > 0) {
		for (nfds_t i = n - 1; i > 0; i--) {
			if (fds[i].revents == 0 || serve(fake, fds[i].fd))
				continue;
			close(fds[i].fd);
			fds[i] = fds[--n];
		}
		if (fds[0].revents != 0 && n <= CONNECTIONS_MAX) {
			fds[n] = (struct pollfd){
				.fd = accept(listener, NULL, NULL), .events = POLLIN};
			need(fds[n++].fd >= 0, "accept");
			atomic_fetch_add(&fake->counts->connections, 1);
		}
	}
}

static _Noreturn void run(const struct fake *fake, int ready)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, fake->path);
	if (fake->uid != 0)
		need(setuid(fake->uid) == 0, "setuid");
	/* A test that fails jumps over fake_stop(). A new user forgets this. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	need(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
	need(listen(listener, fake->is_deaf ? 0 : BACKLOG) == 0, "listen");
	need(chmod(fake->path, 0777) == 0, "chmod");
	need(write(ready, "", 1) == 1, "write");
	while (fake->is_deaf)
		pause();
	serve_all(fake, listener);
	_exit(0);
}

void fake_start(struct fake *fake)
{
	const char *const base = getenv("TMPDIR");
	int ready[2];
	char byte;

	(void)snprintf(fake->folder, sizeof(fake->folder), "%.40s/zegel-XXXXXX",
		base != NULL && strlen(base) <= 40 ? base : "/tmp");
	need(mkdtemp(fake->folder) != NULL, "mkdtemp");
	need(chmod(fake->folder, 0777) == 0, "chmod");
	(void)snprintf(fake->path, sizeof(fake->path), "%s/socket", fake->folder);
	fake->counts = mmap(NULL, sizeof(*fake->counts), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(fake->counts != MAP_FAILED, "mmap");
	need(pipe2(ready, O_CLOEXEC) == 0, "pipe2");
	fake->pid = fork();
	need(fake->pid >= 0, "fork");
	if (fake->pid == 0)
		run(fake, ready[1]);
	close(ready[1]);
	need(read(ready[0], &byte, 1) == 1, "the fake agent did not start");
	close(ready[0]);
}

void fake_stop(struct fake *fake)
{
	kill(fake->pid, SIGKILL);
	waitpid(fake->pid, NULL, 0);
	unlink(fake->path);
	rmdir(fake->folder);
	munmap(fake->counts, sizeof(*fake->counts));
}

/* ---------------------------------------------------------------- the other side */

struct zegel *fake_open(const struct fake *fake, uint32_t timeout_ms)
{
	struct zegel *zegel = NULL;

	need(zegel_open(fake->path, timeout_ms, &zegel, NULL) == ZEGEL_OK,
		"zegel_open");
	return zegel;
}

void fake_closep(struct zegel **zegel)
{
	zegel_close(*zegel);
}

enum zegel_status fake_ask_seal(struct zegel *zegel, struct zegel_error *error)
{
	const struct zegel_seal_request request = {
		.size = sizeof(request),
		.key = "k",
		.profile = "dsgo-auth",
		.audience = "did:x",
	};
	struct zegel_seal *seal = NULL;
	const enum zegel_status status = zegel_seal(zegel, &request, &seal, error);

	need((status == ZEGEL_OK) == (seal != NULL), "a seal and a status that differ");
	zegel_seal_free(seal);
	return status;
}
