/* SPDX-License-Identifier: Apache-2.0 */
#include "dumpable.h"

#include <sys/prctl.h>

int dumpable_forbid(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
