/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The officer's end of proto/officer.proto: one connection, one question at a time. It
 * says in words what went wrong and gives the exit code; nothing is sent to a server that
 * is not root, the user zegel or our own.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_OFFICER_H
#define ZEGEL_CLI_OFFICER_H

#include "officer.pb-c.h"
#include "util/defs.h"

enum {
	OFFICER_NAME_MAX = 64, /* of a file of the record, with its NUL */
};

struct officer;

/*
 * Connects to $ZEGEL_OFFICER_SOCKET, else /run/zegel/officer.sock, and greets. command:
 * who speaks, borrowed until it is closed. gives
 */
MUST_CHECK int officer_open(const char *command, struct officer **out);
void officer_closep(struct officer **officer);
/* Whether an agent is there to be asked, if perhaps not by us. Says nothing. */
bool officer_is_there(void);

/* An answer, and the descriptor that came with it. */
struct officer_answer {
	Zegel__Officer__V1__Response *response; /* owns */
	int fd;                                 /* owns; FD_NONE: none came */
};

void officer_answer_deinit(struct officer_answer *answer);

/*
 * Asks (the id is filled in) and waits for the answer of the wanted kind. Gives the exit
 * code; what is not EXIT_CODE_OK was said.
 */
MUST_CHECK int officer_ask(struct officer *officer,
	Zegel__Officer__V1__Request *request,
	Zegel__Officer__V1__Response__WhatCase wanted, struct officer_answer *out);
/*
 * A descriptor for a file of the record: 0 the current one, 1, 2, … older ones. Behind the
 * last *out is FD_NONE. Gives the exit code, as officer_ask(). gives
 */
MUST_CHECK int officer_open_record(struct officer *officer, uint64_t index,
	char name[static OFFICER_NAME_MAX], int *out);

ProtobufCBinaryData officer_text(const char *text);
ProtobufCBinaryData officer_bytes(struct bytes bytes);

#endif
