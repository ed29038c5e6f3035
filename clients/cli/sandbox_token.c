/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox_ca.h"
#include "sandbox_dir.h"
#include "say.h"
#include "util/fd.h"
#include "util/program.h"

enum {
	PIN_BYTES = 8, /* twice as many hexadecimal digits */
	OUTPUT_MAX = 16384,
	STEP_TIMEOUT_MS = 60000, /* an RSA 4096 key on a slow machine */
	ARGUMENTS_MAX = 16,
	FD_TEXT_MAX = 12,
};

static const char out_name[] = "enrol.out";
static const char log_name[] = "enrol.log";

/* Debian's first; the others are Fedora's, Arch's and the one of a build from source. */
static const char *const modules[] = {
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib64/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so",
	"/usr/lib/libsofthsm2.so",
	"/usr/local/lib/softhsm/libsofthsm2.so",
};

/* What every run of zegel-enrol needs. */
struct enrol {
	const char *dir;
	const char *program;
	const char *module;
	struct child_signals *signals;
	int pin, so_pin; /* descriptors */
};

void sandbox_token_deinit(struct sandbox_token *token)
{
	buf_deinit(&token->uri);
}

static enum status find_module(const char **out)
{
	for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
		if (access(modules[i], R_OK) == 0) {
			*out = modules[i];
			return STATUS_OK;
		}
	}
	say_error("sandbox", "UNAVAILABLE", "SoftHSM is not installed");
	say_hint("sandbox", "install the package softhsm2");
	return STATUS_NOT_FOUND;
}

static enum status write_config(const char *dir)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(OUTPUT_MAX);
	const struct sandbox_path tokens = sandbox_dir_path(dir, "tokens");
	const struct sandbox_path state = sandbox_dir_path(dir, "state");
	const struct sandbox_path audit = sandbox_dir_path(dir, "audit");

	if (mkdir(tokens.text, 0700) != 0 || mkdir(state.text, 0700) != 0 ||
		mkdir(audit.text, 0700) != 0) {
		say_error("sandbox", "INTERNAL", "cannot make a folder in %s: %s", dir,
			strerror(errno));
		return STATUS_IO;
	}
	TRY(buf_append_format(&text,
		"directories.tokendir = %s\nobjectstore.backend = file\n"
		"log.level = ERROR\nslots.removable = false\n",
		tokens.text));
	return sandbox_dir_write(dir, "softhsm2.conf", buf_get(&text));
}

/* A PIN file is also what zegeld's worker reads: one line, for us alone. */
static enum status write_pin(const char *dir, const char *name, int *out)
{
	const struct sandbox_path path = sandbox_dir_path(dir, name);
	uint8_t random[PIN_BYTES];
	char text[2 * PIN_BYTES + 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		say_error("sandbox", "INTERNAL", "no random bytes");
		return STATUS_IO;
	}
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(text + 2 * i, 3, "%02x", random[i]);
	text[sizeof(text) - 2] = '\n';
	text[sizeof(text) - 1] = '\0';
	TRY(sandbox_dir_write(dir, name, bytes_from_text(text)));
	*out = open(path.text, O_RDONLY | O_CLOEXEC);
	return *out < 0 ? STATUS_IO : STATUS_OK;
}

static enum status wait_for(
	const struct enrol *enrol, struct child *child, const char *step)
{
	const enum child_event event =
		child_wait(child, enrol->signals, STEP_TIMEOUT_MS);
	int code;

	if (event != CHILD_ENDED) {
		child_stop(child, 0);
		if (event == CHILD_SIGNALLED)
			return STATUS_STOPPING;
		say_error(
			"sandbox", "UNAVAILABLE", "zegel-enrol %s does not end", step);
		return STATUS_TIMEOUT;
	}
	code = child_reap(child);
	if (code == 0)
		return STATUS_OK;
	say_error("sandbox", "UNAVAILABLE", "zegel-enrol %s failed with exit code %d",
		step, code);
	sandbox_dir_show(enrol->dir, log_name);
	return STATUS_TOKEN_FAILED;
}

