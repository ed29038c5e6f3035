/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel-enrol: what an officer does with a token, once: make it, make a key on it, put
 * a certificate beside the key. Short-lived, and the only program that writes to a token.
 * It knows no agent and no configuration.
 *
 * Vendor code runs in here, so standard output is put aside before a module is loaded:
 * what a module prints goes to standard error, and only our own result goes out. It never
 * calls C_Finalize and always ends with _exit, since modules crash in atexit handlers.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "certificate.h"
#include "init.h"
#include "keygen.h"
#include "options.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/program.h"

enum {
	OUTPUT_MAX = 4096,
};

/* The descriptor of the real standard output. */
static enum status put_output_aside(int *out)
{
	CLEANUP(fd_closep) int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return STATUS_IO;
	*out = fd_take(&fd);
	return STATUS_OK;
}

/* No configured provider or engine comes in, neither by us nor by the module. */
static enum status prepare_crypto(void)
{
	if (setenv("OPENSSL_CONF", "/dev/null", 1) != 0 ||
		OPENSSL_init_crypto(
			OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) !=
			1)
		return STATUS_CRYPTO;
	return STATUS_OK;
}

static enum status run_command(
	const struct options *options, struct deadline *deadline, struct buf *out)
{
	switch (options->command) {
	case OPTIONS_INIT:
		return init_run(options, deadline, out);
	case OPTIONS_KEYGEN:
		return keygen_run(options, deadline, out);
	case OPTIONS_CERTIFICATE:
		return certificate_run(options, deadline);
	case OPTIONS_HELP:
		return buf_append_text(out, options_help());
	}
	return STATUS_USAGE;
}

static enum status run(int argc, char **argv, struct deadline *deadline)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUTPUT_MAX);
	CLEANUP(fd_closep) int out_fd = FD_NONE;
	struct options options;

	TRY(program_harden());
	TRY(options_read(argc, argv, &options));
	TRY(deadline_start(deadline, options.deadline_s));
	TRY(put_output_aside(&out_fd));
	TRY(prepare_crypto());
	TRY(run_command(&options, deadline, &out));
	deadline_mark(deadline, "writing to standard output");
	return fd_write_all(out_fd, buf_get(&out));
}

int main(int argc, char **argv)
{
	/* The watching thread looks at it until the last moment. */
	static struct deadline deadline;
	enum status status;

	log_init("zegel-enrol", LOG_INFO);
	status = run(argc, argv, &deadline);
	/* All others have said what was expected where they were met. */
	if (status == STATUS_IO || status == STATUS_NO_MEMORY ||
		status == STATUS_CRYPTO)
		log_event(
			LOG_ERR, status_text(status), "status=%s", status_name(status));
	_exit(status_exit(status));
}
