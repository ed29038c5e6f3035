/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"
#include "reply.h"
#include "util/log.h"

enum {
	CLIENT_NAME_MAX = 128,
};

enum status handle_hello(const struct call *call)
{
	const Zegel__V1__Hello *hello = call->request->hello;
	Zegel__V1__Response response = ZEGEL__V1__RESPONSE__INIT;
	Zegel__V1__HelloResult result = ZEGEL__V1__HELLO_RESULT__INIT;

	if (hello->version_min > FRAME_VERSION || hello->version_max < FRAME_VERSION)
		return STATUS_BAD_VERSION;
	if (hello->client.len > CLIENT_NAME_MAX)
		return STATUS_BAD_MESSAGE;
	call->conn->is_greeted = true;
	log_event(LOG_DEBUG, "client", "conn=%llx uid=%u pid=%d library=\"%s\"",
		(unsigned long long)call->conn->id, (unsigned int)call->conn->peer.uid,
		(int)call->conn->peer.pid,
		log_text((struct bytes){hello->client.data, hello->client.len}).text);
	result.version = FRAME_VERSION;
	result.agent = reply_text(reply_agent_name);
	result.frame_max = FRAME_BODY_MAX;
	result.in_flight_max = FRAME_IN_FLIGHT_MAX;
	response.what_case = ZEGEL__V1__RESPONSE__WHAT_HELLO;
	response.hello = &result;
	reply_send(call->conn, call->request->id, &response);
	return STATUS_OK;
}
