/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One order and one answer pass between the threads, in turn: whoever has the turn owns
 * both structs. An eventfd each way wakes the other; writing to it and reading from it
 * also orders the memory. So there is no lock.
 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/disk.h"
#include "util/fd.h"
#include "util/log.h"

struct record {
	struct loop *loop;    /* borrows */
	record_fn *on_answer; /* borrows */
	void *context;
	pthread_t thread;
	int to_thread; /* owns; eventfd */
	int to_main;   /* owns; eventfd */
	struct loop_source source;
	bool is_busy;
	uint64_t since_ms;
	_Atomic bool is_ending;
	/* In turn. */
	struct record_order order;
	struct record_answer answer;
};

/* The file under its name is the one we write, and not shorter than we left it. */
static enum status look(const struct record_order *order, struct stat *ours)
{
	struct stat named;

	if (fstat(order->fd, ours) != 0)
		return STATUS_IO;
	if (fstatat(order->directory, RECORD_NAME, &named, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? STATUS_CHANGED_FILE : STATUS_IO;
	if (named.st_dev != ours->st_dev || named.st_ino != ours->st_ino ||
		ours->st_size < order->size)
		return STATUS_CHANGED_FILE;
	return STATUS_OK;
}

/* A name is only there for good when its directory is synced. */
static enum status make(const struct record_order *order, struct record_answer *answer)
{
	CLEANUP(fd_closep) int fd = FD_NONE;

	TRY(disk_open(order->directory, RECORD_NAME, true, &fd));
	answer->sync = disk_sync_directory(order->directory);
	answer->is_new = true;
	answer->fd = fd_take(&fd);
	return STATUS_OK;
}

static enum status make_or_open(
	const struct record_order *order, struct record_answer *answer)
{
	CLEANUP(fd_closep) int fd = FD_NONE;
	const enum status status = disk_open(order->directory, RECORD_NAME, false, &fd);
	struct stat facts;

	if (status == STATUS_NOT_FOUND)
		return make(order, answer);
	TRY(status);
	if (fstat(fd, &facts) != 0)
		return STATUS_IO;
	answer->sync = disk_sync_directory(order->directory);
	answer->is_new = facts.st_size == 0;
	answer->fd = fd_take(&fd);
	return STATUS_OK;
}

static enum status rotate(
	const struct record_order *order, struct record_answer *answer)
{
	struct stat facts;

	TRY(look(order, &facts));
	if (facts.st_size != order->size)
		return STATUS_CHANGED_FILE;
	/* Gives back what was set aside behind its end. */
	TRY(disk_truncate(order->fd, order->size));
	TRY(disk_rename(order->directory, RECORD_NAME, order->older));
	answer->is_renamed = true;
	return make(order, answer);
}

static void obey(const struct record_order *order, struct record_answer *answer)
{
	struct stat facts;

	*answer = (struct record_answer){
		.kind = order->kind, .seq = order->seq, .fd = FD_NONE};
	answer->sync = disk_sync(order->fd);
	if (answer->sync != STATUS_OK)
		return;
	switch (order->kind) {
	case RECORD_SYNC:
		answer->status = look(order, &facts);
		break;
	case RECORD_ROTATE:
		answer->status = rotate(order, answer);
		break;
	case RECORD_MAKE:
		answer->status = make_or_open(order, answer);
		break;
	}
}

/* Waits for the other side's turn; false when the descriptor fails. */
static bool take_turn(int fd)
{
	uint64_t n;
	ssize_t got;

	do {
		got = read(fd, &n, sizeof(n));
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(n);
}

static void give_turn(int fd)
{
	const uint64_t one = 1;

	must(write(fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
}

static void *run(void *context)
{
	struct record *record = context;

	while (take_turn(record->to_thread) && !atomic_load(&record->is_ending)) {
		obey(&record->order, &record->answer);
		give_turn(record->to_main);
	}
	return NULL;
}

static void hand_up(struct record *record)
{
	record->is_busy = false;
	record->on_answer(record->context, &record->answer);
}

static void on_answered(void *context, uint32_t events)
{
	struct record *record = context;

	(void)events;
	if (take_turn(record->to_main))
		hand_up(record);
}

/* The thread takes no signal: they are the loop's (signalfd). */
static enum status start_thread(struct record *record)
{
	sigset_t all, before;
	int error;

	(void)sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return STATUS_IO;
	error = pthread_create(&record->thread, NULL, run, record);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		return STATUS_OK;
	log_event(LOG_ERR, "cannot start the record thread", "why=\"%s\"",
		strerror(error));
	return STATUS_IO;
}

/* Without its thread. */
static void release(struct record **record)
{
	if (*record == NULL)
		return;
	loop_source_remove((*record)->loop, &(*record)->source);
	fd_closep(&(*record)->to_thread);
	fd_closep(&(*record)->to_main);
	freep(record);
}

enum status record_open(
	struct loop *loop, record_fn *on_answer, void *context, struct record **out)
{
	CLEANUP(release) struct record *record = calloc(1, sizeof(*record));

	if (record == NULL)
		return STATUS_NO_MEMORY;
	record->loop = loop;
	record->on_answer = on_answer;
	record->context = context;
	record->source = (struct loop_source){.call = on_answered, .context = record};
	record->to_thread = eventfd(0, EFD_CLOEXEC);
	record->to_main = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (record->to_thread < 0 || record->to_main < 0) {
		log_event(LOG_ERR, "cannot wake the record thread", "why=\"%s\"",
			strerror(errno));
		return STATUS_IO;
	}
	TRY(loop_source_add(loop, &record->source, record->to_main, EPOLLIN));
	TRY(start_thread(record));
	*out = TAKE(record);
	return STATUS_OK;
}

bool record_wait(struct record *record, int wait_ms)
{
	struct pollfd wanted = {.fd = record->to_main, .events = POLLIN};
	int n;

	if (!record->is_busy)
		return true;
	do {
		n = poll(&wanted, 1, wait_ms);
	} while (n < 0 && errno == EINTR);
	if (n <= 0 || !take_turn(record->to_main))
		return false;
	hand_up(record);
	return true;
}

void record_freep(struct record **pointer)
{
	struct record *record = *pointer;

	if (record == NULL)
		return;
	if (record->is_busy && !take_turn(record->to_main)) {
		/* It reads the struct until the process ends: that must stay. */
		loop_source_remove(record->loop, &record->source);
		(void)pthread_detach(record->thread);
		*pointer = NULL;
		return;
	}
	/* Of an answer that nobody wants. */
	if (record->is_busy)
		fd_closep(&record->answer.fd);
	atomic_store(&record->is_ending, true);
	give_turn(record->to_thread);
	must(pthread_join(record->thread, NULL) == 0);
	release(pointer);
}

bool record_is_busy(const struct record *record)
{
	return record->is_busy;
}

uint64_t record_get_since_ms(const struct record *record)
{
	return record->since_ms;
}

void record_give(struct record *record, const struct record_order *order)
{
	must(!record->is_busy);
	record->order = *order;
	record->is_busy = true;
	record->since_ms = clock_monotonic_ms();
	give_turn(record->to_thread);
}
