/* SPDX-License-Identifier: Apache-2.0 */
#include "worker_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "util/buf.h"
#include "util/fd.h"

enum {
	OUTPUT_MAX = 8192,
	MODULE_MAX = 1 << 20,
	PATIENCE_S = 30,
};

static const char *const key_types[DESK_KEYS] = {"rsa:2048", "ec:p256", "ec:p384"};
static const char *const key_labels[DESK_KEYS] = {"rsa", "p256", "p384"};

static int open_text(const char *text)
{
	const int fd = memfd_create("pin", 0);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes_from_text(text)), STATUS_OK);
	return fd;
}

/* Runs zegel-enrol with the PIN as fd 3 and the SO PIN as fd 4; out: what it printed. */
static void enrol(const struct desk *desk, char *const *arguments, char *out)
{
	CLEANUP(fd_closep) int pin = open_text(PIN);
	CLEANUP(fd_closep) int so_pin = open_text("87654321");
	CLEANUP(fd_closep) int printed = memfd_create("out", MFD_CLOEXEC);
	char conf[128];
	char *const environment[] = {conf, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;
	int status = 0;
	ssize_t n;

	(void)snprintf(conf, sizeof(conf), "%s", desk->softhsm);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, printed, 1), 0);
	/* Far from 3 and 4, lest one overwrites the other. */
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, pin, 100), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, so_pin, 101), 0);
	assert_int_equal(
		posix_spawn(&pid, ZEGEL_ENROL, &actions, NULL, arguments, environment),
		0);
	(void)posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	n = pread(printed, out, OUTPUT_MAX - 1, 0);
	assert_true(n > 0);
	out[n] = '\0';
}

#define ARGUMENT(text) (char *)(uintptr_t)(text)

static void make_token(struct desk *desk)
{
	char out[OUTPUT_MAX];
	char *const arguments[] = {ARGUMENT("zegel-enrol"), ARGUMENT("init"),
		ARGUMENT("--module"), ARGUMENT(SOFTHSM), ARGUMENT("--label"),
		ARGUMENT("desk"), ARGUMENT("--pin-fd"), ARGUMENT("100"),
		ARGUMENT("--so-pin-fd"), ARGUMENT("101"), NULL};

	enrol(desk, arguments, out);
	out[strcspn(out, "\n")] = '\0';
	assert_true(strlen(out) < sizeof(desk->uri));
	memcpy(desk->uri, out, strlen(out) + 1);
}

static void make_key(struct desk *desk, enum desk_key key)
{
	char out[OUTPUT_MAX];
	char *const arguments[] = {ARGUMENT("zegel-enrol"), ARGUMENT("keygen"),
		ARGUMENT("--module"), ARGUMENT(SOFTHSM), ARGUMENT("--uri"), desk->uri,
		ARGUMENT("--pin-fd"), ARGUMENT("100"), ARGUMENT("--type"),
		ARGUMENT(key_types[key]), ARGUMENT("--label"),
		ARGUMENT(key_labels[key]), NULL};
	BIO *pem;

	enrol(desk, arguments, out);
	pem = BIO_new_mem_buf(out, -1);
	desk->keys[key] = PEM_read_bio_PUBKEY(pem, NULL, NULL, NULL);
	BIO_free(pem);
	assert_non_null(desk->keys[key]);
}

/* Into the folder: whoever builds with umask 002 has a build tree open to others. */
static void copy_module(const struct desk *desk)
{
	CLEANUP(buf_deinit) struct buf module = BUF_INIT(MODULE_MAX);

	assert_int_equal(fd_read_file(WORKER_MODULE, &module), STATUS_OK);
	assert_int_equal(
		fd_write_file(desk->module, 0700, buf_get(&module)), STATUS_OK);
}

