/* SPDX-License-Identifier: Apache-2.0 */
#include "record_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "util/fd.h"

enum {
	FILE_MAX = 1 << 22,
};

static struct record_file *begin_file(struct record *record, uint64_t first_seq)
{
	struct record_file *file = &record->files[record->n++];

	assert_true(record->n <= RECORD_FILES_MAX);
	record_maker_name(first_seq, file->name);
	file->content = BUF_INIT(FILE_MAX);
	return file;
}

static enum status on_line(void *context, uint64_t first_seq, struct bytes line)
{
	struct record *record = context;
	char name[RECORD_MAKER_NAME_MAX];
	struct record_file *file =
		record->n == 0 ? NULL : &record->files[record->n - 1];

	record_maker_name(first_seq, name);
	if (file == NULL || strcmp(file->name, name) != 0)
		file = begin_file(record, first_seq);
	return buf_append(&file->content, line);
}

void record_make(const struct record_maker_spec *spec, struct record *out)
{
	*out = (struct record){.n = 0};
	assert_int_equal(record_maker_run(spec, on_line, out), STATUS_OK);
	(void)snprintf(out->files[out->n - 1].name, RECORD_MAKER_NAME_MAX, "%s",
		SOURCES_CURRENT);
}

void record_copy(const struct record *from, struct record *out)
{
	*out = (struct record){.n = from->n};
	for (size_t i = 0; i < from->n; i++) {
		memcpy(out->files[i].name, from->files[i].name, RECORD_MAKER_NAME_MAX);
		out->files[i].content = BUF_INIT(FILE_MAX);
		assert_int_equal(buf_append(&out->files[i].content,
					 buf_get(&from->files[i].content)),
			STATUS_OK);
	}
}

void record_deinit(struct record *record)
{
	for (size_t i = 0; i < record->n; i++)
		buf_deinit(&record->files[i].content);
	record->n = 0;
}

size_t record_offset(const struct record_file *file, size_t number)
{
	const struct buf *content = &file->content;
	size_t at = 0;

	for (size_t n = 1; n < number; n++) {
		const uint8_t *end = memchr(content->p + at, '\n', content->len - at);

		assert_non_null(end);
		at = (size_t)(end + 1 - content->p);
	}
	return at;
}

size_t record_count(const struct record_file *file)
{
	size_t n = 0;

	for (size_t i = 0; i < file->content.len; i++)
		n += file->content.p[i] == '\n';
	return n;
}

struct bytes record_get(const struct record_file *file, size_t number)
{
	const size_t at = record_offset(file, number);
	const uint8_t *begin = file->content.p + at;
	const uint8_t *end = memchr(begin, '\n', file->content.len - at);

	assert_non_null(end);
	return (struct bytes){begin, (size_t)(end + 1 - begin)};
}

void record_splice(struct record_file *file, size_t at, size_t len, struct bytes others)
{
	CLEANUP(buf_deinit) struct buf rest = BUF_INIT(FILE_MAX);
	struct buf *content = &file->content;

	/* others may be a view into the file itself. */
	assert_true(at + len <= content->len);
	assert_int_equal(buf_append(&rest, others), STATUS_OK);
	assert_int_equal(buf_append(&rest, (struct bytes){content->p + at + len,
						   content->len - at - len}),
		STATUS_OK);
	content->len = at;
	assert_int_equal(buf_append(content, buf_get(&rest)), STATUS_OK);
}

void record_open_file(const struct record_file *file, struct sources *sources)
{
	CLEANUP(fd_closep) int fd = memfd_create("record", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, buf_get(&file->content)), STATUS_OK);
	assert_int_equal(sources_add(sources, file->name, fd_take(&fd)), STATUS_OK);
}

void record_open(const struct record *record, struct sources *out)
{
	*out = SOURCES_INIT;
	for (size_t i = record->n; i > 0; i--)
		record_open_file(&record->files[i - 1], out);
	assert_int_equal(sources_sort(out), STATUS_OK);
}

void record_inspect(const struct sources *sources, const struct inspect_marks *marks,
	struct inspection *out)
{
	size_t at = 0;

	assert_int_equal(inspect_run(sources, marks, out, &at), STATUS_OK);
}
