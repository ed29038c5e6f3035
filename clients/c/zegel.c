/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handle: where the agent is and how long a call may take, fixed when it is opened,
 * and the idle connections.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char default_path[] = "/run/zegel/zegel.sock";

static const char *choose_path(const char *socket_path)
{
	const char *path = socket_path;

	/* secure_: who starts a set-uid program does not choose whom it talks to. */
	if (path == NULL)
		path = secure_getenv("ZEGEL_SOCKET");
	if (socket_path == NULL && (path == NULL || path[0] == '\0'))
		path = default_path;
	return path;
}

static enum zegel_status set_address(
	struct sockaddr_un *address, const char *path, struct zegel_error *error)
{
	const size_t len = strnlen(path, sizeof(address->sun_path));

	if (len == 0 || len >= sizeof(address->sun_path))
		return error_set(error, ZEGEL_INVALID,
			"the socket's path must have 1 to %zu bytes",
			sizeof(address->sun_path) - 1);
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, len + 1);
	return ZEGEL_OK;
}

enum zegel_status zegel_open(const char *socket_path, uint32_t timeout_ms,
	struct zegel **out, struct zegel_error *error)
{
	CLEANUP(freep) struct zegel *zegel = NULL;

	if (out == NULL)
		return error_set(error, ZEGEL_INVALID, "out is NULL");
	if (timeout_ms > TIMEOUT_MAX_MS)
		return error_set(error, ZEGEL_INVALID, "timeout_ms must be 0 to %d",
			TIMEOUT_MAX_MS);
	zegel = calloc(1, sizeof(*zegel));
	if (zegel == NULL)
		return error_set_memory(error);
	TRY(set_address(&zegel->address, choose_path(socket_path), error));
	zegel->timeout_ms = timeout_ms == 0 ? TIMEOUT_DEFAULT_MS : timeout_ms;
	zegel->has_agent_uid = connect_find_agent_uid(&zegel->agent_uid);
	*out = TAKE(zegel);
	return ZEGEL_OK;
}

void zegel_close(struct zegel *zegel)
{
	if (zegel == NULL)
		return;
	pool_deinit(&zegel->pool);
	free(zegel);
}
