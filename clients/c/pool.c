/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle connections. A slot is one number: the process above, the descriptor plus one
 * below. After fork() the child finds its parent's connections here; two processes that
 * talk over one connection would hear each other's answers, so the child closes its
 * copy, which the parent does not notice.
 */
#include "internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a slot is exchanged without a lock");

static uint64_t slot_from_fd(int fd)
{
	return (uint64_t)(uint32_t)getpid() << 32 | (uint32_t)(fd + 1);
}

static int slot_to_fd(uint64_t slot)
{
	return (int)(uint32_t)slot - 1;
}

static bool slot_is_ours(uint64_t slot)
{
	return (uint32_t)(slot >> 32) == (uint32_t)getpid();
}

/*
 * Nothing may be waiting on an idle connection: not its end, for then the agent has
 * closed it, and no byte, for then it is out of step.
 */
static bool is_quiet(int fd)
{
	uint8_t byte;
	const ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n < 0 && errno == EAGAIN;
}

int pool_take(struct pool *pool)
{
	for (size_t i = 0; i < POOL_MAX; i++) {
		const uint64_t slot = atomic_exchange(&pool->slots[i], 0);
		CLEANUP(connect_closep) int fd = slot_to_fd(slot);

		if (fd != FD_NONE && slot_is_ours(slot) && is_quiet(fd)) {
			const int taken = fd;

			fd = FD_NONE;
			return taken;
		}
	}
	return FD_NONE;
}

void pool_put(struct pool *pool, int *fd)
{
	for (size_t i = 0; i < POOL_MAX; i++) {
		uint64_t empty = 0;

		if (atomic_compare_exchange_strong(
			    &pool->slots[i], &empty, slot_from_fd(*fd))) {
			*fd = FD_NONE;
			return;
		}
	}
}

void pool_deinit(struct pool *pool)
{
	for (size_t i = 0; i < POOL_MAX; i++) {
		int fd = slot_to_fd(atomic_exchange(&pool->slots[i], 0));

		connect_closep(&fd);
	}
}
