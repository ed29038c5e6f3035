/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the record thread is told to do, and what its answers mean: syncs, new files, and
 * trying again when the record could not be written. One order is out at a time.
 */
#include "audit_internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_line.h"
#include "audit_tail.h"
#include "util/clock.h"
#include "util/disk.h"
#include "util/fd.h"
#include "util/log.h"

static void begin_rotation(struct audit *audit)
{
	struct record_order order = {.kind = RECORD_ROTATE};

	/* What was added before belongs in the file that ends. */
	audit_file_write(audit);
	/* What that told of may have added more: then the next turn rotates. */
	if (audit->trouble != STATUS_OK || audit->lines.len > 0)
		return;
	order.directory = audit->directory;
	order.fd = audit->fd;
	order.seq = audit->written.seq;
	order.size = audit->size;
	audit_tail_name_older(audit->first_seq, order.older);
	if (audit_put_rotate(audit) != STATUS_OK) {
		audit_file_give_up_turn(audit);
		return;
	}
	audit->wants_rotation = false;
	audit->is_changing = true;
	record_give(audit->record, &order);
}

static void begin_sync(struct audit *audit)
{
	const struct record_order order = {
		.kind = RECORD_SYNC,
		.directory = audit->directory,
		.fd = audit->fd,
		.seq = audit->written.seq,
		.size = audit->size,
	};

	audit->wants_sync = false;
	audit->lazy_ms = 0;
	record_give(audit->record, &order);
}

static void begin_making(struct audit *audit)
{
	const struct record_order order = {
		.kind = RECORD_MAKE,
		.directory = audit->directory,
		.fd = audit->fd,
	};

	audit->is_changing = true;
	record_give(audit->record, &order);
}

static bool is_due(uint64_t at_ms, uint64_t now_ms)
{
	return at_ms != 0 && now_ms >= at_ms;
}

/* Writes what a record that can be written again begins with. */
static enum status write_resumed(struct audit *audit)
{
	TRY(audit_file_can_resume(audit));
	if (audit->size == 0)
		TRY(audit_put_rotate(audit));
	buf_clear(&audit->members);
	TRY(audit_line_why(&audit->members, status_text(audit->trouble)));
	TRY(audit_put(audit, AUDIT_KIND_RESUMED));
	TRY(audit_put_orphans(audit));
	TRY(audit_put_kept(audit));
	return audit_file_append(audit);
}

static void resume(struct audit *audit)
{
	const enum status status = write_resumed(audit);

	if (status != STATUS_OK) {
		audit_file_fail(audit, status);
		return;
	}
	audit->trouble = STATUS_OK;
	audit->retry_ms = 0;
	audit->wants_sync = true;
	log_event(LOG_NOTICE, "the record can be written again", "lines=%llu",
		(unsigned long long)audit->written.seq);
}

static void try_again(struct audit *audit)
{
	if (audit->has_lost_file)
		begin_making(audit);
	else
		resume(audit);
}

static void sooner(uint64_t *due, uint64_t at_ms)
{
	if (at_ms != 0 && (*due == 0 || at_ms < *due))
		*due = at_ms;
}

/* Whether what was written can be made durable where it should be. */
static bool can_sync(const struct audit *audit)
{
	return !audit->has_lost_file && audit->trouble != STATUS_CHANGED_FILE;
}

static void set_timer(struct audit *audit)
{
	uint64_t due = 0;

	if (!record_is_busy(audit->record)) {
		sooner(&due, audit->retry_ms);
		if (can_sync(audit))
			sooner(&due, audit->lazy_ms);
	} else if (!audit->is_stalled) {
		/* Until it answers nothing else can be done. */
		due = record_get_since_ms(audit->record) + AUDIT_STALL_MS;
	}
	sooner(&due, audit->floods_ms);
	/* Never without it: what is set already needs no memory to be set anew. */
	if (due == 0)
		due = clock_monotonic_ms() + AUDIT_IDLE_MS;
	else if (audit->timer.is_added && audit->timer.at_ms == due)
		return;
	must(loop_timer_set(audit->loop, &audit->timer, due) == STATUS_OK);
}