/* Runs `zegel-enrol STEP --module M OPTIONS…`; out, if not NULL, is what it printed. */
static enum status run_enrol(const struct enrol *enrol, const char *step,
	const char *const *options, struct buf *out)
{
	const char *argv[ARGUMENTS_MAX] = {
		enrol->program, step, "--module", enrol->module};
	const struct sandbox_path config =
		sandbox_dir_path(enrol->dir, "softhsm2.conf");
	const struct sandbox_path out_path = sandbox_dir_path(enrol->dir, out_name);
	const struct sandbox_path log_path = sandbox_dir_path(enrol->dir, log_name);
	CLEANUP(fd_closep) int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_closep)
	int to = open(out_path.text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CLEANUP(fd_closep)
	int log = open(log_path.text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	char variable[SANDBOX_PATH_MAX + 16];
	const char *const environment[] = {variable, NULL};
	struct child child = CHILD_INIT;
	size_t n = 4;

	if (in < 0 || to < 0 || log < 0)
		return STATUS_IO;
	for (; *options != NULL; options++) {
		must(n < ARGUMENTS_MAX - 1);
		argv[n++] = *options;
	}
	(void)snprintf(variable, sizeof(variable), "SOFTHSM2_CONF=%s", config.text);
	TRY(child_spawn(&(struct child_spec){.argv = argv,
				.environment = environment,
				.in = in,
				.out = to,
				.err = log,
				.keep = {enrol->pin, enrol->so_pin},
				.is_servant = true},
		enrol->signals, &child));
	TRY(wait_for(enrol, &child, step));
	return out == NULL ? STATUS_OK : fd_read_file(out_path.text, out);
}

static void drop_newline(struct buf *text)
{
	if (text->len > 0 && text->p[text->len - 1] == '\n')
		text->len--;
}

static enum status make_token(const struct enrol *enrol, struct buf *uri)
{
	char pin[FD_TEXT_MAX], so_pin[FD_TEXT_MAX];
	const char *const options[] = {"--label", "zegel-sandbox", "--so-pin-fd",
		so_pin, "--pin-fd", pin, NULL};

	(void)snprintf(pin, sizeof(pin), "%d", enrol->pin);
	(void)snprintf(so_pin, sizeof(so_pin), "%d", enrol->so_pin);
	TRY(run_enrol(enrol, "init", options, uri));
	drop_newline(uri);
	return STATUS_OK;
}

/* A certificate of the authority, beside the key and in our files. */
static enum status certify(
	const struct enrol *enrol, const char *uri, struct bytes public_key)
{
	CLEANUP(sandbox_ca_deinit) struct sandbox_ca ca = {.root = BUF_INIT(0)};
	const struct sandbox_path leaf = sandbox_dir_path(enrol->dir, "leaf.pem");
	const enum status status = sandbox_ca_make(public_key, &ca);
	char pin[FD_TEXT_MAX];
	const char *const options[] = {"--uri", uri, "--pin-fd", pin, "--label",
		"sandbox", "--id", "01", "--in", leaf.text, NULL};

	if (status != STATUS_OK) {
		say_error("sandbox", "INTERNAL", "cannot make the certificates: %s",
			status_text(status));
		return status;
	}
	TRY(sandbox_dir_write(enrol->dir, "ca.pem", buf_get(&ca.root)));
	TRY(sandbox_dir_write(enrol->dir, "leaf.pem", buf_get(&ca.leaf)));
	TRY(sandbox_dir_write(enrol->dir, "state/sandbox.pem", buf_get(&ca.chain)));
	(void)snprintf(pin, sizeof(pin), "%d", enrol->pin);
	return run_enrol(enrol, "certificate", options, NULL);
}

static enum status make_key(
	const struct enrol *enrol, const char *key_type, struct buf *uri)
{
	CLEANUP(buf_deinit) struct buf public_key = BUF_INIT(OUTPUT_MAX);
	char pin[FD_TEXT_MAX];
	const char *options[] = {"--uri", NULL, "--pin-fd", pin, "--type", key_type,
		"--label", "sandbox", "--id", "01", NULL};

	(void)snprintf(pin, sizeof(pin), "%d", enrol->pin);
	TRY(buf_get_text(uri, &options[1]));
	TRY(run_enrol(enrol, "keygen", options, &public_key));
	return certify(enrol, options[1], buf_get(&public_key));
}

enum status sandbox_token_make(const char *dir, const char *key_type,
	struct child_signals *signals, struct sandbox_token *out)
{
	CLEANUP(freep) char *program = NULL;
	CLEANUP(fd_closep) int pin = FD_NONE;
	CLEANUP(fd_closep) int so_pin = FD_NONE;
	struct enrol enrol = {.dir = dir, .signals = signals};

	TRY(find_module(&out->module));
	TRY(program_find("zegel-enrol", &program));
	TRY(write_config(dir));
	TRY(write_pin(dir, "pin", &pin));
	TRY(write_pin(dir, "so-pin", &so_pin));
	enrol.program = program;
	enrol.module = out->module;
	enrol.pin = pin;
	enrol.so_pin = so_pin;
	out->uri = BUF_INIT(OUTPUT_MAX);
	TRY(make_token(&enrol, &out->uri));
	return make_key(&enrol, key_type, &out->uri);
}
