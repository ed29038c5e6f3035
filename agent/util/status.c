/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

struct status_row {
	const char *name;
	const char *text;
	enum wire_status wire;
	int exit;
};

static const struct status_row rows[] = {
#define STATUS(name, wire, exit, text)                                                 \
	[STATUS_##name] = {#name, text, WIRE_##wire, exit},
#include "status.def"
#undef STATUS
};

const char *status_name(enum status status)
{
	return rows[status].name;
}

const char *status_text(enum status status)
{
	return rows[status].text;
}

enum wire_status status_wire(enum status status)
{
	return rows[status].wire;
}

int status_exit(enum status status)
{
	return rows[status].exit;
}
