/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From lines to the file. A write that fails is undone: what was added and is not in the
 * file is taken back whole, so the chain goes on from the last line that is there.
 */
#include "audit_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "audit_line.h"
#include "audit_tail.h"
#include "util/clock.h"
#include "util/disk.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	S_PER_DAY = 24 * 60 * 60,
	PAGE = 4096,              /* what space is set aside in */
	LINES_KEPT = 1024 * 1024, /* bytes of memory that are kept for the next turn */
};

int64_t audit_file_today(void)
{
	return clock_real_s() / S_PER_DAY;
}

static int64_t find_reserve(int fd)
{
	struct statvfs facts;
	uint64_t part;

	if (fstatvfs(fd, &facts) != 0)
		return AUDIT_RESERVE_MAX;
	part = (uint64_t)facts.f_blocks * facts.f_frsize / AUDIT_RESERVE_PART;
	/* Some file systems do not say how large they are. */
	return part > 0 && part < AUDIT_RESERVE_MAX ? (int64_t)part : AUDIT_RESERVE_MAX;
}

/* An older file at whose end a power cut left half a line: nothing is behind that. */
static enum status cut_older(const struct audit *audit, const struct audit_tail *tail)
{
	CLEANUP(fd_closep) int fd = FD_NONE;
	char name[RECORD_NAME_MAX];

	audit_tail_name_older(tail->torn_seq, name);
	TRY(disk_open(audit->directory, name, false, &fd));
	TRY(disk_truncate(fd, tail->torn_size));
	return disk_sync(fd);
}

enum status audit_file_open(struct audit *audit, const struct audit_tail *tail)
{
	struct stat facts;

	if (tail->torn_seq != 0)
		TRY(cut_older(audit, tail));
	TRY(disk_open(audit->directory, RECORD_NAME, !tail->has_file, &audit->fd));
	if (fstat(audit->fd, &facts) != 0)
		return STATUS_IO;
	audit->size = tail->size;
	audit->reserved = tail->size;
	audit->reserve_len = find_reserve(audit->fd);
	audit->day = tail->size > 0 ? tail->first_s / S_PER_DAY : audit_file_today();
	/* What the last run had set aside is still there, for a start on a full disk. */
	if (facts.st_size != tail->size)
		TRY(disk_truncate(audit->fd, tail->size));
	TRY(disk_sync(audit->fd));
	return disk_sync_directory(audit->directory);
}

void audit_file_begin(struct audit *audit, int fd)
{
	fd_closep(&audit->fd);
	audit->fd = fd;
	audit->size = 0;
	audit->reserved = 0;
	audit->day = audit_file_today();
	audit->is_torn = false;
	audit->has_lost_file = false;
}

/* Nothing is ever appended to a file that others have touched. */
static enum status check_file(const struct audit *audit)
{
	struct stat facts;

	if (fstat(audit->fd, &facts) != 0)
		return STATUS_IO;
	return facts.st_nlink == 0 || facts.st_size != audit->size ? STATUS_CHANGED_FILE
								   : STATUS_OK;
}

/*
 * Only what is not set aside yet: a call that fails may give back what it found there
 * (tmpfs does).
 */
static enum status set_aside_until(struct audit *audit, int64_t end)
{
	const int64_t from =
		audit->reserved > audit->size ? audit->reserved : audit->size;

	end = (end + PAGE - 1) / PAGE * PAGE;
	TRY(disk_reserve(audit->fd, from, end - from));
	audit->reserved = end;
	return STATUS_OK;
}

/* Space for len bytes, and the reserve behind them. */
static enum status set_aside(struct audit *audit, int64_t len)
{
	const int64_t end = audit->size + len + audit->reserve_len;

	if (end <= audit->reserved ||
		set_aside_until(audit, end + AUDIT_AHEAD) == STATUS_OK)
		return STATUS_OK;
	return set_aside_until(audit, end);
}

/* The lines of this turn are in the file now. */
static void settle(struct audit *audit)
{
	if (audit->size == 0)
		audit->first_seq = audit->written.seq + 1;
	audit->size += (int64_t)audit->lines.len;
	audit->written = audit->head;
	opens_commit(&audit->opens);
	refusals_commit(&audit->refusals);
	buf_consume(&audit->kept, audit->kept_len);
	audit->kept_len = 0;
	buf_clear(&audit->lines);
	if (audit->lines.room > LINES_KEPT)
		buf_deinit(&audit->lines);
	audit->wants_sync |= audit->is_awaited;
	audit->is_awaited = false;
	if (audit->lazy_ms == 0)
		audit->lazy_ms = clock_monotonic_ms() + AUDIT_LAZY_MS;
}

/* They are not, and never will be. */
static void take_back(struct audit *audit)
{
	audit->head = audit->written;
	opens_rollback(&audit->opens);
	refusals_rollback(&audit->refusals);
	audit->kept_len = 0;
	buf_clear(&audit->lines);
	audit->is_awaited = false;
}

