/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox_agent.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "sandbox_dir.h"
#include "say.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/program.h"

enum {
	CONFIG_MAX = 16384,
	READY_MS = 10000,
	CALL_MS = 1000,
	STEP_MS = 50,
};

static const char log_name[] = "zegeld.log";

static enum status append_client(
	const struct sandbox_agent_spec *spec, struct buf *text)
{
	TRY(buf_append_format(text, "client \"me\" {\n\tuser = \"%s\"\n", spec->user));
	/* Also where the key is not RSA: then the agent says why, not just DENIED. */
	TRY(buf_append_text(text, "\tallow \"dsgo-auth\" { key = \"sandbox\"  "
				  "profile = \"dsgo-auth\" }\n"));
	/* Without claims = any: what could pass as a token is denied, as it should be. */
	TRY(buf_append_text(text, "\tallow \"jws\" { key = \"sandbox\"  "
				  "profile = \"jws\" }\n"));
	return buf_append_text(text,
		"\tallow \"digest\" { key = \"sandbox\"  profile = "
		"\"digest\" }\n}\n");
}

enum status sandbox_agent_configure(
	const struct sandbox_agent_spec *spec, struct sandbox_token *token)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_MAX);
	const char *uri;

	TRY(buf_get_text(&token->uri, &uri));
	TRY(buf_append_format(&text,
		"state-directory = \"%s/state\"\n"
		"audit-directory = \"%s/audit\"\n"
		"officer-socket = \"%s/officer.sock\"\n"
		"listen \"client\" {\n\tpath = \"%s/zegel.sock\"\n"
		"\tmode = \"0600\"\n}\n",
		spec->dir, spec->dir, spec->dir, spec->dir));
	TRY(buf_append_format(&text,
		"token \"sandbox\" {\n\tmodule = \"%s\"\n\turi = \"%s\"\n"
		"\tenvironment = { \"SOFTHSM2_CONF=%s/softhsm2.conf\" }\n"
		"\tpin = \"file:%s/pin\"\n\tsessions = 2\n}\n",
		token->module, uri, spec->dir, spec->dir));
	/* The root is last in x5c: some receivers refuse a chain without (spec 1.7). */
	TRY(buf_append_text(&text,
		"key \"sandbox\" {\n\ton \"sandbox\" { uri = \"pkcs11:object=sandbox\" "
		" "
		"certificate = \"sandbox.pem\" }\n\tx5c-root = true\n}\n"));
	TRY(append_client(spec, &text));
	return sandbox_dir_write(spec->dir, "zegel.conf", buf_get(&text));
}

static enum status spawn(const struct sandbox_agent_spec *spec,
	const struct child_signals *signals, struct child *agent)
{
	const struct sandbox_path config = sandbox_dir_path(spec->dir, "zegel.conf");
	const struct sandbox_path log = sandbox_dir_path(spec->dir, log_name);
	CLEANUP(freep) char *program = NULL;
	CLEANUP(fd_closep) int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_closep)
	int to = spec->is_verbose
			 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
			 : open(log.text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
				   0600);
	const char *argv[] = {NULL, "--config", config.text, "--foreground", NULL};

	if (in < 0 || to < 0)
		return STATUS_IO;
	TRY(program_find("zegeld", &program));
	argv[0] = program;
	return child_spawn(&(struct child_spec){.argv = argv,
				   .in = in,
				   .out = to,
				   .err = to,
				   .keep = {FD_NONE, FD_NONE},
				   .is_servant = true},
		signals, agent);
}

static bool is_ready(struct zegel *zegel, struct zegel_error *error)
{
	CLEANUP(ask_keys_freep) struct zegel_keys *keys = NULL;

	if (zegel_list_keys(zegel, &keys, error) != ZEGEL_OK)
		return false;
	error->status = ZEGEL_UNAVAILABLE;
	error->text[0] = '\0';
	return keys->n_keys == 1 && keys->keys[0].state == ZEGEL_KEY_READY;
}

static enum status give_up(const struct sandbox_agent_spec *spec, const char *why,
	const struct zegel_error *error)
{
	say_error("sandbox", zegel_status_name(error->status), "%s%s%s", why,
		error->text[0] == '\0' ? "" : ": ", error->text);
	sandbox_dir_show(spec->dir, log_name);
	return STATUS_NO_AGENT;
}

enum status sandbox_agent_start(const struct sandbox_agent_spec *spec,
	struct child_signals *signals, struct child *agent)
{
	const struct sandbox_path path = sandbox_dir_path(spec->dir, "zegel.sock");
	CLEANUP(ask_closep) struct zegel *zegel = NULL;
	struct zegel_error error = {.status = ZEGEL_UNAVAILABLE};
	uint64_t end_ms;

	TRY(spawn(spec, signals, agent));
	end_ms = clock_monotonic_ms() + READY_MS;
	if (zegel_open(path.text, CALL_MS, &zegel, &error) != ZEGEL_OK)
		return give_up(spec, "cannot ask zegeld", &error);
	while (!is_ready(zegel, &error)) {
		const enum child_event event = child_wait(agent, signals, STEP_MS);

		if (event == CHILD_SIGNALLED)
			return STATUS_STOPPING;
		if (event == CHILD_ENDED)
			return give_up(spec, "zegeld ended", &error);
		if (clock_monotonic_ms() >= end_ms)
			return give_up(spec, "the key is not ready after 10 s", &error);
	}
	return STATUS_OK;
}
