/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is done to a record, short of cutting its tail or writing it anew, is found,
 * and the first bad line is named (F59, G13). Where that is, an oracle says that knows no
 * chain: it compares bytes.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record_fixture.h"

enum {
	N_TAMPERINGS = 50000,
	N_LINES = 2000,
	A_FILE = 20,
	WHOLE_EVERY = 100, /* so often the record is inspected from its first line on */
	TAIL_LEN = 75,     /* ,"hash":"<64>"} */
};

/* A line by its file and its number in it. */
struct place {
	size_t file;
	size_t number; /* 0: none */
};

struct world {
	const struct record *whole;
	struct record changed;
	size_t first; /* file that was changed, and the last one */
	size_t last;
	struct entry_hasher hasher;
	struct place wanted; /* where the oracle must not say it */
	bool has_wanted;
};

static size_t draw(size_t n)
{
	return (size_t)random() % n;
}

static void touch(struct world *world, size_t a, size_t b)
{
	world->first = a < b ? a : b;
	world->last = a < b ? b : a;
}

static struct place draw_place(const struct record *record)
{
	struct place place = {.file = draw(record->n)};

	place.number = 1 + draw(record_count(&record->files[place.file]));
	return place;
}

static bool is_last(const struct record *record, struct place place)
{
	return place.file == record->n - 1 &&
	       place.number == record_count(&record->files[place.file]);
}

/* The line behind it, which may be in the next file. */
static struct place next_place(const struct record *record, struct place place)
{
	if (place.number < record_count(&record->files[place.file]))
		return (struct place){place.file, place.number + 1};
	return (struct place){place.file + 1, 1};
}

static void copy_line(const struct record *record, struct place place, struct buf *out)
{
	buf_clear(out);
	assert_int_equal(
		buf_append(out, record_get(&record->files[place.file], place.number)),
		STATUS_OK);
}

static void replace(struct world *world, struct place place, struct bytes line)
{
	struct record_file *file = &world->changed.files[place.file];
	const size_t at = record_offset(file, place.number);

	record_splice(file, at, record_get(file, place.number).len, line);
}

/* Before the line, or behind the last of its file. */
static void insert(struct world *world, struct place place, struct bytes line)
{
	struct record_file *file = &world->changed.files[place.file];

	if (place.number == record_count(file) && draw(2) == 0)
		place.number++;
	record_splice(file, record_offset(file, place.number), 0, line);
	touch(world, place.file, place.file);
}

static void swap(struct world *world, struct place a, struct place b)
{
	CLEANUP(buf_deinit) struct buf of_a = BUF_INIT(ENTRY_MAX);
	CLEANUP(buf_deinit) struct buf of_b = BUF_INIT(ENTRY_MAX);

	copy_line(&world->changed, a, &of_a);
	copy_line(&world->changed, b, &of_b);
	replace(world, a, buf_get(&of_b));
	replace(world, b, buf_get(&of_a));
	touch(world, a.file, b.file);
}

static void flip_a_bit(struct world *world)
{
	const size_t at = draw(world->changed.n);
	struct buf *content = &world->changed.files[at].content;
	const size_t bit = draw(8 * content->len);

	content->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	touch(world, at, at);
}

/* Of the line's newlines and hashes more than a flip would often meet. */
static void flip_a_bit_of_the_frame(struct world *world)
{
	const struct place place = draw_place(&world->changed);
	struct record_file *file = &world->changed.files[place.file];
	const size_t end =
		record_offset(file, place.number) + record_get(file, place.number).len;

	file->content.p[end - 1 - draw(TAIL_LEN + 1)] ^= (uint8_t)(1 << draw(8));
	touch(world, place.file, place.file);
}

static void write_a_digit_in_upper_case(struct world *world)
{
	const struct place place = draw_place(&world->changed);
	struct record_file *file = &world->changed.files[place.file];
	uint8_t *c = file->content.p + record_offset(file, place.number) +
		     record_get(file, place.number).len - 4;

	while (*c < 'a' || *c > 'f')
		c--;
	*c = (uint8_t)(*c - 'a' + 'A');
	touch(world, place.file, place.file);
}

static void delete_a_line(struct world *world)
{
	struct place place = draw_place(&world->changed);

	while (is_last(&world->changed, place))
		place = draw_place(&world->changed);
	replace(world, place, (struct bytes){NULL, 0});
	touch(world, place.file, place.file);
}

static void delete_a_newline(struct world *world)
{
	const struct place place = draw_place(&world->changed);
	struct record_file *file = &world->changed.files[place.file];
	const size_t end =
		record_offset(file, place.number) + record_get(file, place.number).len;

	record_splice(file, end - 1, 1, (struct bytes){NULL, 0});
	touch(world, place.file, place.file);
}

