/* SPDX-License-Identifier: Apache-2.0 */
#include "trail.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger.h"
#include "policy/audit_line.h"
#include "util/fd.h"

enum {
	FILE_LEN_MAX = 64 * 1024 * 1024,
};

int trail_set_up(void **state)
{
	struct trail *trail = calloc(1, sizeof(*trail));

	assert_non_null(trail);
	(void)snprintf(trail->folder, sizeof(trail->folder), "/tmp/record-XXXXXX");
	assert_non_null(mkdtemp(trail->folder));
	trail->directory = open(trail->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(trail->directory >= 0);
	assert_int_equal(entry_hasher_init(&trail->hasher), STATUS_OK);
	trail->text = BUF_INIT(FILE_LEN_MAX);
	*state = trail;
	return 0;
}

int trail_tear_down(void **state)
{
	struct trail *trail = *state;

	audit_tail_deinit(&trail->tail);
	entry_hasher_deinit(&trail->hasher);
	buf_deinit(&trail->text);
	fd_closep(&trail->directory);
	ledger_remove(trail->folder);
	free(trail);
	return 0;
}

uint64_t trail_add(struct trail *trail, const char *kind, const char *members)
{
	const struct entry_front front = {
		.time_us = ((int64_t)TRAIL_TIME_S + (int64_t)trail->head.seq) * 1000000,
		.open = trail->open,
		.kind = kind};

	if (trail->text.len == 0)
		trail->first_seq = trail->head.seq + 1;
	assert_int_equal(entry_append(&trail->text, &trail->hasher, &trail->head,
				 &front, bytes_from_text(members)),
		STATUS_OK);
	return trail->head.seq;
}

uint64_t trail_add_attempt(struct trail *trail)
{
	if (trail->open == 0)
		trail->open = trail->head.seq + 1;
	return trail_add(trail, AUDIT_KIND_ATTEMPT, ",\"try\":1");
}

void trail_add_end(
	struct trail *trail, const char *kind, uint64_t attempt, uint64_t open)
{
	char members[64];

	(void)snprintf(members, sizeof(members), ",\"attempt\":%llu",
		(unsigned long long)attempt);
	trail->open = open;
	trail_add(trail, kind, members);
}

void trail_add_many(struct trail *trail, size_t n)
{
	for (size_t i = 0; i < n; i++)
		trail_add(trail, AUDIT_KIND_REFUSAL, ",\"rule\":\"x\"");
}

void trail_write_file(const struct trail *trail, const char *name, struct bytes bytes)
{
	CLEANUP(fd_closep)
	int fd = openat(
		trail->directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes), STATUS_OK);
}

void trail_save(const struct trail *trail)
{
	trail_write_file(trail, RECORD_NAME, buf_get(&trail->text));
}

void trail_save_older(struct trail *trail)
{
	char name[RECORD_NAME_MAX];

	audit_tail_name_older(trail->first_seq, name);
	trail_write_file(trail, name, buf_get(&trail->text));
	buf_clear(&trail->text);
}

enum status trail_read_again(struct trail *trail)
{
	audit_tail_deinit(&trail->tail);
	trail->tail = (struct audit_tail){.cut = 0};
	return audit_tail_read(trail->directory, &trail->hasher, &trail->tail);
}

void trail_assert_head(const struct trail *trail, const struct entry_head *head)
{
	assert_int_equal(trail->tail.head.seq, head->seq);
	assert_memory_equal(trail->tail.head.hash, head->hash, ENTRY_HASH_LEN);
}

void trail_assert_opens(
	const struct trail *trail, size_t n, uint64_t first, uint64_t last)
{
	const struct opens *opens = &trail->tail.opens;

	assert_int_equal(opens->n_rows, n);
	if (n == 0)
		return;
	assert_int_equal(opens->rows[0].seq, first);
	assert_int_equal(opens->rows[n - 1].seq, last);
	assert_int_equal(opens_get_abandoned(opens), first);
}