/* Cuts off what a failed write may have left behind the last good line. */
static enum status cut(struct audit *audit)
{
	struct stat facts;

	audit->is_torn = true;
	if (fstat(audit->fd, &facts) != 0)
		return STATUS_IO;
	if (facts.st_size != audit->size) {
		TRY(disk_truncate(audit->fd, audit->size));
		/* With it goes what was set aside. */
		audit->reserved = audit->size;
	}
	audit->is_torn = false;
	return STATUS_OK;
}

/* Whether lines may be appended. */
static enum status prepare(struct audit *audit)
{
	if (audit->is_torn)
		TRY(cut(audit));
	return check_file(audit);
}

static enum status append(struct audit *audit)
{
	const enum status status = disk_append(audit->fd, buf_get(&audit->lines));

	if (status == STATUS_OK) {
		settle(audit);
		return STATUS_OK;
	}
	/* Now, or when it is tried again. */
	if (cut(audit) != STATUS_OK)
		log_event(LOG_ERR, "half a line cannot be cut off the record",
			"file=%s", RECORD_NAME);
	return status;
}

enum status audit_file_append(struct audit *audit)
{
	TRY(prepare(audit));
	TRY(set_aside(audit, (int64_t)audit->lines.len));
	return append(audit);
}

enum status audit_file_append_reserved(struct audit *audit)
{
	TRY(prepare(audit));
	return append(audit);
}

enum status audit_file_write_kept(struct audit *audit)
{
	if (audit_put_kept(audit) == STATUS_OK &&
		audit_file_append_reserved(audit) == STATUS_OK)
		return STATUS_OK;
	take_back(audit);
	return STATUS_NO_RECORD;
}

/* Said in the record itself, out of the reserve. */
static void say_full(struct audit *audit)
{
	enum status status = audit->size == 0 && audit->first_seq != 0
				     ? audit_put_rotate(audit)
				     : STATUS_OK;

	buf_clear(&audit->members);
	if (status == STATUS_OK)
		status = audit_line_why(&audit->members, status_text(STATUS_DISK_FULL));
	if (status == STATUS_OK)
		status = audit_put(audit, AUDIT_KIND_FULL);
	if (status == STATUS_OK)
		status = audit_file_append_reserved(audit);
	if (status != STATUS_OK)
		take_back(audit);
}

static void tell_failure(struct audit *audit, uint64_t seq)
{
	if (audit->events.on_written != NULL)
		audit->events.on_written(audit->events.context, STATUS_NO_RECORD, seq);
}

void audit_file_give_up_turn(struct audit *audit)
{
	take_back(audit);
	tell_failure(audit, audit->written.seq);
}

void audit_file_fail(struct audit *audit, enum status trouble)
{
	const bool is_news = audit->trouble != trouble;
	/* Of a file that is not ours any more nothing counts that was not synced. */
	const uint64_t good =
		trouble == STATUS_CHANGED_FILE ? audit->durable : audit->written.seq;

	take_back(audit);
	audit->trouble = trouble;
	audit->retry_ms = trouble == STATUS_CHANGED_FILE
				  ? 0
				  : clock_monotonic_ms() + AUDIT_RETRY_MS;
	if (is_news)
		log_event(LOG_ERR, "no record, so nothing is sealed",
			"status=%s why=\"%s\"", status_name(trouble),
			status_text(trouble));
	if (is_news && trouble == STATUS_DISK_FULL)
		say_full(audit);
	if (trouble == STATUS_DISK_FULL && audit->kept.len > 0 &&
		audit_file_write_kept(audit) != STATUS_OK)
		log_event(LOG_ERR, "lines wait for a record", "bytes=%zu",
			audit->kept.len);
	tell_failure(audit, good);
}

/* The file is still where the next start looks for it. */
static enum status check_name(const struct audit *audit)
{
	struct stat ours, named;

	if (fstat(audit->fd, &ours) != 0)
		return STATUS_IO;
	if (fstatat(audit->directory, RECORD_NAME, &named, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? STATUS_CHANGED_FILE : STATUS_IO;
	return ours.st_dev == named.st_dev && ours.st_ino == named.st_ino
		       ? STATUS_OK
		       : STATUS_CHANGED_FILE;
}

enum status audit_file_can_resume(struct audit *audit)
{
	TRY(check_name(audit));
	/* A few bytes that come free are no reason: they would be full at once. */
	return audit->trouble == STATUS_DISK_FULL ? set_aside(audit, audit->reserve_len)
						  : STATUS_OK;
}

void audit_file_write(struct audit *audit)
{
	enum status status;

	if (audit->lines.len == 0 || audit->is_changing)
		return;
	status = audit_file_append(audit);
	if (status != STATUS_OK) {
		audit_file_fail(audit, status);
		return;
	}
	if (audit->events.on_written != NULL)
		audit->events.on_written(
			audit->events.context, STATUS_OK, audit->written.seq);
}
