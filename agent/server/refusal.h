/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is refused at this floor is told: each time to whoever asked for it
 * (server_events), and in a few lines to the log, with the number of those left out.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_REFUSAL_H
#define ZEGEL_SERVER_REFUSAL_H

#include "server.h"
#include "util/hush.h"

struct call;
struct conn;
struct inlet_piece;

struct refusal {
	struct server_events events;
	struct hush requests;
	struct hush connections;
	struct hush writers;
};

void refusal_init(
	struct refusal *refusal, struct loop *loop, const struct server_events *events);
/* Says how many lines were left out. */
void refusal_deinit(struct refusal *refusal);

/* call->request may be NULL. */
void refusal_of_request(const struct call *call, uint64_t id, enum status status);
/* Its user has too many. */
void refusal_of_connection(
	struct refusal *refusal, const struct conn *conn, enum status status);
/* Another user than the one that connected wrote the piece. */
void refusal_of_writer(struct refusal *refusal, const struct conn *conn,
	const struct inlet_piece *piece);

#endif
