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

/* A rotate line, as the first of a new file. */
static enum status put_rotate(struct audit *audit)
{
	char older[RECORD_NAME_MAX];

	audit_tail_name_older(audit->first_seq, older);
	buf_clear(&audit->members);
	TRY(audit_line_rotate(&audit->members, older));
	return audit_put(audit, AUDIT_KIND_ROTATE);
}

static void begin_rotation(struct audit *audit)
{
	struct record_order order = {.kind = RECORD_ROTATE};

	/* What was added before belongs in the file that ends. */
	audit_file_write(audit);
	if (audit->trouble != STATUS_OK)
		return;
	order.directory = audit->directory;
	order.fd = audit->fd;
	order.seq = audit->written.seq;
	order.size = audit->size;
	audit_tail_name_older(audit->first_seq, order.older);
	if (put_rotate(audit) != STATUS_OK) {
		audit_file_take_back(audit);
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
	if (audit->is_torn) {
		TRY(disk_truncate(audit->fd, audit->size));
		audit->is_torn = false;
	}
	if (audit->size == 0)
		TRY(put_rotate(audit));
	buf_clear(&audit->members);
	TRY(audit_line_why(&audit->members, status_text(audit->trouble)));
	TRY(audit_put(audit, AUDIT_KIND_RESUMED));
	TRY(audit_put_orphans(audit));
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

static void set_timer(struct audit *audit)
{
	uint64_t due = 0;

	sooner(&due, audit->lazy_ms);
	sooner(&due, audit->retry_ms);
	if (record_is_busy(audit->record))
		/* Until it answers nothing else can be done. */
		due = audit->is_stalled
			      ? 0
			      : record_get_since_ms(audit->record) + AUDIT_STALL_MS;
	if (due == 0 && !refusals_is_empty(&audit->refusals))
		due = clock_monotonic_ms() + REFUSALS_PERIOD_S * 1000;
	if (due == 0) {
		loop_timer_remove(audit->loop, &audit->timer);
		return;
	}
	if (audit->timer.is_added && audit->timer.at_ms == due)
		return;
	/* Without it a stalled disk would go unnoticed. */
	must(loop_timer_set(audit->loop, &audit->timer, due) == STATUS_OK);
}

void audit_pump(struct audit *audit)
{
	const uint64_t now = clock_monotonic_ms();

	if (!record_is_busy(audit->record) && is_due(audit->retry_ms, now))
		try_again(audit);
	if (!record_is_busy(audit->record) && audit->trouble == STATUS_OK &&
		audit->wants_rotation)
		begin_rotation(audit);
	if (!record_is_busy(audit->record) && !audit->has_lost_file &&
		audit->trouble != STATUS_CHANGED_FILE &&
		(audit->wants_sync || is_due(audit->lazy_ms, now)))
		begin_sync(audit);
	set_timer(audit);
}

void audit_pump_on_timer(void *context)
{
	struct audit *audit = context;
	const uint64_t now = clock_monotonic_ms();

	audit_put_floods(audit, false);
	if (record_is_busy(audit->record) && !audit->is_stalled &&
		now >= record_get_since_ms(audit->record) + AUDIT_STALL_MS) {
		audit->is_stalled = true;
		log_event(LOG_ERR, "the disk does not answer, so nothing is sealed",
			"after_ms=%d", (int)AUDIT_STALL_MS);
	}
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

static bool is_still_named(const struct audit *audit)
{
	struct stat facts;

	return fstatat(audit->directory, RECORD_NAME, &facts, AT_SYMLINK_NOFOLLOW) == 0;
}

static void on_rotated(struct audit *audit, const struct record_answer *answer)
{
	char older[RECORD_NAME_MAX];

	audit->is_changing = false;
	if (answer->status != STATUS_OK) {
		audit->has_lost_file = !is_still_named(audit);
		audit->wants_rotation = !audit->has_lost_file;
		audit_file_fail(audit, answer->status);
		return;
	}
	audit_tail_name_older(audit->first_seq, older);
	audit_file_begin(audit, answer->fd);
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

static void on_made(struct audit *audit, const struct record_answer *answer)
{
	CLEANUP(fd_closep) int fd = answer->fd;

	audit->is_changing = false;
	if (answer->status != STATUS_OK) {
		audit_file_fail(audit, answer->status);
		return;
	}
	if (answer->is_new || is_ours(audit, fd)) {
		if (answer->is_new)
			audit_file_begin(audit, fd_take(&fd));
		audit->has_lost_file = false;
		resume(audit);
		return;
	}
	log_event(LOG_ERR, "another file stands where the record was",
		"file=%s hint=\"move it away and reload, or restart to go on from it\"",
		RECORD_NAME);
	audit_file_fail(audit, STATUS_CHANGED_FILE);
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
		if (answer->status != STATUS_OK) {
			audit_file_fail(audit, answer->status);
			break;
		}
		note_durable(audit, answer->seq);
		break;
	case RECORD_ROTATE:
		note_durable(audit, answer->seq);
		on_rotated(audit, answer);
		break;
	case RECORD_MAKE:
		on_made(audit, answer);
		break;
	}
	if (audit->record != NULL)
		audit_pump(audit);
}

void audit_reopen(struct audit *audit)
{
	if (audit->trouble != STATUS_CHANGED_FILE || record_is_busy(audit->record))
		return;
	begin_making(audit);
}

void audit_flush(struct audit *audit)
{
	const int64_t max = (int64_t)audit->spec->rotate_mib << 20;

	if (audit->lines.len > 0)
		audit_file_write(audit);
	if (audit->size > 0 &&
		((max > 0 && audit->size >= max) ||
			(audit->spec->is_daily && audit_file_today() != audit->day)))
		audit->wants_rotation = true;
	audit_pump(audit);
}
