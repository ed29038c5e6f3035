/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client sends: a head, and the message behind it. A message that passes the first
 * door must be the one form of what it says.
 */
#include <stdlib.h>
#include <string.h>

#include "server/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_form(const Zegel__V1__Request *request, struct bytes bytes)
{
	uint8_t *again = malloc(bytes.len);

	must(again != NULL);
	must(request->what_case != ZEGEL__V1__REQUEST__WHAT__NOT_SET);
	must(zegel__v1__request__get_packed_size(request) == bytes.len);
	must(zegel__v1__request__pack(request, again) == bytes.len);
	must(memcmp(again, bytes.p, bytes.len) == 0);
	free(again);
}

/* Opened twice: nothing of the first reading may be seen by the second. */
static void check_message(struct wire *wire, struct bytes bytes)
{
	enum status first = STATUS_OK;

	for (int i = 0; i < 2; i++) {
		const Zegel__V1__Request *request = NULL;
		uint64_t id = 0;
		const enum status status = wire_open(wire, bytes, &request, &id);

		must(i == 0 || status == first);
		first = status;
		if (status != STATUS_OK)
			continue;
		must(request->id == id);
		check_form(request, bytes);
		wire_close(wire);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire *wire;
	size_t len = 0;

	if (size < FRAME_HEAD || !frame_get_length(data, &len) ||
		len > size - FRAME_HEAD)
		return 0;
	wire = malloc(sizeof(*wire));
	must(wire != NULL);
	wire_init(wire);
	check_message(wire, (struct bytes){data + FRAME_HEAD, len});
	free(wire);
	return 0;
}
