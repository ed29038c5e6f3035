/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Begin and end of the record in one process. Before the loop runs and after it ended, so
 * it may wait for the disk.
 */
#include "audit_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_line.h"
#include "audit_tail.h"
#include "util/clock.h"
#include "util/disk.h"
#include "util/fd.h"
#include "util/log.h"

enum {
	CLOSE_WAIT_MS = 2000,
};

static enum status refuse(const char *path, enum status status, const char *why)
{
	log_event(LOG_ERR, "cannot open the record", "directory=\"%s\" why=\"%s\"",
		log_text(bytes_from_text(path)).text, why);
	return status;
}

/* Two agents would break each other's chain. */
static enum status open_directory(struct audit *audit)
{
	const char *path = audit->spec->directory;
	struct stat facts;

	audit->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (audit->directory < 0 || fstat(audit->directory, &facts) != 0)
		return refuse(path, STATUS_NO_RECORD, strerror(errno));
	if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse(path, STATUS_BAD_FILE,
			"its group or others can write to it: chmod go-w");
	if (facts.st_uid != 0 && facts.st_uid != geteuid())
		return refuse(path, STATUS_BAD_FILE,
			"it belongs to another user: chown it to the one of zegeld");
	if (flock(audit->directory, LOCK_EX | LOCK_NB) != 0)
		return refuse(path, STATUS_IN_USE, "another zegeld writes there");
	return STATUS_OK;
}

static enum status put_start(struct audit *audit, const struct audit_setup *setup,
	const struct audit_tail *tail)
{
	const char *after = "crash";
	struct audit_start start = {
		.version = setup->version,
		.config_hash = setup->config_hash,
		.cut = tail->cut,
	};

	if (tail->head.seq == 0)
		after = "new";
	else if (tail->was_stopped)
		after = "stop";
	start.after = after;
	if (tail->cut > 0)
		log_event(LOG_WARN, "a torn tail was cut off the record", "bytes=%llu",
			(unsigned long long)tail->cut);
	log_event(LOG_NOTICE, "the record goes on", "after=%s lines=%llu open=%zu",
		after, (unsigned long long)tail->head.seq, audit->opens.n_rows);
	/* A crash came between two files: the new one begins as every new one. */
	if (audit->size == 0 && audit->first_seq != 0)
		TRY(audit_put_rotate(audit));
	buf_clear(&audit->members);
	TRY(audit_line_start(&audit->members, &start));
	TRY(audit_put(audit, AUDIT_KIND_START));
	return audit_put_orphans(audit);
}

/* Into the reserve of a full disk too: then the agent runs, and says why it seals not. */
static enum status write_start(struct audit *audit)
{
	const enum status status = audit_file_append(audit);

	if (status != STATUS_DISK_FULL)
		return status;
	TRY(audit_file_append_reserved(audit));
	audit_file_fail(audit, STATUS_DISK_FULL);
	return STATUS_OK;
}

/* From what the disk shows to a file that can be appended to, with a start line. */
static enum status begin(struct audit *audit, const struct audit_setup *setup,
	const struct audit_tail *tail)
{
	TRY(audit_file_open(audit, tail));
	TRY(put_start(audit, setup, tail));
	TRY(write_start(audit));
	return disk_sync(audit->fd);
}

static enum status go_on(struct audit *audit, const struct audit_setup *setup)
{
	CLEANUP(audit_tail_deinit) struct audit_tail tail = {.cut = 0};
	enum status status;

	TRY(entry_hasher_init(&audit->hasher));
	TRY(open_directory(audit));
	TRY(audit_tail_read(audit->directory, &audit->hasher, &tail));
	audit->head = tail.head;
	audit->written = tail.head;
	audit->first_seq = tail.first_seq;
	audit->opens = tail.opens;
	tail.opens = (struct opens){.rows = NULL};
	status = begin(audit, setup, &tail);
	if (status != STATUS_OK)
		return refuse(
			audit->spec->directory, STATUS_NO_RECORD, status_text(status));
	audit->durable = audit->written.seq;
	audit->lazy_ms = 0;
	return STATUS_OK;
}

static void release(struct audit **pointer)
{
	struct audit *audit = *pointer;
	bool is_hung;

	if (audit == NULL)
		return;
	is_hung = audit->record != NULL && record_is_busy(audit->record);
	loop_timer_remove(audit->loop, &audit->timer);
	record_freep(&audit->record);
	/* A thread that hangs in the disk uses them until the process ends. */
	if (!is_hung) {
		fd_closep(&audit->fd);
		fd_closep(&audit->directory);
	}
	entry_hasher_deinit(&audit->hasher);
	opens_deinit(&audit->opens);
	refusals_deinit(&audit->refusals);
	buf_deinit(&audit->lines);
	buf_deinit(&audit->members);
	buf_deinit(&audit->kept);
	freep(pointer);
}

enum status audit_open(const struct audit_setup *setup, struct audit **out)
{
	CLEANUP(release) struct audit *audit = calloc(1, sizeof(*audit));

	if (audit == NULL)
		return STATUS_NO_MEMORY;
	audit->loop = setup->loop;
	audit->spec = setup->spec;
	audit->fd = FD_NONE;
	audit->directory = FD_NONE;
	audit->hasher = ENTRY_HASHER_INIT;
	audit->lines = BUF_INIT(AUDIT_TURN_MAX);
	audit->members = BUF_INIT(AUDIT_MEMBERS_MAX);
	audit->kept = BUF_INIT(AUDIT_KEPT_MAX);
	audit->timer =
		(struct loop_timer){.call = audit_pump_on_timer, .context = audit};
	TRY(go_on(audit, setup));
	TRY(record_open(audit->loop, audit_pump_on_answer, audit, &audit->record));
	TRY(loop_timer_set(audit->loop, &audit->timer, clock_monotonic_ms()));
	*out = TAKE(audit);
	return STATUS_OK;
}

static enum status put_stop(struct audit *audit)
{
	opens_abandon_all(&audit->opens);
	audit_put_floods(audit, true);
	TRY(audit_put_orphans(audit));
	TRY(audit_put_kept(audit));
	buf_clear(&audit->members);
	return audit_put(audit, AUDIT_KIND_STOP);
}

/* Waits for what the record thread has to do; false when it hangs. */
static bool drain(struct audit *audit, uint64_t by_ms)
{
	while (record_is_busy(audit->record)) {
		const uint64_t now = clock_monotonic_ms();

		if (now >= by_ms || !record_wait(audit->record, (int)(by_ms - now)))
			return false;
	}
	return true;
}

/* A stop that is not in the record reads as a crash at the next start: nothing is lost. */
static void finish(struct audit *audit)
{
	const uint64_t by_ms = clock_monotonic_ms() + CLOSE_WAIT_MS;

	audit->wants_rotation = false;
	if (!drain(audit, by_ms))
		return;
	audit_file_write(audit);
	if (audit->trouble != STATUS_OK || put_stop(audit) != STATUS_OK)
		return;
	audit_file_write(audit);
	audit->wants_sync = true;
	audit_pump(audit);
	(void)drain(audit, by_ms);
}

void audit_close(struct audit **pointer)
{
	if (*pointer == NULL)
		return;
	audit_set_events(*pointer, &(struct audit_events){.context = NULL});
	finish(*pointer);
	release(pointer);
}
