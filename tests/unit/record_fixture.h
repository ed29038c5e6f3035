/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record in memory, file by file, that a test can tamper with and have inspected.
 */
#ifndef ZEGEL_TESTS_RECORD_FIXTURE_H
#define ZEGEL_TESTS_RECORD_FIXTURE_H

#include "inspect.h"
#include "record_maker.h"
#include "sources.h"

enum {
	RECORD_FILES_MAX = 128,
};

struct record_file {
	char name[RECORD_MAKER_NAME_MAX]; /* as the agent calls it */
	struct buf content;               /* owns */
};

struct record {
	struct record_file files[RECORD_FILES_MAX];
	size_t n;
};

void record_make(const struct record_maker_spec *spec, struct record *out);
void record_copy(const struct record *from, struct record *out);
void record_deinit(struct record *record);

/* How many lines; the bytes of line number (from 1), with its newline. */
size_t record_count(const struct record_file *file);
struct bytes record_get(const struct record_file *file, size_t number);
/* Takes len bytes at an offset out, and puts others there. */
void record_splice(
	struct record_file *file, size_t at, size_t len, struct bytes others);
size_t record_offset(const struct record_file *file, size_t number);

/* All files, as somebody names them: in another order. */
void record_open(const struct record *record, struct sources *out);
void record_open_file(const struct record_file *file, struct sources *sources);
/* Runs without a failure; out is INSPECTION_INIT. */
void record_inspect(const struct sources *sources, const struct inspect_marks *marks,
	struct inspection *out);

#endif
