/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel-record DIRECTORY LINES LINES-A-FILE SEED: writes a plausible record into an empty
 * directory, closed files and a current one. For flow tests and the bench.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "record_maker.h"
#include "util/text.h"

struct shelf {
	const char *directory;
	FILE *file;         /* owns */
	uint64_t first_seq; /* of the file at hand */
};

static void current_path(const struct shelf *shelf, char out[static PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "%s/audit.jsonl", shelf->directory);
}

static bool close_file(struct shelf *shelf)
{
	FILE *file = TAKE(shelf->file);

	return file == NULL || fclose(file) == 0;
}

static bool give_older_name(const struct shelf *shelf)
{
	char from[PATH_MAX], to[PATH_MAX], name[RECORD_MAKER_NAME_MAX];

	record_maker_name(shelf->first_seq, name);
	current_path(shelf, from);
	(void)snprintf(to, sizeof(to), "%s/%s", shelf->directory, name);
	return rename(from, to) == 0;
}

static enum status on_line(void *context, uint64_t first_seq, struct bytes line)
{
	struct shelf *shelf = context;
	char path[PATH_MAX];

	if (shelf->file != NULL && first_seq != shelf->first_seq &&
		!(close_file(shelf) && give_older_name(shelf)))
		return STATUS_IO;
	shelf->first_seq = first_seq;
	if (shelf->file == NULL) {
		current_path(shelf, path);
		shelf->file = fopen(path, "wx");
	}
	if (shelf->file == NULL || fwrite(line.p, 1, line.len, shelf->file) != line.len)
		return STATUS_IO;
	return STATUS_OK;
}

int main(int argc, char **argv)
{
	struct shelf shelf = {.directory = argc > 1 ? argv[1] : ""};
	struct record_maker_spec spec;
	uint64_t seed = 0;
	enum status status;

	if (argc != 5 || !text_to_number(argv[2], INT64_MAX, &spec.n_lines) ||
		!text_to_number(argv[3], INT64_MAX, &spec.a_file) ||
		!text_to_number(argv[4], UINT32_MAX, &seed) || spec.a_file < 2 ||
		seed == 0)
		return 64;
	spec.seed = (uint32_t)seed;
	status = record_maker_run(&spec, on_line, &shelf);
	if (!close_file(&shelf) && status == STATUS_OK)
		status = STATUS_IO;
	if (status != STATUS_OK)
		perror("zegel-record");
	return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