int desk_setup(void **state)
{
	struct desk *desk;
	char conf[96];
	char text[160];

	if (access(SOFTHSM, R_OK) != 0) {
		(void)fprintf(stderr, "skipped: no " SOFTHSM "\n");
		_exit(77);
	}
	desk = calloc(1, sizeof(*desk));
	assert_non_null(desk);
	(void)snprintf(desk->folder, sizeof(desk->folder), "/tmp/zegel-worker-XXXXXX");
	assert_non_null(mkdtemp(desk->folder));
	(void)snprintf(desk->module, sizeof(desk->module), "%s/m.so", desk->folder);
	(void)snprintf(desk->tally, sizeof(desk->tally), "%s/tally", desk->folder);
	(void)snprintf(desk->printed, sizeof(desk->printed), "%s/out", desk->folder);
	(void)snprintf(desk->dump, sizeof(desk->dump), "%s/dump", desk->folder);
	(void)snprintf(conf, sizeof(conf), "%s/conf", desk->folder);
	(void)snprintf(desk->softhsm, sizeof(desk->softhsm), "SOFTHSM2_CONF=%s", conf);
	(void)snprintf(text, sizeof(text),
		"directories.tokendir = %s\nobjectstore.backend = file\n"
		"log.level = ERROR\n",
		desk->folder);
	assert_int_equal(fd_write_file(conf, 0600, bytes_from_text(text)), STATUS_OK);
	copy_module(desk);
	make_token(desk);
	for (enum desk_key key = DESK_RSA; key < DESK_KEYS; key++)
		make_key(desk, key);
	*state = desk;
	return 0;
}

int desk_teardown(void **state)
{
	struct desk *desk = *state;
	char *const arguments[] = {
		ARGUMENT("rm"), ARGUMENT("-r"), ARGUMENT("--"), desk->folder, NULL};
	pid_t pid = 0;

	for (size_t i = 0; i < DESK_KEYS; i++)
		EVP_PKEY_free(desk->keys[i]);
	if (posix_spawnp(&pid, "rm", NULL, NULL, arguments, environ) == 0)
		(void)waitpid(pid, NULL, 0);
	free(desk);
	return 0;
}

size_t desk_count(const struct desk *desk, const char *word)
{
	CLEANUP(buf_deinit) struct buf tally = BUF_INIT(MODULE_MAX);
	const char *at = NULL;
	size_t n = 0;

	if (access(desk->tally, F_OK) != 0)
		return 0;
	assert_int_equal(fd_read_file(desk->tally, &tally), STATUS_OK);
	assert_int_equal(buf_get_text(&tally, &at), STATUS_OK);
	for (at = strstr(at, word); at != NULL; at = strstr(at + 1, word))
		n++;
	return n;
}

static pid_t spawn(const struct desk *desk, int socket)
{
	char *const arguments[] = {ARGUMENT("zegel-token"), ARGUMENT("desk"), NULL};
	char *const environment[] = {ARGUMENT("TZ=Europe/Amsterdam"),
		ARGUMENT("LEAK=1"), ARGUMENT("LD_PRELOAD="), NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;

	(void)unlink(desk->tally);
	(void)unlink(desk->dump);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO,
				 desk->printed, O_WRONLY | O_CREAT | O_TRUNC, 0600),
		0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, socket, JOB_FD), 0);
	assert_int_equal(
		posix_spawn(&pid, ZEGEL_TOKEN, &actions, NULL, arguments, environment),
		0);
	(void)posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static void set_patience(int fd)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};

	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
		0);
}

struct run run_start(struct desk *desk)
{
	struct run run = {.desk = desk, .fd = FD_NONE, .pid = 0};
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	set_patience(pair[0]);
	run.pid = spawn(desk, pair[1]);
	(void)close(pair[1]);
	run.fd = pair[0];
	return run;
}

