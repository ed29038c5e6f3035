/* SPDX-License-Identifier: Apache-2.0 */
#include "dumpable.h"

/* LeakSanitizer needs ptrace on its own process; such builds are never installed. */
int dumpable_forbid(void)
{
	return 0;
}
