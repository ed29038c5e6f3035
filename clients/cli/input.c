/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "say.h"
#include "util/fd.h"

enum {
	STEP = 4096,
};

static enum status read_step(int fd, struct buf *out, bool *is_at_end)
{
	uint8_t step[STEP];
	const ssize_t n = read(fd, step, sizeof(step));

	if (n < 0)
		return errno == EINTR ? STATUS_OK : STATUS_IO;
	*is_at_end = n == 0;
	return buf_append(out, (struct bytes){step, (size_t)n});
}

enum status input_read(const char *command, const char *path, struct buf *out)
{
	const bool is_stdin = strcmp(path, "-") == 0;
	CLEANUP(fd_closep)
	int opened = is_stdin ? FD_NONE : open(path, O_RDONLY | O_CLOEXEC);
	const int fd = is_stdin ? STDIN_FILENO : opened;
	bool is_at_end = false;

	while (fd >= 0 && !is_at_end) {
		const enum status status = read_step(fd, out, &is_at_end);

		if (status == STATUS_NO_MEMORY) {
			say_error(command, "INVALID", "%s is longer than %zu bytes",
				path, out->max);
			return STATUS_BAD_FILE;
		}
		if (status != STATUS_OK)
			break;
	}
	if (is_at_end)
		return STATUS_OK;
	say_error(command, "INVALID", "cannot read %s: %s", path, strerror(errno));
	return STATUS_BAD_FILE;
}
