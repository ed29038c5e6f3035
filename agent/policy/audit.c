/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is added to the record, line by line. How it gets to the disk: audit_file.c.
 */
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit_internal.h"
#include "audit_line.h"
#include "audit_tail.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"

void audit_set_events(struct audit *audit, const struct audit_events *events)
{
	audit->events = *events;
}

enum status audit_get_status(const struct audit *audit)
{
	return audit->trouble == STATUS_OK && !audit->is_stalled ? STATUS_OK
								 : STATUS_NO_RECORD;
}

const char *audit_get_why(const struct audit *audit)
{
	if (audit->trouble != STATUS_OK)
		return status_text(audit->trouble);
	return audit->is_stalled ? "the disk does not answer" : "";
}

uint64_t audit_get_n_lines(const struct audit *audit)
{
	return audit->written.seq;
}

void audit_get_head(
	const struct audit *audit, uint64_t *seq, uint8_t hash[static ENTRY_HASH_LEN])
{
	*seq = audit->written.seq;
	memcpy(hash, audit->written.hash, ENTRY_HASH_LEN);
}

bool audit_has_lines(const struct audit *audit)
{
	return audit->lines.len > 0 && !audit->is_changing;
}

bool audit_waits_for_sync(const struct audit *audit)
{
	return audit->spec->sync == RECORD_SYNC_SEAL;
}

/* A clock that is far off stops nothing: a line says the nearest time that it can. */
static int64_t get_time_us(void)
{
	const int64_t last = INT64_C(253402300799999999); /* of the year 9999 */
	const int64_t now = clock_real_us();

	if (now < 0)
		return 0;
	return now < last ? now : last;
}

static enum status put(struct audit *audit, const char *kind, struct bytes members)
{
	const struct entry_front front = {
		.time_us = get_time_us(),
		.open = opens_get_oldest(&audit->opens),
		.kind = kind,
	};

	return entry_append(
		&audit->lines, &audit->hasher, &audit->head, &front, members);
}

enum status audit_put(struct audit *audit, const char *kind)
{
	return put(audit, kind, buf_get(&audit->members));
}

enum status audit_put_orphans(struct audit *audit)
{
	uint64_t seq;

	while ((seq = opens_get_abandoned(&audit->opens)) != 0) {
		enum status status;

		buf_clear(&audit->members);
		TRY(audit_line_orphan(&audit->members, seq));
		must(opens_close(&audit->opens, seq));
		status = audit_put(audit, AUDIT_KIND_ORPHAN);
		if (status != STATUS_OK) {
			opens_abandon(&audit->opens, seq);
			return status;
		}
	}
	return STATUS_OK;
}

/* kind NUL members newline, of what is in members. */
static enum status keep(struct audit *audit, const char *kind)
{
	const size_t len = audit->kept.len;
	const struct bytes bytes = {(const uint8_t *)kind, strlen(kind) + 1};
	enum status status = buf_append(&audit->kept, bytes);

	if (status == STATUS_OK)
		status = buf_append(&audit->kept, buf_get(&audit->members));
	if (status == STATUS_OK)
		status = buf_append_text(&audit->kept, "\n");
	if (status != STATUS_OK)
		audit->kept.len = len;
	return status;
}

enum status audit_put_kept(struct audit *audit)
{
	while (audit->kept_len < audit->kept.len) {
		const char *kind = (const char *)audit->kept.p + audit->kept_len;
		const uint8_t *members = (const uint8_t *)kind + strlen(kind) + 1;
		const uint8_t *end = memchr(members, '\n',
			(size_t)(audit->kept.p + audit->kept.len - members));

		must(end != NULL);
		TRY(put(audit, kind, (struct bytes){members, (size_t)(end - members)}));
		audit->kept_len = (size_t)(end + 1 - audit->kept.p);
	}
	return STATUS_OK;
}

enum status audit_put_rotate(struct audit *audit)
{
	char older[RECORD_NAME_MAX];

	audit_tail_name_older(audit->first_seq, older);
	buf_clear(&audit->members);
	TRY(audit_line_rotate(&audit->members, older));
	return audit_put(audit, AUDIT_KIND_ROTATE);
}

enum status audit_add_attempt(
	struct audit *audit, const struct audit_attempt *attempt, uint64_t *out_seq)
{
	const uint64_t seq = audit->head.seq + 1;

	TRY(audit_get_status(audit));
	buf_clear(&audit->members);
	if (audit_line_attempt(&audit->members, attempt) != STATUS_OK ||
		opens_put(&audit->opens, seq) != STATUS_OK)
		return STATUS_NO_RECORD;
	if (audit_put(audit, AUDIT_KIND_ATTEMPT) != STATUS_OK) {
		opens_take_back(&audit->opens, seq);
		return STATUS_NO_RECORD;
	}
	*out_seq = seq;
	return STATUS_OK;
}

enum status audit_add_outcome(
	struct audit *audit, const struct audit_outcome *outcome, uint64_t *out_seq)
{
	buf_clear(&audit->members);
	if (audit->trouble != STATUS_OK ||
		audit_line_outcome(&audit->members, outcome) != STATUS_OK) {
		opens_abandon(&audit->opens, outcome->attempt);
		return STATUS_NO_RECORD;
	}
	must(opens_close(&audit->opens, outcome->attempt));
	if (audit_put(audit, AUDIT_KIND_OUTCOME) != STATUS_OK) {
		opens_abandon(&audit->opens, outcome->attempt);
		return STATUS_NO_RECORD;
	}
	audit->is_awaited |= outcome->seal.len > 0 && audit_waits_for_sync(audit);
	*out_seq = audit->head.seq;
	return STATUS_OK;
}

