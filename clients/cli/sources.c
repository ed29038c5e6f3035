/* SPDX-License-Identifier: Apache-2.0 */
#include "sources.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lines.h"
#include "policy/entry.h"
#include "util/fd.h"
#include "util/text.h"

enum {
	NAME_DIGITS = 20,
	PEEK_LINES = 64, /* looked at for one that can be read */
};

static const char name_begin[] = "audit-";
static const char name_end[] = ".jsonl";

static void deinit(struct source *source)
{
	freep(&source->name);
	fd_closep(&source->fd);
}

void sources_deinit(struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++)
		deinit(&sources->list[i]);
	freep(&sources->list);
	sources->n = 0;
}

/* Whether the last part of the path is the name of an older file, and of which seq. */
static bool read_name(const char *path, uint64_t *out_seq)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	const size_t begin_len = sizeof(name_begin) - 1;
	char digits[NAME_DIGITS + 1] = "";

	if (strlen(name) != begin_len + NAME_DIGITS + sizeof(name_end) - 1 ||
		strncmp(name, name_begin, begin_len) != 0 ||
		strcmp(name + begin_len + NAME_DIGITS, name_end) != 0)
		return false;
	memcpy(digits, name + begin_len, NAME_DIGITS);
	return text_to_number(digits, UINT64_MAX, out_seq);
}

enum status sources_add(struct sources *sources, const char *name, int fd)
{
	CLEANUP(deinit) struct source source = {.fd = fd};
	struct source *list;
	struct stat facts;

	if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))
		return STATUS_BAD_FILE;
	if (sources->n == SOURCES_MAX)
		return STATUS_NO_MEMORY;
	source.has_named_seq = read_name(name, &source.named_seq);
	TRY(text_copy(bytes_from_text(name), &source.name));
	list = realloc(sources->list, (sources->n + 1) * sizeof(*list));
	if (list == NULL)
		return STATUS_NO_MEMORY;
	sources->list = list;
	sources->list[sources->n++] = source;
	source = (struct source){.fd = FD_NONE};
	return STATUS_OK;
}

/* A record of years has more files than a process may open by default. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	/* If it may not be, open() says what is too much. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

enum status sources_add_path(struct sources *sources, const char *path)
{
	int fd;

	raise_limit();
	/* A pipe without a writer would be waited for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return STATUS_NOT_FOUND;
	return sources_add(sources, path, fd);
}

static bool is_known(const struct sources *sources, int fd)
{
	struct stat facts, known;

	for (size_t i = 0; i < sources->n; i++) {
		if (fstat(fd, &facts) == 0 && fstat(sources->list[i].fd, &known) == 0 &&
			facts.st_dev == known.st_dev && facts.st_ino == known.st_ino)
			return true;
	}
	return false;
}

enum status sources_add_once(struct sources *sources, const char *name, int fd)
{
	CLEANUP(fd_closep) int taken = fd;

	raise_limit();
	return is_known(sources, taken) ? STATUS_OK
					: sources_add(sources, name, fd_take(&taken));
}

struct folder {
	const char *path; /* borrows */
	DIR *entries;     /* owns */
};

static void folder_close(struct folder *folder)
{
	if (folder->entries != NULL)
		(void)closedir(folder->entries);
}

/* What stands in the agent's directory is its own file: no link elsewhere is followed. */
static enum status add_named(
	struct sources *sources, const struct folder *folder, const char *name)
{
	CLEANUP(fd_closep)
	int fd = openat(dirfd(folder->entries), name,
		O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	CLEANUP(freep) char *path = NULL;

	if (fd < 0)
		return STATUS_NOT_FOUND;
	if (is_known(sources, fd))
		return STATUS_OK;
	if (asprintf(&path, "%s/%s", folder->path, name) < 0) {
		path = NULL;
		return STATUS_NO_MEMORY;
	}
	return sources_add(sources, path, fd_take(&fd));
}

enum status sources_add_directory(struct sources *sources, const char *directory)
{
	CLEANUP(folder_close)
	struct folder folder = {.path = directory, .entries = opendir(directory)};
	const struct dirent *entry;
	uint64_t seq;

	raise_limit();
	if (folder.entries == NULL)
		return STATUS_NOT_FOUND;
	/*
	 * The current file first: when the agent closes it now, it is met again under its
	 * older name, and passed over. The other way round it would be missed.
	 */
	TRY(add_named(sources, &folder, SOURCES_CURRENT));
	while ((entry = readdir(folder.entries)) != NULL) {
		if (read_name(entry->d_name, &seq))
			TRY(add_named(sources, &folder, entry->d_name));
	}
	return STATUS_OK;
}

/* Where a file belongs whose name does not say it. */
static enum status find_place(int fd, struct entry_hasher *hasher, uint64_t *out_place)
{
	CLEANUP(lines_deinit) struct lines lines = LINES_INIT;
	enum status status;

	TRY(lines_init(&lines, fd));
	for (uint64_t n = 0; n < PEEK_LINES; n++) {
		const char *why = NULL;
		struct entry entry;
		struct line line;

		status = lines_next(&lines, &line);
		if (status == STATUS_NOT_FOUND)
			break;
		TRY(status);
		status = entry_read(hasher, line.text, &entry, &why);
		if (status == STATUS_BAD_FILE)
			continue;
		TRY(status);
		*out_place = entry.seq > n ? entry.seq - n : 0;
		return STATUS_OK;
	}
	*out_place = UINT64_MAX;
	return STATUS_OK;
}

static int compare(const void *a, const void *b)
{
	const struct source *one = a;
	const struct source *other = b;

	if (one->place != other->place)
		return one->place < other->place ? -1 : 1;
	if (one->has_named_seq != other->has_named_seq)
		return one->has_named_seq ? -1 : 1;
	return strcmp(one->name, other->name);
}

enum status sources_sort(struct sources *sources)
{
	CLEANUP(entry_hasher_deinit) struct entry_hasher hasher = ENTRY_HASHER_INIT;

	TRY(entry_hasher_init(&hasher));
	for (size_t i = 0; i < sources->n; i++) {
		struct source *source = &sources->list[i];

		source->place = source->named_seq;
		if (!source->has_named_seq)
			TRY(find_place(source->fd, &hasher, &source->place));
	}
	if (sources->n > 1)
		qsort(sources->list, sources->n, sizeof(*sources->list), compare);
	return STATUS_OK;
}
