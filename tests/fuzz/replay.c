/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libFuzzer in builds without it: feeds each file of the folders named on
 * the command line to the target, once.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "util/fd.h"

enum {
	SEED_MAX = 1 << 20,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy as long as the seed, so that AddressSanitizer sees one byte too many. */
static bool replay_file(const char *path)
{
	CLEANUP(buf_deinit) struct buf seed = BUF_INIT(SEED_MAX);
	CLEANUP(freep) char *copy = NULL;

	if (fd_read_file(path, &seed) != STATUS_OK)
		return false;
	copy = malloc(seed.len + (seed.len == 0));
	if (copy == NULL)
		return false;
	for (size_t i = 0; i < seed.len; i++)
		copy[i] = (char)seed.p[i];
	return LLVMFuzzerTestOneInput((const uint8_t *)copy, seed.len) == 0;
}

/* How many seeds ran; 0 when one failed, as when there is none. */
static size_t replay_folder(const char *folder)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;
	bool is_good = true;
	size_t n = 0;

	if (entries == NULL)
		return 0;
	while (is_good && (entry = readdir(entries)) != NULL) {
		char path[PATH_MAX];
		struct stat facts;

		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (stat(path, &facts) != 0 || !S_ISREG(facts.st_mode))
			continue;
		is_good = replay_file(path);
		n++;
	}
	(void)closedir(entries);
	return is_good ? n : 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const size_t n = replay_folder(argv[i]);

		(void)printf("%s: %zu seeds\n", argv[i], n);
		if (n == 0)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
