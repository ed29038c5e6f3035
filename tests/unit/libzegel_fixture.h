/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent for the tests of libzegel: a process that serves a socket in a folder of its
 * own and does to each request what the test says, good or bad.
 *
 * Thread: main, the counts excepted
 */
#ifndef ZEGEL_TESTS_LIBZEGEL_FIXTURE_H
#define ZEGEL_TESTS_LIBZEGEL_FIXTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include <zegel.h>

#include "proto/frame.h"
#include "zegel.pb-c.h"

#define CLEANUP(function) __attribute__((cleanup(function)))

/* What both processes see. */
struct fake_counts {
	_Atomic unsigned connections;
	_Atomic unsigned bytes; /* that clients sent */
	_Atomic unsigned hellos;
	_Atomic unsigned requests; /* other than hello */
	_Atomic uint32_t last_timeout_ms;
};

/* Does something to a request that is not hello; false closes the connection. */
typedef bool fake_act_fn(int fd, const Zegel__V1__Request *request);

struct fake {
	pid_t pid;
	char folder[64];
	char path[80];
	struct fake_counts *counts;
	/* Before fake_start(): */
	fake_act_fn *act;   /* NULL: fake_answer */
	fake_act_fn *greet; /* what is done to hello; NULL: a good answer */
	uid_t uid;          /* whom it runs as; 0: as we */
	bool is_deaf;       /* listens, never accepts */
};

void fake_start(struct fake *fake);
/* For CLEANUP. */
void fake_stop(struct fake *fake);

/* The good answer to each kind of request. */
bool fake_answer(int fd, const Zegel__V1__Request *request);
/* The same, one byte at a time. */
bool fake_answer_slowly(int fd, const Zegel__V1__Request *request);

void fake_send(int fd, const Zegel__V1__Response *response);
void fake_send_error(int fd, uint64_t id, Zegel__V1__Status status, const char *text);
void fake_send_bytes(int fd, const void *bytes, size_t len);
/* A view of a constant for a message. */
ProtobufCBinaryData fake_bytes(const char *text);

/* The other side: a handle on this agent, and a plain request for a seal. */
struct zegel *fake_open(const struct fake *fake, uint32_t timeout_ms);
void fake_closep(struct zegel **zegel);
enum zegel_status fake_ask_seal(struct zegel *zegel, struct zegel_error *error);

#endif
