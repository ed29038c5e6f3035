/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From lines to the file. A write that fails is undone: what was added and is not in the
 * file is taken back whole, so the chain goes on from the last line that is there.
 */
#include "audit_internal.h"

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
	return part < AUDIT_RESERVE_MAX ? (int64_t)part : AUDIT_RESERVE_MAX;
}

enum status audit_file_open(struct audit *audit, bool has_file)
{
	struct stat facts;

	TRY(disk_open(audit->directory, RECORD_NAME, !has_file, &audit->fd));
	if (fstat(audit->fd, &facts) != 0)
		return STATUS_IO;
	audit->day = has_file && audit->size > 0 ? facts.st_mtim.tv_sec / S_PER_DAY
						 : audit_file_today();
	audit->reserve_len = find_reserve(audit->fd);
	/* Also gives back what the last run had set aside. */
	TRY(disk_truncate(audit->fd, audit->size));
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

/* Space for len bytes, and the reserve behind them. */
static enum status set_aside(struct audit *audit, size_t len)
{
	const int64_t needed = (int64_t)len + audit->reserve_len;

	if (audit->size + needed <= audit->reserved)
		return STATUS_OK;
	if (disk_reserve(audit->fd, audit->size, needed + AUDIT_AHEAD) == STATUS_OK) {
		audit->reserved = audit->size + needed + AUDIT_AHEAD;
		return STATUS_OK;
	}
	TRY(disk_reserve(audit->fd, audit->size, needed));
	audit->reserved = audit->size + needed;
	return STATUS_OK;
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
	buf_clear(&audit->lines);
	if (audit->lines.room > LINES_KEPT)
		buf_deinit(&audit->lines);
	audit->wants_sync |= audit->is_awaited;
	audit->is_awaited = false;
	if (audit->lazy_ms == 0)
		audit->lazy_ms = clock_monotonic_ms() + AUDIT_LAZY_MS;
}

/* They are not, and never will be. */
void audit_file_take_back(struct audit *audit)
{
	audit->head = audit->written;
	opens_rollback(&audit->opens);
	refusals_rollback(&audit->refusals);
	buf_clear(&audit->lines);
	audit->is_awaited = false;
}

static enum status append(struct audit *audit)
{
	enum status status;

	TRY(check_file(audit));
	status = disk_append(audit->fd, buf_get(&audit->lines));
	if (status == STATUS_OK) {
		settle(audit);
		return STATUS_OK;
	}
	audit->is_torn = disk_truncate(audit->fd, audit->size) != STATUS_OK;
	return status;
}

enum status audit_file_append(struct audit *audit)
{
	TRY(check_file(audit));
	TRY(set_aside(audit, audit->lines.len));
	return append(audit);
}

enum status audit_file_write_reserved(struct audit *audit)
{
	const enum status status = append(audit);

	if (status == STATUS_OK)
		return STATUS_OK;
	audit_file_take_back(audit);
	return STATUS_NO_RECORD;
}

/* Said in the record itself, out of the reserve. */
static void say_full(struct audit *audit)
{
	buf_clear(&audit->members);
	if (audit_line_why(&audit->members, status_text(STATUS_DISK_FULL)) ==
			STATUS_OK &&
		audit_put(audit, AUDIT_KIND_FULL) == STATUS_OK &&
		audit_file_write_reserved(audit) == STATUS_OK)
		return;
	audit_file_take_back(audit);
}

static void tell_failure(struct audit *audit, uint64_t seq)
{
	if (audit->events.on_written != NULL)
		audit->events.on_written(audit->events.context, STATUS_NO_RECORD, seq);
}

void audit_file_fail(struct audit *audit, enum status trouble)
{
	const bool is_news = audit->trouble == STATUS_OK;
	/* Of a file that is not ours any more nothing counts that was not synced. */
	const uint64_t good =
		trouble == STATUS_CHANGED_FILE ? audit->durable : audit->written.seq;

	audit_file_take_back(audit);
	audit->trouble = trouble;
	audit->retry_ms = trouble == STATUS_CHANGED_FILE
				  ? 0
				  : clock_monotonic_ms() + AUDIT_RETRY_MS;
	if (is_news)
		log_event(LOG_ERR, "no record, so nothing is sealed",
			"status=%s why=\"%s\"", status_name(trouble),
			status_text(trouble));
	if (is_news && trouble == STATUS_DISK_FULL && !audit->has_lost_file)
		say_full(audit);
	tell_failure(audit, good);
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
