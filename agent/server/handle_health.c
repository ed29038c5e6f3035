/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"
#include "reply.h"
#include "util/clock.h"

enum status handle_health(const struct call *call)
{
	const struct server *server = call->server;
	const struct sealer_counts counts = sealer_get_counts(server->sealer);
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__HealthResult result = ZEGEL__V1__HEALTH_RESULT__INIT;

	for (size_t i = 0; i < sealer_get_n_keys(server->sealer); i++) {
		const struct key *key = sealer_get_key(server->sealer, i);

		if (!policy_can_see(call->client, key->name))
			continue;
		result.keys++;
		if (sealer_get_key_state(server->sealer, key) == KEY_STATE_READY)
			result.keys_ready++;
	}
	result.agent = reply_text(reply_agent_name);
	result.uptime_s = (clock_monotonic_ms() - server->started_ms) / 1000;
	result.waiting = counts.n_waiting;
	result.in_flight = counts.n_out;
	result.sealed = counts.n_sealed;
	result.has_trouble = sealer_get_trouble(server->sealer)[0] != '\0';
	result.trouble = reply_text(sealer_get_trouble(server->sealer));
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_HEALTH;
	response.health = &result;
	reply_send(call->conn, call->request->id, &response);
	return STATUS_OK;
}
