/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a record, open for reading, in the order of the chain. Where they come
 * from is the caller's business: paths, a directory, or descriptors that somebody handed
 * over.
 *
 * A file audit-<20 digits>.jsonl stands where its name says, which is the seq of its
 * first line; that its name says the truth is judged by walk. Any other stands where its
 * first line says, or, when that cannot be read, the first one behind it that can.
 *
 * Thread: main
 */
#ifndef ZEGEL_CLI_SOURCES_H
#define ZEGEL_CLI_SOURCES_H

#include "util/defs.h"

enum {
	SOURCES_MAX = 65536,
};

struct source {
	char *name; /* owns */
	int fd;     /* owns */
	bool has_named_seq;
	uint64_t named_seq; /* of its first line, says its name */
	uint64_t place;     /* what it is sorted by */
};

struct sources {
	struct source *list; /* owns */
	size_t n;
};

#define SOURCES_INIT ((struct sources){.list = NULL})

/* Where the agent writes its record, and the file that it writes now. */
#define SOURCES_DIRECTORY "/var/log/zegel"
#define SOURCES_CURRENT   "audit.jsonl"

void sources_deinit(struct sources *sources);

/* Takes fd, also on failure. BAD_FILE when it is no regular file; NO_MEMORY. */
MUST_CHECK enum status sources_add(struct sources *sources, const char *name, int fd);
/* The same; a file that is there already is left out. */
MUST_CHECK enum status sources_add_once(
	struct sources *sources, const char *name, int fd);
/* NOT_FOUND when it cannot be opened, with errno; else as sources_add(). */
MUST_CHECK enum status sources_add_path(struct sources *sources, const char *path);
/*
 * The current file and the older ones beside it. NOT_FOUND when the directory or the
 * current file cannot be opened, with errno; else as sources_add().
 */
MUST_CHECK enum status sources_add_directory(
	struct sources *sources, const char *directory);
/* Once all were added. IO, with errno; NO_MEMORY or CRYPTO. */
MUST_CHECK enum status sources_sort(struct sources *sources);

#endif