void audit_add_undelivered(struct audit *audit, uint64_t attempt, const char *why)
{
	enum status status;

	buf_clear(&audit->members);
	status = audit_line_undelivered(&audit->members, attempt, why);
	/* The record says that this seal was released: it must not stand at that. */
	if (status == STATUS_OK)
		status = keep(audit, AUDIT_KIND_UNDELIVERED);
	if (status == STATUS_OK && audit->trouble == STATUS_OK)
		status = audit_put_kept(audit);
	if (status != STATUS_OK)
		log_event(LOG_ERR, "a line could not be added to the record",
			"kind=%s attempt=%llu status=%s", AUDIT_KIND_UNDELIVERED,
			(unsigned long long)attempt, status_name(status));
}

bool audit_add_refusal(struct audit *audit, const struct audit_refusal *refusal)
{
	const int64_t now_s = clock_real_s();
	const struct audit_who *who = &refusal->who;

	if (!refusals_note(
		    &audit->refusals, who->client, who->uid, refusal->status, now_s))
		return false;
	buf_clear(&audit->members);
	if (audit->trouble == STATUS_OK &&
		audit_line_refusal(&audit->members, refusal) == STATUS_OK &&
		audit_put(audit, AUDIT_KIND_REFUSAL) == STATUS_OK)
		return true;
	/* It goes into the sum, which is written when there is a record again. */
	refusals_count(&audit->refusals, who->client, who->uid, refusal->status);
	return true;
}

/* Two users who hand a socket to and fro must not fill the record either. */
void audit_add_peer_event(struct audit *audit, const struct audit_peer_event *event)
{
	const struct audit_who *who = &event->who;

	if (!refusals_note(&audit->refusals, who->client, who->uid, event->status,
		    clock_real_s()))
		return;
	buf_clear(&audit->members);
	if (audit->trouble == STATUS_OK &&
		audit_line_peer(&audit->members, event) == STATUS_OK &&
		audit_put(audit, AUDIT_KIND_PEER) == STATUS_OK)
		return;
	refusals_count(&audit->refusals, who->client, who->uid, event->status);
}

/* The sum of one user's refusals; he keeps it when it cannot be added. */
static enum status put_flood(struct audit *audit, struct refusals_row *row)
{
	const struct audit_flood flood = {
		.client = row->client,
		.uid = row->uid,
		/* A clock before 1970 is wrong, and no reason to fall over. */
		.since_s = row->since_s < 0 ? 0 : (uint64_t)row->since_s,
		.n_by_status = row->n_by_status,
	};

	buf_clear(&audit->members);
	TRY(audit_line_flood(&audit->members, &flood));
	TRY(audit_put(audit, AUDIT_KIND_REFUSALS));
	refusals_tell(&audit->refusals, row);
	log_event(LOG_INFO, "refusals, summed up", "client=%s uid=%u n=%llu",
		row->client, (unsigned int)row->uid,
		(unsigned long long)row->n_counted);
	return STATUS_OK;
}

void audit_put_floods(struct audit *audit, bool is_end)
{
	struct refusals_row *row;

	while (audit->trouble == STATUS_OK &&
		(row = refusals_get_over(&audit->refusals, clock_real_s(), is_end)) !=
			NULL) {
		/* When the turn is too full for it, the next one is not. */
		if (put_flood(audit, row) != STATUS_OK)
			return;
	}
}

/*
 * Behind the lines of this turn, which are written with it: who is answered shall find it.
 * Or into the reserve; or later, when a file is on its way.
 */
static enum status put_act(struct audit *audit)
{
	if (audit->trouble != STATUS_OK)
		return audit->is_changing ? STATUS_OK : audit_file_write_kept(audit);
	TRY(audit_put_kept(audit));
	audit_file_write(audit);
	return STATUS_OK;
}

enum status audit_add_checkpoint(
	struct audit *audit, uint64_t attempt, struct bytes note)
{
	TRY(audit_get_status(audit));
	buf_clear(&audit->members);
	TRY(audit_line_checkpoint(&audit->members, attempt, note));
	return audit_put(audit, AUDIT_KIND_CHECKPOINT);
}

enum status audit_add_act(struct audit *audit, const struct audit_act *act)
{
	const size_t len = audit->kept.len;

	buf_clear(&audit->members);
	if (audit->trouble != STATUS_OK && audit->trouble != STATUS_DISK_FULL)
		return STATUS_NO_RECORD;
	if (audit_line_act(&audit->members, act) != STATUS_OK ||
		keep(audit, AUDIT_KIND_OFFICER) != STATUS_OK)
		return STATUS_NO_RECORD;
	if (put_act(audit) == STATUS_OK)
		return STATUS_OK;
	audit->kept.len = len;
	return STATUS_NO_RECORD;
}

enum status audit_open_file(
	const struct audit *audit, uint64_t index, char name[static 64], int *out)
{
	CLEANUP(freep) uint64_t *older = NULL;
	char found[RECORD_NAME_MAX] = RECORD_NAME;
	size_t n_older = 0;
	int fd;

	TRY(audit_tail_list_older(audit->directory, &older, &n_older));
	if (index > n_older)
		return STATUS_NOT_FOUND;
	if (index > 0)
		audit_tail_name_older(older[n_older - index], found);
	fd = openat(audit->directory, found,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
	memcpy(name, found, sizeof(found));
	*out = fd;
	return STATUS_OK;
}
