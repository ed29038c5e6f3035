/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_fake.h"

#include <stdlib.h>

void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);

bool *memory_is_out(void)
{
	static bool is_out;

	return &is_out;
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return *memory_is_out() ? NULL : __real_reallocarray(old, n, size);
}