static void insert_an_empty_line(struct world *world)
{
	insert(world, draw_place(&world->changed), bytes_from_text("\n"));
}

static void insert_a_copy(struct world *world)
{
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(ENTRY_MAX);

	copy_line(&world->changed, draw_place(&world->changed), &line);
	insert(world, draw_place(&world->changed), buf_get(&line));
}

static void insert_a_made_up_line(struct world *world)
{
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(ENTRY_MAX);
	const size_t len = draw(600);

	for (size_t i = 0; i < len; i++) {
		const uint8_t c = (uint8_t)random();

		assert_int_equal(
			buf_append(&line,
				(struct bytes){
					(const uint8_t[]){c == '\n' ? 'x' : c}, 1}),
			STATUS_OK);
	}
	assert_int_equal(buf_append_text(&line, "\n"), STATUS_OK);
	insert(world, draw_place(&world->changed), buf_get(&line));
}

/* In all it is what may stand there, with a hash of its own, but for its prev. */
static void insert_a_line_with_a_right_hash(struct world *world)
{
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(ENTRY_MAX);
	const struct place place = draw_place(&world->changed);
	struct entry_head head = {
		.seq = place.file * (uint64_t)A_FILE + place.number - 1, .hash = {1}};
	const struct entry_front front = {
		.time_us = INT64_C(1795507503123456), .kind = "refusal"};

	assert_int_equal(entry_append(&line, &world->hasher, &head, &front,
				 bytes_from_text(",\"status\":\"DENIED\"")),
		STATUS_OK);
	insert(world, place, buf_get(&line));
}

static void swap_neighbours(struct world *world)
{
	struct place place = draw_place(&world->changed);

	while (is_last(&world->changed, place))
		place = draw_place(&world->changed);
	swap(world, place, next_place(&world->changed, place));
}

static void swap_far(struct world *world)
{
	const struct place a = draw_place(&world->changed);
	struct place b = draw_place(&world->changed);

	while (a.file == b.file && a.number == b.number)
		b = draw_place(&world->changed);
	swap(world, a, b);
}

static void swap_in_a_file(struct world *world)
{
	const struct place a = draw_place(&world->changed);
	struct place b = a;

	while (a.number == b.number)
		b.number = 1 + draw(record_count(&world->changed.files[a.file]));
	swap(world, a, b);
}

static void swap_files(struct world *world)
{
	const size_t a = draw(world->changed.n - 1);
	const size_t b = a + 1 + draw(world->changed.n - a - 1);
	const struct buf content = world->changed.files[a].content;

	world->changed.files[a].content = world->changed.files[b].content;
	world->changed.files[b].content = content;
	touch(world, a, b);
}

static void remove_file_at(struct record *record, size_t at)
{
	buf_deinit(&record->files[at].content);
	record->n--;
	memmove(&record->files[at], &record->files[at + 1],
		(record->n - at) * sizeof(record->files[0]));
}

/* Not the first, which may have been put away, and not the last, which is the tail. */
static void delete_a_file(struct world *world)
{
	const size_t at = 1 + draw(world->changed.n - 2);

	remove_file_at(&world->changed, at);
	touch(world, at, at);
}

/* A line changed so that its own hash is right again: then the next one tells. */
static void change_a_line_and_its_hash(struct world *world)
{
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(ENTRY_MAX);
	struct place place = draw_place(&world->changed);
	EVP_MD_CTX *ctx = world->hasher.ctx;
	uint8_t hash[ENTRY_HASH_LEN];
	uint8_t *uid;

	do {
		place = draw_place(&world->changed);
		copy_line(&world->changed, place, &line);
		uid = memmem(line.p, line.len, "\"pid\":", 6);
	} while (uid == NULL || is_last(&world->changed, place));
	uid[6] = uid[6] == '9' ? '8' : '9';
	line.len -= TAIL_LEN + 1;
	assert_int_equal(EVP_DigestInit_ex2(ctx, world->hasher.md, NULL), 1);
	assert_int_equal(EVP_DigestUpdate(ctx, line.p, line.len), 1);
	assert_int_equal(EVP_DigestFinal_ex(ctx, hash, NULL), 1);
	assert_int_equal(buf_append_text(&line, ",\"hash\":\""), STATUS_OK);
	assert_int_equal(
		entry_append_hex(&line, (struct bytes){hash, sizeof(hash)}), STATUS_OK);
	assert_int_equal(buf_append_text(&line, "\"}\n"), STATUS_OK);
	world->wanted = next_place(&world->changed, place);
	world->has_wanted = true;
	replace(world, place, buf_get(&line));
	touch(world, place.file, place.file);
}

