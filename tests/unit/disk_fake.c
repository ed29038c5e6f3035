/* SPDX-License-Identifier: Apache-2.0 */
/* The record thread calls too: what it reads is atomic. */
#include "disk_fake.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/disk.h"

enum status __real_disk_open(int directory, const char *name, bool is_new, int *out);
enum status __real_disk_append(int fd, struct bytes bytes);
enum status __real_disk_sync(int fd);
enum status __real_disk_sync_directory(int directory);
enum status __real_disk_truncate(int fd, off_t size);
enum status __real_disk_rename(int directory, const char *from, const char *to);
enum status __real_disk_reserve(int fd, off_t from, off_t len);
enum status __wrap_disk_open(int directory, const char *name, bool is_new, int *out);
enum status __wrap_disk_append(int fd, struct bytes bytes);
enum status __wrap_disk_sync(int fd);
enum status __wrap_disk_sync_directory(int directory);
enum status __wrap_disk_truncate(int fd, off_t size);
enum status __wrap_disk_rename(int directory, const char *from, const char *to);
enum status __wrap_disk_reserve(int fd, off_t from, off_t len);

struct fake {
	_Atomic enum disk_call call;
	_Atomic uint32_t nth;
	_Atomic bool is_for_good;
	_Atomic enum status status;
	_Atomic bool is_half;
	_Atomic bool has_failed;
	_Atomic uint32_t counts[DISK_CALLS];
	_Atomic bool is_held;
	_Atomic int gate; /* an eventfd; 0: not made yet */
};

static struct fake *get_fake(void)
{
	static struct fake fake;

	return &fake;
}

void disk_fake_plan(const struct disk_plan *plan)
{
	struct fake *fake = get_fake();

	fake->call = plan->call;
	fake->is_for_good = plan->is_for_good;
	fake->status = plan->status;
	fake->is_half = plan->is_half;
	fake->has_failed = false;
	for (size_t i = 0; i < DISK_CALLS; i++)
		fake->counts[i] = 0;
	fake->nth = plan->nth;
}

void disk_fake_mend(void)
{
	get_fake()->nth = 0;
}

bool disk_fake_has_failed(void)
{
	return get_fake()->has_failed;
}

uint32_t disk_fake_count(enum disk_call call)
{
	return get_fake()->counts[call];
}

void disk_fake_hold(void)
{
	struct fake *fake = get_fake();

	if (fake->gate == 0)
		fake->gate = eventfd(0, EFD_CLOEXEC);
	must(fake->gate > 0);
	fake->is_held = true;
}

void disk_fake_let_go(void)
{
	struct fake *fake = get_fake();
	const uint64_t one = 1;

	fake->is_held = false;
	must(write(fake->gate, &one, sizeof(one)) == (ssize_t)sizeof(one));
}

static enum status try_call(enum disk_call call)
{
	struct fake *fake = get_fake();
	const uint32_t n = ++fake->counts[call];

	if (fake->nth == 0 || fake->call != call || n < fake->nth)
		return STATUS_OK;
	if (n > fake->nth && !fake->is_for_good)
		return STATUS_OK;
	fake->has_failed = true;
	return fake->status;
}

enum status __wrap_disk_open(int directory, const char *name, bool is_new, int *out)
{
	TRY(try_call(DISK_OPEN));
	return __real_disk_open(directory, name, is_new, out);
}

enum status __wrap_disk_append(int fd, struct bytes bytes)
{
	const enum status status = try_call(DISK_APPEND);

	if (status == STATUS_OK)
		return __real_disk_append(fd, bytes);
	bytes.len /= 2;
	if (get_fake()->is_half)
		must(__real_disk_append(fd, bytes) == STATUS_OK);
	return status;
}

enum status __wrap_disk_sync(int fd)
{
	const struct fake *fake = get_fake();
	uint64_t n;

	if (fake->is_held)
		must(read(fake->gate, &n, sizeof(n)) == (ssize_t)sizeof(n));
	TRY(try_call(DISK_SYNC));
	return __real_disk_sync(fd);
}

enum status __wrap_disk_sync_directory(int directory)
{
	TRY(try_call(DISK_SYNC_DIRECTORY));
	return __real_disk_sync_directory(directory);
}

enum status __wrap_disk_truncate(int fd, off_t size)
{
	TRY(try_call(DISK_TRUNCATE));
	return __real_disk_truncate(fd, size);
}

enum status __wrap_disk_rename(int directory, const char *from, const char *to)
{
	TRY(try_call(DISK_RENAME));
	return __real_disk_rename(directory, from, to);
}

enum status __wrap_disk_reserve(int fd, off_t from, off_t len)
{
	TRY(try_call(DISK_RESERVE));
	return __real_disk_reserve(fd, from, len);
}
