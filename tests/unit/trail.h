/* SPDX-License-Identifier: Apache-2.0 */
/* A record made by hand, link by link, and what a start reads from it. */
#ifndef ZEGEL_TESTS_TRAIL_H
#define ZEGEL_TESTS_TRAIL_H

#include "policy/audit_tail.h"
#include "util/buf.h"

enum {
	TRAIL_TIME_S = 1795507200, /* of the first line: 2026-11-24T08:00:00Z */
};

struct trail {
	char folder[32];
	int directory;
	struct entry_hasher hasher;
	struct entry_head head; /* of the chain as it is made */
	uint64_t open;          /* what the next lines say; 0: their own */
	struct buf text;        /* of the file being made */
	uint64_t first_seq;     /* of its first line */
	struct audit_tail tail; /* as it was read */
};

int trail_set_up(void **state);
int trail_tear_down(void **state);

/* One more line of the file being made; its seq. */
uint64_t trail_add(struct trail *trail, const char *kind, const char *members);
uint64_t trail_add_attempt(struct trail *trail);
/* open: of this line and those behind it. */
void trail_add_end(
	struct trail *trail, const char *kind, uint64_t attempt, uint64_t open);
void trail_add_many(struct trail *trail, size_t n);

void trail_write_file(const struct trail *trail, const char *name, struct bytes bytes);
/* The file being made is the current one, so far. */
void trail_save(const struct trail *trail);
/* The file being made is an older one, and another one begins. */
void trail_save_older(struct trail *trail);

enum status trail_read_again(struct trail *trail);
void trail_assert_head(const struct trail *trail, const struct entry_head *head);
/* So many attempts are open. */
void trail_assert_opens(
	const struct trail *trail, size_t n, uint64_t first, uint64_t last);

#endif