typedef void tamper_fn(struct world *world);

static tamper_fn *const ways[] = {
	flip_a_bit,
	flip_a_bit,
	flip_a_bit,
	flip_a_bit_of_the_frame,
	write_a_digit_in_upper_case,
	delete_a_line,
	delete_a_newline,
	insert_an_empty_line,
	insert_a_copy,
	insert_a_made_up_line,
	insert_a_line_with_a_right_hash,
	swap_neighbours,
	swap_far,
	swap_in_a_file,
	swap_files,
	delete_a_file,
	change_a_line_and_its_hash,
};

/* The first line, in the order of the files, that is not the next one of the whole. */
static struct place ask_oracle(const struct world *world)
{
	size_t file = world->first, at = 0;

	for (size_t i = world->first; i < world->changed.n; i++) {
		const struct buf *content = &world->changed.files[i].content;
		size_t number = 0, begin = 0;

		while (begin < content->len) {
			const uint8_t *end =
				memchr(content->p + begin, '\n', content->len - begin);
			const size_t len =
				end == NULL ? content->len - begin
					    : (size_t)(end + 1 - content->p) - begin;
			const struct buf *whole = &world->whole->files[file].content;

			number++;
			if (end == NULL || whole->len - at < len ||
				memcmp(whole->p + at, content->p + begin, len) != 0)
				return (struct place){i, number};
			begin += len;
			at += len;
			if (at == whole->len && file + 1 < world->whole->n) {
				file++;
				at = 0;
			}
		}
	}
	return (struct place){0, 0};
}

static bool is_near(size_t at, size_t other)
{
	return at + 1 >= other && at <= other + 1;
}

/* Files that were not changed tell nothing: one before and one behind are enough. */
static void open_changed(const struct world *world, size_t n, struct sources *sources)
{
	const bool is_whole = n % WHOLE_EVERY == 0;

	*sources = SOURCES_INIT;
	for (size_t i = world->changed.n; i > 0; i--) {
		if (is_whole || is_near(i - 1, world->first) ||
			is_near(i - 1, world->last))
			record_open_file(&world->changed.files[i - 1], sources);
	}
	assert_int_equal(sources_sort(sources), STATUS_OK);
}

static void check(const struct world *world, size_t n)
{
	const struct inspect_marks no_marks = {NULL, 0};
	CLEANUP(inspection_deinit) struct inspection found = INSPECTION_INIT;
	CLEANUP(sources_deinit) struct sources sources = SOURCES_INIT;
	const struct place wanted =
		world->has_wanted ? world->wanted : ask_oracle(world);
	const char *name = world->changed.files[wanted.file].name;

	open_changed(world, n, &sources);
	record_inspect(&sources, &no_marks, &found);
	if (found.is_good || wanted.number == 0 || found.bad.number != wanted.number ||
		strcmp(found.bad.source->name, name) != 0)
		fail_msg("tampering %zu: wanted %s:%zu, found %s:%" PRIu64 ": %s", n,
			name, wanted.number,
			found.is_good ? "nothing" : found.bad.source->name,
			found.bad.number, found.bad.why);
}

static void restore_file(struct world *world, size_t at)
{
	struct buf *content = &world->changed.files[at].content;

	buf_clear(content);
	assert_int_equal(buf_append(content, buf_get(&world->whole->files[at].content)),
		STATUS_OK);
}

static void restore(struct world *world)
{
	world->has_wanted = false;
	if (world->changed.n == world->whole->n) {
		restore_file(world, world->first);
		restore_file(world, world->last);
		return;
	}
	record_deinit(&world->changed);
	record_copy(world->whole, &world->changed);
}

static void every_tampering_is_found_and_its_first_line_named(void **state)
{
	static const struct record_maker_spec spec = {
		.seed = 59, .n_lines = N_LINES, .a_file = A_FILE};
	CLEANUP(record_deinit) struct record whole = {.n = 0};
	struct world world = {.whole = &whole};

	(void)state;
	srandom(13);
	record_make(&spec, &whole);
	record_copy(&whole, &world.changed);
	assert_int_equal(entry_hasher_init(&world.hasher), STATUS_OK);
	for (size_t n = 0; n < N_TAMPERINGS; n++) {
		ways[n % ARRAY_LEN(ways)](&world);
		check(&world, n);
		restore(&world);
	}
	entry_hasher_deinit(&world.hasher);
	record_deinit(&world.changed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tampering_is_found_and_its_first_line_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
