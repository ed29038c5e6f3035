/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may start now. Workers of one module start one after another, because modules race
 * when several processes log in at once (SoftHSM lists no token to most of them).
 *
 * Thread: main
 */
#ifndef ZEGEL_TOKEN_GATE_H
#define ZEGEL_TOKEN_GATE_H

#include <sys/queue.h>

#include "token.h"

/* Embedded in each token. */
struct gate_ticket {
	TAILQ_ENTRY(gate_ticket) next;
	const char *module; /* borrows from the spec */
	void (*may_start)(
		void *context); /* called from gate_leave() of another, or at once */
	void *context;
	bool is_waiting;
	bool is_inside;
};

struct token_gate {
	struct loop *loop; /* borrows */
	enum link_mode mode;
	TAILQ_HEAD(gate_queue, gate_ticket) waiting;
	TAILQ_HEAD(gate_inside, gate_ticket) inside;
};

/* Calls may_start when no other ticket of this module is inside. */
void gate_enter(struct token_gate *gate, struct gate_ticket *ticket);
/* The start ended, well or not, or is not wanted any more. Nothing when not entered. */
void gate_leave(struct token_gate *gate, struct gate_ticket *ticket);

#endif