struct run run_start_listening(struct desk *desk)
{
	struct run run = {.desk = desk, .fd = FD_NONE, .pid = 0};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP(fd_closep)
	int listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(
		address.sun_path, sizeof(address.sun_path), "%s/s", desk->folder);
	(void)unlink(address.sun_path);
	assert_int_equal(
		bind(listening, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listening, 1), 0);
	run.pid = spawn(desk, listening);
	run.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	set_patience(run.fd);
	assert_int_equal(
		connect(run.fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return run;
}

void run_deinit(struct run *run)
{
	fd_closep(&run->fd);
	if (run->pid == 0)
		return;
	(void)kill(run->pid, SIGKILL);
	(void)waitpid(run->pid, NULL, 0);
	run->pid = 0;
}

static void send_with_fd(
	const struct run *run, const union job_message *message, int fd)
{
	union job_message copy = *message;
	struct iovec part = {.iov_base = &copy, .iov_len = job_length(message)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct msghdr envelope = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room)};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
	assert_int_equal(sendmsg(run->fd, &envelope, MSG_NOSIGNAL), part.iov_len);
}

void run_send(const struct run *run, const void *message, size_t len)
{
	assert_int_equal(send(run->fd, message, len, MSG_NOSIGNAL), len);
}

void run_send_message(const struct run *run, const union job_message *message)
{
	run_send(run, message, job_length(message));
}

static void put(char *to, size_t room, const char *text)
{
	assert_true((size_t)snprintf(to, room, "%s", text) < room);
}

static void send_keys(const struct run *run, const struct order *order, uint32_t n_keys)
{
	for (uint32_t i = 0; i < n_keys; i++) {
		union job_message key = {
			.key = {.head = {JOB_KEY, JOB_LAYOUT}, .key_id = i}};

		put(key.key.uri, sizeof(key.key.uri), order->keys[i]);
		run_send_message(run, &key);
	}
}

void run_order(const struct run *run, const struct order *order)
{
	const struct desk *desk = run->desk;
	union job_message message = {.open = {.head = {JOB_OPEN, JOB_LAYOUT}}};
	struct token_open *open = &message.open;
	uint32_t n_keys = 0;

	open->n_sessions = order->n_sessions == 0 ? 1 : order->n_sessions;
	open->deadline_ms = order->deadline_ms == 0 ? 20000 : order->deadline_ms;
	open->has_pin = order->pin != NULL;
	put(open->module, sizeof(open->module),
		order->module == NULL ? desk->module : order->module);
	put(open->uri, sizeof(open->uri), order->uri == NULL ? desk->uri : order->uri);
	put(open->environment[open->n_environment++], JOB_VARIABLE_MAX, desk->softhsm);
	(void)snprintf(open->environment[open->n_environment++], JOB_VARIABLE_MAX,
		"FAULT_TALLY=%.200s", desk->tally);
	for (size_t i = 0; i < ORDER_VARIABLES_MAX && order->variables[i] != NULL; i++)
		put(open->environment[open->n_environment++], JOB_VARIABLE_MAX,
			order->variables[i]);
	while (n_keys < ORDER_KEYS_MAX && order->keys[n_keys] != NULL)
		n_keys++;
	open->n_keys = n_keys;
	if (order->pin == NULL) {
		run_send_message(run, &message);
	} else {
		CLEANUP(fd_closep) int pin = open_text(order->pin);

		send_with_fd(run, &message, pin);
	}
	send_keys(run, order, n_keys);
}

void run_expect(const struct run *run, enum job_kind kind, union job_message *out)
{
	const ssize_t n = recv(run->fd, out, sizeof(*out), 0);

	if (n <= 0)
		fail_msg("expected message %d, the worker has ended", (int)kind);
	assert_true(job_is_whole(out, (size_t)n));
	if (out->head.kind != kind)
		fail_msg("expected message %d, got %u: %s", (int)kind, out->head.kind,
			out->head.kind == JOB_FAILED ? out->failed.text : "");
}

void run_login(const struct run *run, enum job_outcome outcome)
{
	union job_message message;

	run_expect(run, JOB_FOUND, &message);
	run_expect(run, JOB_MAY_LOGIN, &message);
	run_send_message(run,
		&(union job_message){
			.login = {.head = {JOB_LOGIN, JOB_LAYOUT}, .may_login = 1}});
	run_expect(run, JOB_LOGGED_IN, &message);
	assert_int_equal(message.logged_in.outcome, outcome);
}

void run_ready(const struct run *run, const struct order *order)
{
	union job_message message;

	run_order(run, order);
	run_login(run, JOB_DONE);
	for (size_t i = 0; i < ORDER_KEYS_MAX && order->keys[i] != NULL; i++) {
		run_expect(run, JOB_KEY_IS, &message);
		assert_int_equal(message.key_is.key_id, i);
		assert_int_equal(message.key_is.state, JOB_KEY_USABLE);
	}
	for (uint32_t i = 0; i < (order->n_sessions == 0 ? 1 : order->n_sessions);
		i++) {
		run_expect(run, JOB_SESSION_UP, &message);
		assert_int_equal(message.session_up.session_id, i);
		assert_int_equal(message.session_up.outcome, JOB_DONE);
	}
}

void run_expect_end(struct run *run, int expected)
{
	union job_message message;
	int status = 0;

	if (run->fd != FD_NONE)
		assert_true(recv(run->fd, &message, sizeof(message), 0) <= 0);
	for (int i = 0; i < PATIENCE_S * 100; i++) {
		const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};

		if (waitpid(run->pid, &status, WNOHANG) == run->pid) {
			run->pid = 0;
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), expected);
			return;
		}
		(void)nanosleep(&pause, NULL);
	}
	fail_msg("the worker does not end");
}

