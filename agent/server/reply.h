/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: what is known upstairs in the few words of the wire. The only room that turns
 * a status into one.
 *
 * Thread: main
 */
#ifndef ZEGEL_SERVER_REPLY_H
#define ZEGEL_SERVER_REPLY_H

#include "conn.h"
#include "seal/seal.h"
#include "zegel.pb-c.h"

/* "zegel 0.1.0" */
extern const char reply_agent_name[];

/* response->id is set here; a connection that cannot take it is broken by then. */
void reply_send(struct conn *conn, uint64_t id, Zegel__V1__Response *response);
/* retry_after_ms: 0 for no hint. */
void reply_error(
	struct conn *conn, uint64_t id, enum status status, uint32_t retry_after_ms);
void reply_seal(struct conn *conn, uint64_t id, const struct seal_answer *answer);

/* A view of a text for a bytes field; borrows from text. */
ProtobufCBinaryData reply_text(const char *text);
ProtobufCBinaryData reply_bytes(struct bytes bytes);

#endif
