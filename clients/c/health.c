/* SPDX-License-Identifier: Apache-2.0 */
/* How the agent is, in numbers. */
#include "internal.h"

#include <stdio.h>

enum zegel_status zegel_health(
	struct zegel *zegel, struct zegel_health *out, struct zegel_error *error)
{
	CLEANUP(wire_answer_freep) Zegel__V1__Response *answer = NULL;
	Zegel__V1__Request request = ZEGEL__V1__REQUEST__INIT;
	Zegel__V1__Health health = ZEGEL__V1__HEALTH__INIT;
	const Zegel__V1__HealthResult *from;
	struct call call;

	TRY(call_init(&call, zegel, error));
	if (out == NULL)
		return error_set(error, ZEGEL_INVALID, "out is NULL");
	request.what_case = ZEGEL__V1__REQUEST__WHAT_HEALTH;
	request.health = &health;
	TRY(call_ask(&call, &request, ZEGEL__V1__RESPONSE__WHAT_HEALTH, &answer));
	from = answer->health;
	if (!text_is_clean(from->agent) || from->agent.len >= sizeof(out->agent))
		return error_set(error, ZEGEL_INTERNAL,
			"the agent's name and version must have 1 to %zu bytes",
			sizeof(out->agent) - 1);
	*out = (struct zegel_health){
		.uptime_s = from->uptime_s,
		.waiting = from->waiting,
		.in_flight = from->in_flight,
		.sealed = from->sealed,
		.keys_ready = from->keys_ready,
		.keys = from->keys,
	};
	/* Words for people: what does not fit is cut. */
	if (from->has_trouble && text_is_clean(from->trouble))
		(void)snprintf(out->trouble, sizeof(out->trouble), "%.*s",
			(int)from->trouble.len, (const char *)from->trouble.data);
	(void)snprintf(out->agent, sizeof(out->agent), "%.*s", (int)from->agent.len,
		(const char *)from->agent.data);
	return ZEGEL_OK;
}
