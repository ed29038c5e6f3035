/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: descriptors by epoll, timers by a heap. It lives at the bottom because
 * every floor of the broker waits for something; it knows nobody.
 *
 * A source or timer is embedded in its owner, who adds and removes it. Removing one
 * inside any callback is allowed: what was removed is not called any more.
 *
 * Thread: main
 */
#ifndef ZEGEL_UTIL_LOOP_H
#define ZEGEL_UTIL_LOOP_H

#include "defs.h"

struct loop;

/* events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR as epoll reported them */
typedef void loop_source_fn(void *context, uint32_t events);
typedef void loop_timer_fn(void *context);

struct loop_source {
	loop_source_fn *call;
	void *context; /* borrows until removed */
	int fd;
	uint32_t events;
	uint32_t generation; /* the loop's: tells a stale event of this turn */
	size_t slot;         /* the loop's */
	bool is_added;
	/* The loop's, too: the sources to be called again. */
	struct loop_source *next;
	struct loop_source **link; /* what points to it; NULL: nothing does */
};

struct loop_timer {
	loop_timer_fn *call;
	void *context; /* borrows until removed */
	uint64_t at_ms;
	size_t place; /* the loop's: where in the heap */
	bool is_added;
};

MUST_CHECK enum status loop_new(struct loop **out);
void loop_freep(struct loop **loop);

/* Calls source->call(context, events) while one of events holds (level-triggered). */
MUST_CHECK enum status loop_source_add(
	struct loop *loop, struct loop_source *source, int fd, uint32_t events);
MUST_CHECK enum status loop_source_change(
	struct loop *loop, struct loop_source *source, uint32_t events);
/*
 * Calls source->call(context, 0) in the next turn, which does not wait: for who has done
 * his part of this one and has more to do. Once, however often it is asked for.
 */
void loop_source_again(struct loop *loop, struct loop_source *source);
/* The descriptor stays open: it is the owner's. Nothing happens when not added. */
void loop_source_remove(struct loop *loop, struct loop_source *source);

/* Calls once, at at_ms of clock_monotonic_ms() or as soon after as possible. */
MUST_CHECK enum status loop_timer_set(
	struct loop *loop, struct loop_timer *timer, uint64_t at_ms);
void loop_timer_remove(struct loop *loop, struct loop_timer *timer);

/*
 * Calls once at the end of each turn, after everything that was ready: for work that many
 * events of one turn share. NULL: nothing.
 */
void loop_set_turn_end(struct loop *loop, loop_timer_fn *call, void *context);

/* Runs until loop_stop(), and may be run again; IO when epoll itself fails. */
MUST_CHECK enum status loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
