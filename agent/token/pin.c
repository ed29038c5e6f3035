/* SPDX-License-Identifier: Apache-2.0 */
#include "pin.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"

enum {
	UNKNOWN_MAX = 2, /* in a row; then an officer must look */
};

bool pin_can_try(const struct pin_guard *guard)
{
	return !guard->is_refused && guard->n_unknown < UNKNOWN_MAX;
}

void pin_begin(struct pin_guard *guard)
{
	guard->is_pending = true;
}

void pin_finish(struct pin_guard *guard, bool is_accepted)
{
	guard->is_pending = false;
	guard->is_refused = !is_accepted;
	if (is_accepted)
		guard->n_unknown = 0;
}

void pin_on_gone(struct pin_guard *guard)
{
	if (!guard->is_pending)
		return;
	guard->is_pending = false;
	guard->n_unknown++;
}

static enum status refuse(const struct token_spec *spec, const char *why)
{
	log_event(LOG_ERR, "cannot use the PIN file", "token=%s path=\"%s\" why=\"%s\"",
		spec->name, log_text(bytes_from_text(spec->pin_path)).text, why);
	return STATUS_BAD_FILE;
}

enum status pin_open(const struct token_spec *spec, int *out_fd)
{
	CLEANUP(fd_closep) int fd = FD_NONE;
	struct stat facts;

	if (spec->pin == TOKEN_PIN_OFFICER) {
		*out_fd = FD_NONE;
		return STATUS_OK;
	}
	fd = open(spec->pin_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &facts) != 0)
		return refuse(spec, strerror(errno));
	if (!S_ISREG(facts.st_mode))
		return refuse(spec, "not a regular file");
	if (facts.st_uid != geteuid())
		return refuse(spec, "not owned by the user of zegeld");
	if ((facts.st_mode & 077) != 0)
		return refuse(spec, "open to others; expected mode 0600");
	*out_fd = fd_take(&fd);
	return STATUS_OK;
}
