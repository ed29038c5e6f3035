/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's part, played by a test: a token made by zegel-enrol in a folder of its
 * own, and zegel-token started over a socket pair as the broker starts it.
 */
#ifndef ZEGEL_TESTS_WORKER_FIXTURE_H
#define ZEGEL_TESTS_WORKER_FIXTURE_H

#include <limits.h>
#include <sys/types.h>

#include <openssl/evp.h>

#include "token/job.h"

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"
#define PIN     "123456"

enum desk_key {
	DESK_RSA,
	DESK_P256,
	DESK_P384,
	DESK_KEYS,
};

/* The folder with its token, for all tests of one program. */
struct desk {
	char folder[64];
	char module[96]; /* worker_module.c, copied to where only we may write */
	char tally[96];
	char printed[96]; /* what the worker wrote to standard output */
	char dump[96];
	char softhsm[128];         /* SOFTHSM2_CONF=… */
	char uri[JOB_URI_MAX];     /* of the token */
	EVP_PKEY *keys[DESK_KEYS]; /* owns; the public keys that zegel-enrol printed */
};

/* CMocka's group set-up and tear-down. The program exits with 77 without SoftHSM. */
int desk_setup(void **state);
int desk_teardown(void **state);

struct run {
	struct desk *desk;
	int fd;
	pid_t pid;
};

enum {
	ORDER_KEYS_MAX = 4,
	ORDER_VARIABLES_MAX = 6,
};

/* What a test tells the worker; NULL and 0 mean the usual. */
struct order {
	const char *module;
	const char *uri;
	const char *pin; /* NULL: none */
	uint32_t n_sessions;
	uint32_t deadline_ms;
	const char *keys[ORDER_KEYS_MAX];
	const char *variables[ORDER_VARIABLES_MAX];
};

struct run run_start(struct desk *desk);
/* As systemd starts it: with a listening socket, to which we connect. */
struct run run_start_listening(struct desk *desk);
void run_deinit(struct run *run);
void run_send(const struct run *run, const void *message, size_t len);
void run_send_message(const struct run *run, const union job_message *message);
void run_order(const struct run *run, const struct order *order);
/* The next message, which must be of this kind; fails after ten seconds. */
void run_expect(const struct run *run, enum job_kind kind, union job_message *out);
/* JOB_FOUND to the answer of JOB_LOGIN, which must be outcome. */
void run_login(const struct run *run, enum job_outcome outcome);
/* All of it until n sessions are up. */
void run_ready(const struct run *run, const struct order *order);
/* The worker says nothing more and ends by itself with this exit status. */
void run_expect_end(struct run *run, int status);
/* Closes our end first. */
void run_close(struct run *run, int status);

struct token_job run_job(enum desk_key key, enum job_operation operation, uint64_t id);
void run_sign(const struct run *run, const struct token_job *job);
/* The signature verifies with the public key. */
bool run_is_good(const struct desk *desk, const struct token_job *job,
	const struct token_result *result);
/* The lines of the module's tally that are word. */
size_t desk_count(const struct desk *desk, const char *word);

#endif