static void look_for_floods(struct audit *audit, uint64_t now)
{
	if (is_due(audit->floods_ms, now)) {
		audit_put_floods(audit, false);
		audit->floods_ms = 0;
	}
	if (refusals_is_empty(&audit->refusals))
		audit->floods_ms = 0;
	else if (audit->floods_ms == 0)
		audit->floods_ms = now + AUDIT_FLOODS_MS;
}

static void look_for_stall(struct audit *audit, uint64_t now)
{
	if (!record_is_busy(audit->record) || audit->is_stalled ||
		now < record_get_since_ms(audit->record) + AUDIT_STALL_MS)
		return;
	audit->is_stalled = true;
	log_event(LOG_ERR, "the disk does not answer, so nothing is sealed",
		"after_ms=%d", (int)AUDIT_STALL_MS);
}

static void give_order(struct audit *audit, uint64_t now)
{
	if (is_due(audit->retry_ms, now))
		try_again(audit);
	if (!record_is_busy(audit->record) && audit->wants_reopen) {
		audit->wants_reopen = false;
		if (audit->trouble == STATUS_CHANGED_FILE)
			begin_making(audit);
	}
	if (!record_is_busy(audit->record) && audit->trouble == STATUS_OK &&
		audit->wants_rotation)
		begin_rotation(audit);
	if (!record_is_busy(audit->record) && can_sync(audit) &&
		(audit->wants_sync || is_due(audit->lazy_ms, now)))
		begin_sync(audit);
}

void audit_pump(struct audit *audit)
{
	const uint64_t now = clock_monotonic_ms();

	look_for_floods(audit, now);
	look_for_stall(audit, now);
	if (!record_is_busy(audit->record))
		give_order(audit, now);
	set_timer(audit);
}

void audit_pump_on_timer(void *context)
{
	struct audit *audit = context;

	/* Its place in the loop is kept before anybody else can take it. */
	must(loop_timer_set(audit->loop, &audit->timer,
		     clock_monotonic_ms() + AUDIT_IDLE_MS) == STATUS_OK);
	audit_pump(audit);
}

/*
 * The kernel forgets what it could not write once it has said so: a second sync that
 * succeeds would prove nothing. What is on the disk is judged by the next start.
 */
_Noreturn static void die(void)
{
	log_event(LOG_ERR, "sync failed, cannot know what is on disk: ending",
		"file=%s", RECORD_NAME);
	_exit(status_exit(STATUS_IO));
}

static void note_durable(struct audit *audit, uint64_t seq)
{
	audit->durable = seq;
	if (audit->events.on_durable != NULL)
		audit->events.on_durable(audit->events.context, seq);
}

/* The file is where it was: it grows on, and seals are made, until the next try. */
static void put_off_rotation(struct audit *audit, enum status status)
{
	log_event(LOG_ERR, "the record cannot begin a new file, and goes on in the old",
		"status=%s file=%s again_in_s=%d", status_name(status), RECORD_NAME,
		(int)AUDIT_ROTATE_MS / 1000);
	audit->rotate_ms = clock_monotonic_ms() + AUDIT_ROTATE_MS;
	/* They build on the rotate line, which is not true. */
	audit_file_give_up_turn(audit);
}

static void on_not_rotated(struct audit *audit, const struct record_answer *answer)
{
	/* What was set aside may have been given back. */
	audit->reserved = audit->size;
	audit->has_lost_file = answer->is_renamed;
	if (answer->is_renamed || answer->status == STATUS_CHANGED_FILE)
		audit_file_fail(audit, answer->status);
	else
		put_off_rotation(audit, answer->status);
}

static void on_rotated(struct audit *audit, const struct record_answer *answer)
{
	const bool has_day_ended = audit_file_today() != audit->day;
	char older[RECORD_NAME_MAX];

	audit->is_changing = false;
	if (answer->status != STATUS_OK) {
		on_not_rotated(audit, answer);
		return;
	}
	audit_tail_name_older(audit->first_seq, older);
	audit_file_begin(audit, answer->fd);
	if (has_day_ended)
		audit->day_ms = clock_monotonic_ms();
	log_event(LOG_NOTICE, "a new file of the record", "older=%s", older);
	audit_file_write(audit);
}