void run_close(struct run *run, int status)
{
	fd_closep(&run->fd);
	run_expect_end(run, status);
}

struct token_job run_job(enum desk_key key, enum job_operation operation, uint64_t id)
{
	static const uint32_t digest_len[] = {0, 32, 48, 64, 32, 48, 64, 32};
	struct token_job job = {
		.head = {JOB_SIGN, JOB_LAYOUT},
		.job_id = id,
		.key_id = key,
		.operation = operation,
		.data_len = digest_len[operation],
	};

	if (key == DESK_P384)
		job.data_len = 48;
	memset(job.data, (int)(id & 0xff), job.data_len);
	return job;
}

void run_sign(const struct run *run, const struct token_job *job)
{
	const union job_message message = {.job = *job};

	run_send_message(run, &message);
}

/* r and s as PKCS#11 and JWS have them, to DER as OpenSSL has it. */
static unsigned char *to_der(const struct token_result *result, int *len)
{
	const int half = (int)result->signature_len / 2;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	unsigned char *der = NULL;

	assert_int_equal(ECDSA_SIG_set0(pair, BN_bin2bn(result->signature, half, NULL),
				 BN_bin2bn(result->signature + half, half, NULL)),
		1);
	*len = i2d_ECDSA_SIG(pair, &der);
	ECDSA_SIG_free(pair);
	return der;
}

static const EVP_MD *hash_of(uint32_t operation)
{
	switch ((enum job_operation)operation) {
	case JOB_RSA_PKCS1_SHA256:
	case JOB_RSA_PSS_SHA256:
		return EVP_sha256();
	case JOB_RSA_PKCS1_SHA384:
	case JOB_RSA_PSS_SHA384:
		return EVP_sha384();
	case JOB_RSA_PKCS1_SHA512:
	case JOB_RSA_PSS_SHA512:
		return EVP_sha512();
	case JOB_ECDSA:
		break;
	}
	return NULL;
}

static void set_padding(EVP_PKEY_CTX *context, uint32_t operation)
{
	const bool is_pss = operation >= JOB_RSA_PSS_SHA256;

	assert_true(EVP_PKEY_CTX_set_signature_md(context, hash_of(operation)) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_padding(context,
			    is_pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) > 0);
	if (is_pss)
		assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(
				    context, RSA_PSS_SALTLEN_DIGEST) > 0);
}

bool run_is_good(const struct desk *desk, const struct token_job *job,
	const struct token_result *result)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(desk->keys[job->key_id], NULL);
	int rc;

	assert_int_equal(EVP_PKEY_verify_init(context), 1);
	if (job->operation == JOB_ECDSA) {
		int len = 0;
		unsigned char *der = to_der(result, &len);

		rc = EVP_PKEY_verify(
			context, der, (size_t)len, job->data, job->data_len);
		OPENSSL_free(der);
	} else {
		set_padding(context, job->operation);
		rc = EVP_PKEY_verify(context, result->signature, result->signature_len,
			job->data, job->data_len);
	}
	EVP_PKEY_CTX_free(context);
	return rc == 1;
}
