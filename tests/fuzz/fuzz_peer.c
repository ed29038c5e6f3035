/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID/cgroup says: names that others may have chosen. A unit comes out of it as
 * a whole name of a service or a scope, or not at all.
 */
#include <string.h>

#include "server/peer_proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool ends_in(const char *text, const char *end)
{
	const size_t len = strlen(text);

	return len > strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789:-_.\\@";
	char unit[PEER_PROC_UNIT_MAX + 1];

	memset(unit, 'x', sizeof(unit));
	peer_proc_unit_from_cgroup((struct bytes){data, size}, unit);
	must(memchr(unit, '\0', sizeof(unit)) != NULL);
	must(unit[strspn(unit, letters)] == '\0');
	must(unit[0] == '\0' || ends_in(unit, ".service") || ends_in(unit, ".scope"));
	must(unit[0] == '\0' || memmem(data, size, unit, strlen(unit)) != NULL);
	return 0;
}
