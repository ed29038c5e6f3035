/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <stdlib.h>
#include <string.h>

enum status token_gate_new(
	struct loop *loop, enum link_mode mode, struct token_gate **out)
{
	struct token_gate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL)
		return STATUS_NO_MEMORY;
	gate->loop = loop;
	gate->mode = mode;
	TAILQ_INIT(&gate->waiting);
	TAILQ_INIT(&gate->inside);
	*out = gate;
	return STATUS_OK;
}

void token_gate_freep(struct token_gate **gate)
{
	if (*gate == NULL)
		return;
	must(TAILQ_EMPTY(&(*gate)->waiting) && TAILQ_EMPTY(&(*gate)->inside));
	freep(gate);
}

static bool is_taken(const struct token_gate *gate, const char *module)
{
	const struct gate_ticket *ticket;

	TAILQ_FOREACH(ticket, &gate->inside, next)
	{
		if (strcmp(ticket->module, module) == 0)
			return true;
	}
	return false;
}

static void let_in(struct token_gate *gate, struct gate_ticket *ticket)
{
	TAILQ_INSERT_TAIL(&gate->inside, ticket, next);
	ticket->is_inside = true;
	ticket->may_start(ticket->context);
}

void gate_enter(struct token_gate *gate, struct gate_ticket *ticket)
{
	must(!ticket->is_waiting && !ticket->is_inside);
	if (!is_taken(gate, ticket->module)) {
		let_in(gate, ticket);
		return;
	}
	TAILQ_INSERT_TAIL(&gate->waiting, ticket, next);
	ticket->is_waiting = true;
}

void gate_leave(struct token_gate *gate, struct gate_ticket *ticket)
{
	struct gate_ticket *next;

	if (ticket->is_waiting) {
		TAILQ_REMOVE(&gate->waiting, ticket, next);
		ticket->is_waiting = false;
		return;
	}
	if (!ticket->is_inside)
		return;
	TAILQ_REMOVE(&gate->inside, ticket, next);
	ticket->is_inside = false;
	TAILQ_FOREACH(next, &gate->waiting, next)
	{
		if (is_taken(gate, next->module))
			continue;
		TAILQ_REMOVE(&gate->waiting, next, next);
		next->is_waiting = false;
		let_in(gate, next);
		return;
	}
}
