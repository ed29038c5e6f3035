/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One turn: wait, call what is due, call what is ready. Sources are found through slots
 * with a generation, so that an event which epoll gave for a source that an earlier
 * callback of the same turn removed (and whose slot another has taken) reaches nobody.
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "fd.h"
#include "log.h"

enum {
	EVENTS_A_TURN = 64,
	SOURCES_MAX = 1 << 20,
	TIMERS_MAX = 1 << 21,
};

struct slot {
	struct loop_source *source; /* borrows until removed; NULL when free */
	uint32_t generation;
	size_t next_free;
};

struct loop {
	int epoll;
	bool is_stopping;
	loop_timer_fn *turn_end;   /* NULL: nothing */
	void *turn_context;        /* borrows */
	struct loop_source *again; /* borrows; to be called in the next turn */
	struct slot *slots;        /* owns */
	size_t n_slots;
	size_t free_slot;         /* n_slots when none is free */
	struct loop_timer **heap; /* owns the array, borrows the timers */
	size_t n_timers;
	size_t heap_room;
};

enum status loop_new(struct loop **out)
{
	CLEANUP(loop_freep) struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return STATUS_NO_MEMORY;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		log_event(LOG_ERR, "cannot make an event loop", "why=\"%s\"",
			strerror(errno));
		return STATUS_IO;
	}
	*out = TAKE(loop);
	return STATUS_OK;
}

void loop_freep(struct loop **loop)
{
	if (*loop == NULL)
		return;
	fd_closep(&(*loop)->epoll);
	freep(&(*loop)->slots);
	freep(&(*loop)->heap);
	freep(loop);
}

static enum status grow_slots(struct loop *loop)
{
	const size_t n = loop->n_slots == 0 ? 16 : loop->n_slots * 2;
	struct slot *slots;

	if (n > SOURCES_MAX)
		return STATUS_NO_MEMORY;
	slots = reallocarray(loop->slots, n, sizeof(*slots));
	if (slots == NULL)
		return STATUS_NO_MEMORY;
	for (size_t i = loop->n_slots; i < n; i++)
		slots[i] = (struct slot){.next_free = i + 1};
	loop->free_slot = loop->n_slots;
	loop->slots = slots;
	loop->n_slots = n;
	return STATUS_OK;
}

static enum status control(struct loop *loop, int what, struct loop_source *source)
{
	struct epoll_event event = {.events = source->events};

	event.data.u64 = (uint64_t)source->generation << 32 | (uint32_t)source->slot;
	if (epoll_ctl(loop->epoll, what, source->fd, &event) != 0) {
		log_event(LOG_ERR, "epoll refuses a descriptor", "fd=%d why=\"%s\"",
			source->fd, strerror(errno));
		return STATUS_IO;
	}
	return STATUS_OK;
}

enum status loop_source_add(
	struct loop *loop, struct loop_source *source, int fd, uint32_t events)
{
	struct slot *slot;

	must(!source->is_added && source->call != NULL);
	if (loop->free_slot == loop->n_slots)
		TRY(grow_slots(loop));
	slot = &loop->slots[loop->free_slot];
	source->fd = fd;
	source->events = events;
	source->slot = loop->free_slot;
	source->generation = slot->generation;
	TRY(control(loop, EPOLL_CTL_ADD, source));
	slot->source = source;
	loop->free_slot = slot->next_free;
	source->is_added = true;
	return STATUS_OK;
}

enum status loop_source_change(
	struct loop *loop, struct loop_source *source, uint32_t events)
{
	must(source->is_added);
	if (source->events == events)
		return STATUS_OK;
	source->events = events;
	return control(loop, EPOLL_CTL_MOD, source);
}

void loop_source_again(struct loop *loop, struct loop_source *source)
{
	must(source->is_added);
	if (source->link != NULL)
		return;
	source->next = loop->again;
	if (source->next != NULL)
		source->next->link = &source->next;
	source->link = &loop->again;
	loop->again = source;
}

static void take_from_again(struct loop_source *source)
{
	if (source->link == NULL)
		return;
	*source->link = source->next;
	if (source->next != NULL)
		source->next->link = source->link;
	source->next = NULL;
	source->link = NULL;
}

void loop_source_remove(struct loop *loop, struct loop_source *source)
{
	struct slot *slot;

	if (!source->is_added)
		return;
	take_from_again(source);
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	slot = &loop->slots[source->slot];
	slot->source = NULL;
	slot->generation++;
	slot->next_free = loop->free_slot;
	loop->free_slot = source->slot;
	source->is_added = false;
}

