/* SPDX-License-Identifier: Apache-2.0 */
#include "clock_fake.h"

#include "util/clock.h"

enum {
	US_PER_S = 1000000,
};

uint64_t __real_clock_monotonic_ms(void);
int64_t __real_clock_real_s(void);
int64_t __real_clock_real_us(void);
uint64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_real_s(void);
int64_t __wrap_clock_real_us(void);

struct fake {
	uint64_t passed_ms;
	int64_t off_s;
};

static struct fake *get_fake(void)
{
	static struct fake fake;

	return &fake;
}

void clock_fake_reset(void)
{
	*get_fake() = (struct fake){.off_s = 0};
}

void clock_fake_pass_ms(uint64_t ms)
{
	get_fake()->passed_ms += ms;
}

void clock_fake_set_off_s(int64_t s)
{
	get_fake()->off_s = s;
}

uint64_t __wrap_clock_monotonic_ms(void)
{
	return __real_clock_monotonic_ms() + get_fake()->passed_ms;
}

int64_t __wrap_clock_real_s(void)
{
	return __real_clock_real_s() + get_fake()->off_s;
}

int64_t __wrap_clock_real_us(void)
{
	return __real_clock_real_us() + get_fake()->off_s * US_PER_S;
}
