/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dumpable.h"
#include "log.h"
#include "text.h"

/* Else the first file that we open would become somebody's standard error. */
static bool is_standard_open(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return false;
	(void)close(fd);
	return true;
}

enum status program_harden(void)
{
	const struct rlimit none = {0, 0};

	(void)umask(077);
	if (!is_standard_open() || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
		signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
		setrlimit(RLIMIT_CORE, &none) != 0 || dumpable_forbid() != 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		log_event(LOG_ERR, "cannot harden the process", "why=\"%s\"",
			strerror(errno));
		return STATUS_IO;
	}
	return STATUS_OK;
}

enum status program_find(const char *name, char **out)
{
	char self[PATH_MAX];
	char path[PATH_MAX + NAME_MAX_LEN];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return STATUS_IO;
	self[n] = '\0';
	(void)snprintf(path, sizeof(path), "%s/%s", dirname(self), name);
	if (access(path, X_OK) != 0)
		(void)snprintf(path, sizeof(path), "%s/%s", ZEGEL_LIBEXEC, name);
	if (access(path, X_OK) != 0) {
		log_event(LOG_ERR, "program not found", "name=%s looked=\"%s, %s\"",
			name, log_text(bytes_from_text(self)).text, ZEGEL_LIBEXEC);
		return STATUS_NOT_FOUND;
	}
	return text_copy(bytes_from_text(path), out);
}