/* An existing file is gone on with only when it is the one we wrote. */
static bool is_ours(const struct audit *audit, int fd)
{
	struct stat ours, other;

	return fstat(audit->fd, &ours) == 0 && fstat(fd, &other) == 0 &&
	       ours.st_dev == other.st_dev && ours.st_ino == other.st_ino &&
	       other.st_size == audit->size;
}

static void refuse_other_file(struct audit *audit)
{
	log_event(LOG_ERR, "something else stands where the record was",
		"file=%s hint=\"move it away and reload, or restart to go on from it\"",
		RECORD_NAME);
	audit_file_fail(audit, STATUS_CHANGED_FILE);
}

static void on_made(struct audit *audit, const struct record_answer *answer)
{
	CLEANUP(fd_closep) int fd = answer->fd;

	audit->is_changing = false;
	if (answer->status == STATUS_BAD_FILE ||
		(answer->status == STATUS_OK && !answer->is_new &&
			!is_ours(audit, fd))) {
		refuse_other_file(audit);
		return;
	}
	if (answer->status != STATUS_OK) {
		/* An officer has agreed to a new one: it is made as soon as it can be. */
		audit->has_lost_file = true;
		audit_file_fail(audit, answer->status);
		return;
	}
	audit->has_lost_file = false;
	if (answer->is_new)
		audit_file_begin(audit, fd_take(&fd));
	resume(audit);
}

void audit_pump_on_answer(void *context, const struct record_answer *answer)
{
	struct audit *audit = context;

	if (answer->sync != STATUS_OK)
		die();
	if (audit->is_stalled)
		log_event(LOG_NOTICE, "the disk answers again", "after_ms=%llu",
			(unsigned long long)(clock_monotonic_ms() -
					     record_get_since_ms(audit->record)));
	audit->is_stalled = false;
	switch (answer->kind) {
	case RECORD_SYNC:
		if (answer->status == STATUS_OK)
			note_durable(audit, answer->seq);
		else
			audit_file_fail(audit, answer->status);
		break;
	case RECORD_ROTATE:
		if (answer->status != STATUS_CHANGED_FILE)
			note_durable(audit, answer->seq);
		on_rotated(audit, answer);
		break;
	case RECORD_MAKE:
		on_made(audit, answer);
		break;
	}
	audit_pump(audit);
}

void audit_reopen(struct audit *audit)
{
	audit->wants_reopen = true;
	audit_pump(audit);
}

/* Whether another day has begun, as far as the clock can be believed. */
static bool has_day_ended(struct audit *audit)
{
	const int64_t today = audit_file_today();

	/* It was set back: the day that it shows now will end too. */
	if (today < audit->day)
		audit->day = today;
	/* One that jumps to and fro does not make a file each time. */
	return today != audit->day &&
	       (audit->day_ms == 0 ||
		       clock_monotonic_ms() >= audit->day_ms + AUDIT_DAY_MS);
}

static bool must_rotate(struct audit *audit)
{
	const int64_t max = (int64_t)audit->spec->rotate_mib << 20;

	/* While another file is on its way, size is that of the one that ends. */
	if (audit->size == 0 || audit->is_changing || audit->has_lost_file ||
		clock_monotonic_ms() < audit->rotate_ms)
		return false;
	return (max > 0 && audit->size >= max) ||
	       (audit->spec->is_daily && has_day_ended(audit));
}

/* What could not be written when it should have been, and can be now. */
static void catch_up(struct audit *audit)
{
	if (audit->trouble != STATUS_OK || audit->is_changing ||
		(opens_get_abandoned(&audit->opens) == 0 &&
			audit->kept_len == audit->kept.len))
		return;
	if (audit_put_orphans(audit) == STATUS_OK && audit_put_kept(audit) == STATUS_OK)
		audit_file_write(audit);
}

void audit_flush(struct audit *audit)
{
	audit_file_write(audit);
	catch_up(audit);
	audit->wants_rotation = must_rotate(audit);
	audit_pump(audit);
}
