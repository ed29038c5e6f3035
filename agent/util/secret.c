/* SPDX-License-Identifier: Apache-2.0 */
#include "secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

enum {
	PAGE = 4096, /* holds SECRET_MAX and a byte to spare */
};

static enum status map(struct secret *secret)
{
	uint8_t *area =
		mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		return STATUS_NO_MEMORY;
	if (mprotect(area + PAGE, PAGE, PROT_READ | PROT_WRITE) != 0 ||
		mlock(area + PAGE, PAGE) != 0 ||
		madvise(area + PAGE, PAGE, MADV_DONTDUMP) != 0 ||
		madvise(area + PAGE, PAGE, MADV_WIPEONFORK) != 0) {
		log_event(LOG_ERR, "cannot protect the memory of a PIN", "why=\"%s\"",
			strerror(errno));
		(void)munmap(area, 3 * PAGE);
		return STATUS_NO_MEMORY;
	}
	secret->p = area + PAGE;
	secret->len = 0;
	return STATUS_OK;
}

void secret_deinit(struct secret *secret)
{
	if (secret->p == NULL)
		return;
	explicit_bzero(secret->p, PAGE);
	(void)munmap(secret->p - PAGE, 3 * PAGE);
	*secret = SECRET_INIT;
}

static ssize_t read_some(int fd, uint8_t *p, size_t len, off_t at)
{
	ssize_t n;

	do {
		n = pread(fd, p, len, at);
		if (n < 0 && errno == ESPIPE)
			n = read(fd, p, len);
	} while (n < 0 && errno == EINTR);
	return n;
}

static enum status fill(struct secret *secret, int fd)
{
	/* One byte more than the longest PIN and its newline shows that there is more. */
	while (secret->len < SECRET_MAX + 2) {
		const ssize_t n = read_some(fd, secret->p + secret->len,
			SECRET_MAX + 2 - secret->len, (off_t)secret->len);

		if (n < 0)
			return STATUS_IO;
		if (n == 0)
			break;
		secret->len += (size_t)n;
	}
	if (secret->len > 0 && secret->p[secret->len - 1] == '\n')
		secret->len--;
	if (secret->len == 0 || secret->len > SECRET_MAX)
		return STATUS_BAD_FILE;
	return STATUS_OK;
}

enum status secret_read(struct secret *secret, int fd)
{
	enum status status;

	TRY(map(secret));
	status = fill(secret, fd);
	if (status != STATUS_OK)
		secret_deinit(secret);
	return status;
}
