/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out when a test says so: for tests that are linked with
 * LINKER:--wrap=reallocarray.
 */
#ifndef ZEGEL_TESTS_MEMORY_FAKE_H
#define ZEGEL_TESTS_MEMORY_FAKE_H

#include <stdbool.h>

/* Whether reallocarray() gives nothing; to be set by the test. */
bool *memory_is_out(void);

#endif
