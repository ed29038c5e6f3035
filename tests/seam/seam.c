/* SPDX-License-Identifier: Apache-2.0 */
#include "seam.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	ORDERS_MAX = 4096,
	WORD_MAX = 24,
	LINE_MAX_LEN = 512,
};

struct state {
	pthread_mutex_t mutex;
	char orders[ORDERS_MAX];
	unsigned long counts[SEAM_KINDS]; /* since the orders changed */
};

static struct state *get(void)
{
	static struct state state = {.mutex = PTHREAD_MUTEX_INITIALIZER};

	return &state;
}

/* Nothing is tested when a test says it wrongly. */
_Noreturn static void refuse(const char *what)
{
	(void)fprintf(stderr, "zegeld-seam: %s\n", what);
	abort();
}

bool seam_has_defect(const char *name)
{
	const char *defect = getenv("ZEGEL_SEAM_DEFECT");

	return defect != NULL && strcmp(defect, name) == 0;
}

void seam_die(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

static enum seam_kind find_kind(const char *word)
{
	static const char *const names[SEAM_KINDS] = {
		[SEAM_OPEN] = "open",
		[SEAM_CREATE] = "create",
		[SEAM_WRITE] = "write",
		[SEAM_SYNC] = "sync",
		[SEAM_SYNC_DIRECTORY] = "sync-directory",
		[SEAM_TRUNCATE] = "truncate",
		[SEAM_RENAME] = "rename",
		[SEAM_RESERVE] = "reserve",
	};

	for (int i = 0; i < SEAM_KINDS; i++) {
		if (strcmp(names[i], word) == 0)
			return (enum seam_kind)i;
	}
	refuse("an order for no known kind of operation");
}

static int find_error(const char *word)
{
	static const struct {
		const char *name;
		int number;
	} errors[] = {
		{"0", 0},
		{"EDQUOT", EDQUOT},
		{"EINTR", EINTR},
		{"EIO", EIO},
		{"ENOSPC", ENOSPC},
		{"EROFS", EROFS},
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (strcmp(errors[i].name, word) == 0)
			return errors[i].number;
	}
	refuse("an order with an errno that is not known");
}

static bool is_when(const char *word, unsigned long n)
{
	char *end;
	const unsigned long first = strtoul(word, &end, 10);

	if (end == word || (*end != '\0' && strcmp(end, "+") != 0))
		refuse("an order without a number");
	return *end == '+' ? n >= first : n == first;
}

static void wait_ms(unsigned long ms)
{
	const struct timespec span = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	(void)nanosleep(&span, NULL);
}

static struct seam_order kill_order(const char *when)
{
	if (strcmp(when, "before") == 0)
		seam_die();
	if (strcmp(when, "half") == 0)
		return (struct seam_order){.is_half = true, .is_last = true};
	if (strcmp(when, "after") != 0)
		refuse("kill is before, half or after");
	return (struct seam_order){.is_last = true};
}

static struct seam_order obey(const char *verb, const char *first, const char *second)
{
	if (strcmp(verb, "fail") == 0)
		return (struct seam_order){.error = find_error(first)};
	if (strcmp(verb, "short") == 0)
		return (struct seam_order){.is_short = true,
			.len = strtoul(first, NULL, 10),
			.error = find_error(second)};
	if (strcmp(verb, "kill") == 0)
		return kill_order(first);
	if (strcmp(verb, "delay") != 0)
		refuse("an order with an unknown verb");
	wait_ms(strtoul(first, NULL, 10));
	return (struct seam_order){.error = 0};
}

/* An order changes whole or not at all: tests rename it into its place. */
static void read_orders(char out[static ORDERS_MAX])
{
	const char *path = getenv("ZEGEL_SEAM_ORDERS");
	const int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd >= 0) {
		n = read(fd, out, ORDERS_MAX - 1);
		(void)close(fd);
	}
	out[n < 0 ? 0 : n] = '\0';
}

/* The number of this operation among its kind. */
static unsigned long count(enum seam_kind kind, const char *orders)
{
	struct state *state = get();
	unsigned long n;

	(void)pthread_mutex_lock(&state->mutex);
	if (strcmp(state->orders, orders) != 0) {
		(void)snprintf(state->orders, ORDERS_MAX, "%s", orders);
		memset(state->counts, 0, sizeof(state->counts));
	}
	n = ++state->counts[kind];
	(void)pthread_mutex_unlock(&state->mutex);
	return n;
}

struct seam_order seam_begin(enum seam_kind kind)
{
	char orders[ORDERS_MAX];
	char *rest = orders;
	const char *line;
	unsigned long n;

	read_orders(orders);
	n = count(kind, orders);
	while ((line = strsep(&rest, "\n")) != NULL) {
		char words[5][WORD_MAX] = {""};

		if (*line == '\0')
			continue;
		if (sscanf(line, "%23s %23s %23s %23s %23s", words[0], words[1],
			    words[2], words[3], words[4]) < 4)
			refuse("an order of fewer than four words");
		if (find_kind(words[0]) == kind && is_when(words[1], n))
			return obey(words[2], words[3], words[4]);
	}
	return (struct seam_order){.error = 0};
}

void seam_note(const char *text, int error)
{
	const char *path = getenv("ZEGEL_SEAM_LOG");
	char line[LINE_MAX_LEN];
	struct timespec now;
	int fd, len;

	if (path == NULL)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	len = snprintf(line, sizeof(line), "%lld %s error=%d\n",
		(long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, text, error);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || len >= (int)sizeof(line) || write(fd, line, (size_t)len) != len)
		refuse("cannot write the log of the seam");
	(void)close(fd);
}
