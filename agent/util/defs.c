/* SPDX-License-Identifier: Apache-2.0 */
#include "defs.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

struct bytes bytes_from_text(const char *text)
{
	return (struct bytes){.p = (const uint8_t *)text, .len = strlen(text)};
}

bool bytes_is_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

void must_fail(const char *condition, const char *file, int line)
{
	log_event(LOG_ERR, "broken invariant", "condition=\"%s\" at=%s:%d",
		log_text(bytes_from_text(condition)).text, file, line);
	abort();
}

void freep(void *pointer_to_pointer)
{
	void **pointer = pointer_to_pointer;

	free(*pointer);
	*pointer = NULL;
}
