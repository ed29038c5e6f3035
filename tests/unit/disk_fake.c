/* SPDX-License-Identifier: Apache-2.0 */
/* The record thread calls too: what it reads is atomic. */
#include "disk_fake.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
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
	_Atomic bool is_stuck;
	_Atomic enum disk_end end;
	_Atomic bool has_failed;
	_Atomic uint32_t counts[DISK_CALLS];
};

/* Of this process alone. */
struct gate {
	_Atomic bool is_closed;
	_Atomic int fd; /* an eventfd; 0: not made yet */
};

/* Shared with our children: what became of the plan is asked when they are gone. */
static struct fake *get_fake(void)
{
	static struct fake *fake;

	if (fake == NULL) {
		fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		must(fake != MAP_FAILED);
	}
	return fake;
}

static struct gate *get_gate(void)
{
	static struct gate gate;

	return &gate;
}

void disk_fake_plan(const struct disk_plan *plan)
{
	struct fake *fake = get_fake();

	fake->call = plan->call;
	fake->is_for_good = plan->is_for_good;
	fake->status = plan->status;
	fake->is_half = plan->is_half;
	fake->is_stuck = plan->is_stuck;
	fake->end = plan->end;
	fake->has_failed = false;
	for (size_t i = 0; i < DISK_CALLS; i++)
		fake->counts[i] = 0;
	fake->nth = plan->nth;
}

void disk_fake_mend(void)
{
	get_fake()->nth = 0;
	get_fake()->is_stuck = false;
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
	struct gate *gate = get_gate();
	struct pollfd wanted = {.events = POLLIN};
	uint64_t n;

	if (gate->fd == 0)
		gate->fd = eventfd(0, EFD_CLOEXEC);
	must(gate->fd > 0);
	/* It was opened for one who did not come. */
	wanted.fd = gate->fd;
	if (poll(&wanted, 1, 0) > 0)
		must(read(gate->fd, &n, sizeof(n)) == (ssize_t)sizeof(n));
	gate->is_closed = true;
}

void disk_fake_let_go(void)
{
	struct gate *gate = get_gate();
	const uint64_t one = 1;

	gate->is_closed = false;
	must(write(gate->fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
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
	if (fake->end == DISK_DIES_BEFORE && !fake->is_half)
		_exit(DISK_DIED);
	return fake->end == DISK_GOES_ON ? fake->status : STATUS_OK;
}

static enum status end_call(enum disk_call call, enum status status)
{
	const struct fake *fake = get_fake();

	if (fake->end == DISK_DIES_AFTER && fake->nth != 0 && fake->call == call &&
		fake->counts[call] == fake->nth)
		_exit(DISK_DIED);
	return status;
}

enum status __wrap_disk_open(int directory, const char *name, bool is_new, int *out)
{
	TRY(try_call(DISK_OPEN));
	return end_call(DISK_OPEN, __real_disk_open(directory, name, is_new, out));
}

enum status __wrap_disk_append(int fd, struct bytes bytes)
{
	const struct fake *fake = get_fake();
	const bool had_failed = fake->has_failed;
	const enum status status = try_call(DISK_APPEND);
	const struct bytes half = {bytes.p, bytes.len / 2};

	if (fake->is_half && fake->has_failed && !had_failed) {
		must(__real_disk_append(fd, half) == STATUS_OK);
		if (fake->end == DISK_DIES_BEFORE)
			_exit(DISK_DIED);
		return status;
	}
	TRY(status);
	return end_call(DISK_APPEND, __real_disk_append(fd, bytes));
}

enum status __wrap_disk_sync(int fd)
{
	const struct gate *gate = get_gate();
	uint64_t n;

	if (gate->is_closed)
		must(read(gate->fd, &n, sizeof(n)) == (ssize_t)sizeof(n));
	TRY(try_call(DISK_SYNC));
	return end_call(DISK_SYNC, __real_disk_sync(fd));
}

enum status __wrap_disk_sync_directory(int directory)
{
	TRY(try_call(DISK_SYNC_DIRECTORY));
	return end_call(DISK_SYNC_DIRECTORY, __real_disk_sync_directory(directory));
}

enum status __wrap_disk_truncate(int fd, off_t size)
{
	if (get_fake()->is_stuck && get_fake()->has_failed)
		return STATUS_IO;
	TRY(try_call(DISK_TRUNCATE));
	return end_call(DISK_TRUNCATE, __real_disk_truncate(fd, size));
}

enum status __wrap_disk_rename(int directory, const char *from, const char *to)
{
	TRY(try_call(DISK_RENAME));
	return end_call(DISK_RENAME, __real_disk_rename(directory, from, to));
}

enum status __wrap_disk_reserve(int fd, off_t from, off_t len)
{
	TRY(try_call(DISK_RESERVE));
	return end_call(DISK_RESERVE, __real_disk_reserve(fd, from, len));
}
