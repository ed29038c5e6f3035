/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <time.h>

#include "defs.h"

uint64_t clock_monotonic_ms(void)
{
	struct timespec now;

	must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int64_t clock_real_s(void)
{
	struct timespec now;

	must(clock_gettime(CLOCK_REALTIME, &now) == 0);
	return (int64_t)now.tv_sec;
}

uint32_t clock_week_minute(void)
{
	const time_t now = (time_t)clock_real_s();
	struct tm local;

	must(localtime_r(&now, &local) != NULL);
	/* tm_wday begins with Sunday. */
	return (uint32_t)((local.tm_wday + 6) % 7 * 24 * 60 + local.tm_hour * 60 +
			  local.tm_min);
}

int64_t clock_real_us(void)
{
	struct timespec now;

	must(clock_gettime(CLOCK_REALTIME, &now) == 0);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