static void put_timer(struct loop *loop, struct loop_timer *timer, size_t place)
{
	loop->heap[place] = timer;
	timer->place = place;
}

static void sift_up(struct loop *loop, struct loop_timer *timer, size_t place)
{
	while (place > 0) {
		const size_t parent = (place - 1) / 2;

		if (loop->heap[parent]->at_ms <= timer->at_ms)
			break;
		put_timer(loop, loop->heap[parent], place);
		place = parent;
	}
	put_timer(loop, timer, place);
}

static void sift_down(struct loop *loop, struct loop_timer *timer, size_t place)
{
	for (;;) {
		size_t child = 2 * place + 1;

		if (child >= loop->n_timers)
			break;
		if (child + 1 < loop->n_timers &&
			loop->heap[child + 1]->at_ms < loop->heap[child]->at_ms)
			child++;
		if (timer->at_ms <= loop->heap[child]->at_ms)
			break;
		put_timer(loop, loop->heap[child], place);
		place = child;
	}
	put_timer(loop, timer, place);
}

enum status loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t at_ms)
{
	must(timer->call != NULL);
	loop_timer_remove(loop, timer);
	if (loop->n_timers == loop->heap_room) {
		const size_t room = loop->heap_room == 0 ? 64 : loop->heap_room * 2;
		struct loop_timer **heap =
			room > TIMERS_MAX
				? NULL
				: reallocarray(loop->heap, room, sizeof(*heap));

		if (heap == NULL)
			return STATUS_NO_MEMORY;
		loop->heap = heap;
		loop->heap_room = room;
	}
	timer->at_ms = at_ms;
	timer->is_added = true;
	sift_up(loop, timer, loop->n_timers++);
	return STATUS_OK;
}

void loop_timer_remove(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *last;
	size_t place = timer->place;

	if (!timer->is_added)
		return;
	timer->is_added = false;
	last = loop->heap[--loop->n_timers];
	if (last == timer)
		return;
	if (place > 0 && loop->heap[(place - 1) / 2]->at_ms > last->at_ms)
		sift_up(loop, last, place);
	else
		sift_down(loop, last, place);
}

static void call_timers(struct loop *loop)
{
	const uint64_t now = clock_monotonic_ms();

	while (loop->n_timers > 0 && loop->heap[0]->at_ms <= now &&
		!loop->is_stopping) {
		struct loop_timer *timer = loop->heap[0];

		loop_timer_remove(loop, timer);
		timer->call(timer->context);
	}
}

static void call_source(struct loop *loop, const struct epoll_event *event)
{
	const struct slot *slot = &loop->slots[(uint32_t)event->data.u64];

	if (slot->source == NULL || slot->generation != event->data.u64 >> 32)
		return;
	slot->source->call(slot->source->context, event->events);
}

/* Whoever asks while this runs is called in the turn after. */
static void call_again(struct loop *loop)
{
	struct loop_source *list = loop->again;

	loop->again = NULL;
	if (list != NULL)
		list->link = &list;
	while (list != NULL) {
		struct loop_source *source = list;

		take_from_again(source);
		if (!loop->is_stopping)
			source->call(source->context, 0);
	}
}

static int wait_ms(const struct loop *loop)
{
	uint64_t now;

	if (loop->again != NULL)
		return 0;
	if (loop->n_timers == 0)
		return -1;
	now = clock_monotonic_ms();
	if (loop->heap[0]->at_ms <= now)
		return 0;
	return loop->heap[0]->at_ms - now > 60000 ? 60000
						  : (int)(loop->heap[0]->at_ms - now);
}

void loop_set_turn_end(struct loop *loop, loop_timer_fn *call, void *context)
{
	loop->turn_end = call;
	loop->turn_context = context;
}

enum status loop_run(struct loop *loop)
{
	while (!loop->is_stopping) {
		struct epoll_event events[EVENTS_A_TURN];
		const int n =
			epoll_wait(loop->epoll, events, EVENTS_A_TURN, wait_ms(loop));

		if (n < 0 && errno != EINTR) {
			log_event(LOG_ERR, "the event loop fails", "why=\"%s\"",
				strerror(errno));
			return STATUS_IO;
		}
		call_timers(loop);
		call_again(loop);
		for (int i = 0; i < n && !loop->is_stopping; i++)
			call_source(loop, &events[i]);
		if (loop->turn_end != NULL)
			loop->turn_end(loop->turn_context);
	}
	loop->is_stopping = false;
	return STATUS_OK;
}

void loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
}
