/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel sandbox: a throw-away agent on SoftHSM, for one command or until interrupted.
 * Needs no root; several may run at once. Whatever happens, the agent is stopped and the
 * folder removed; only our own SIGKILL leaves a folder behind (the agent ends even then).
 */
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "command.h"
#include "output.h"
#include "sandbox_agent.h"
#include "sandbox_dir.h"
#include "sandbox_token.h"
#include "say.h"
#include "util/text.h"

static const char name[] = "sandbox";

enum {
	GRACE_MS = 2000,
	EXIT_SIGNAL_BASE = 128,
	VARIABLE_MAX = SANDBOX_PATH_MAX + 32,
};

static const char *const key_types[] = {
	"rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384"};

struct options {
	const char *key_type;
	bool is_verbose;
	char **command; /* NULL: none */
};

static const struct option long_options[] = {
	{"key-type", required_argument, NULL, 'k'},
	{"verbose", no_argument, NULL, 'v'},
	{NULL, 0, NULL, 0},
};

static bool is_key_type(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(key_types); i++) {
		if (strcmp(text, key_types[i]) == 0)
			return true;
	}
	return false;
}

static int read_options(int argc, char **argv, struct options *options)
{
	int found;

	/* "+": what begins the command ends the options, with or without "--". */
	while ((found = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
		if (found == '?' || found == ':')
			return say_bad_option(name, found, argv);
		if (found == 'k')
			options->key_type = optarg;
		else
			options->is_verbose = true;
	}
	if (!is_key_type(options->key_type))
		return say_usage(name, "--key-type is rsa:2048, rsa:3072, rsa:4096, "
				       "ec:p256 or ec:p384");
	options->command = optind < argc ? argv + optind : NULL;
	return EXIT_CODE_OK;
}

/* What a sandbox is made of; all is there when its constructor gave OK. */
struct sandbox {
	char dir[SANDBOX_DIR_MAX]; /* "": none yet */
	struct child_signals signals;
	struct child agent;
	struct sandbox_path socket;
	struct sandbox_path officer;
	struct sandbox_path ca;
};

static void sandbox_close(struct sandbox *sandbox)
{
	child_stop(&sandbox->agent, GRACE_MS);
	if (sandbox->dir[0] != '\0')
		sandbox_dir_remove(sandbox->dir);
	child_signals_close(&sandbox->signals);
}

static enum status get_user(const char **out)
{
	const struct passwd *entry = getpwuid(geteuid());

	if (entry == NULL || !text_is_name(bytes_from_text(entry->pw_name))) {
		say_error(name, "UNSUPPORTED",
			"your user id %u has no name that the agent can be told",
			(unsigned)geteuid());
		say_hint(name, "the agent knows its clients by user name: add one to "
			       "/etc/passwd");
		return STATUS_NOT_FOUND;
	}
	*out = entry->pw_name;
	return STATUS_OK;
}

static enum status sandbox_open(struct sandbox *sandbox, const struct options *options)
{
	CLEANUP(sandbox_token_deinit) struct sandbox_token token = {.module = NULL};
	struct sandbox_agent_spec spec = {.is_verbose = options->is_verbose};

	TRY(child_signals_open(&sandbox->signals));
	TRY(get_user(&spec.user));
	TRY(sandbox_dir_open(sandbox->dir));
	sandbox->socket = sandbox_dir_path(sandbox->dir, "zegel.sock");
	sandbox->officer = sandbox_dir_path(sandbox->dir, "officer.sock");
	sandbox->ca = sandbox_dir_path(sandbox->dir, "ca.pem");
	spec.dir = sandbox->dir;
	TRY(sandbox_token_make(
		sandbox->dir, options->key_type, &sandbox->signals, &token));
	TRY(sandbox_agent_configure(&spec, &token));
	return sandbox_agent_start(&spec, &sandbox->signals, &sandbox->agent);
}

/*
 * A signal of the terminal went to the command too, since it is in our process group;
 * one that was sent to us alone is passed on to it and all below it. Then the command
 * ends when it wants.
 */
static int wait_for_command(struct sandbox *sandbox, struct child *command)
{
	while (child_wait(command, &sandbox->signals, CHILD_FOR_EVER) != CHILD_ENDED) {
		if (sandbox->signals.is_sent)
			child_kill_tree(command, sandbox->signals.caught);
	}
	return child_reap(command);
}

static int run_command(struct sandbox *sandbox, char **command)
{
	char socket[VARIABLE_MAX], officer[VARIABLE_MAX], ca[VARIABLE_MAX];
	const char *const environment[] = {socket, officer, ca, NULL};
	const struct child_spec spec = {CHILD_SPEC_INIT,
		.argv = (const char *const *)command, .environment = environment};
	struct child child = CHILD_INIT;

	(void)snprintf(socket, sizeof(socket), "ZEGEL_SOCKET=%s", sandbox->socket.text);
	(void)snprintf(officer, sizeof(officer), "ZEGEL_OFFICER_SOCKET=%s",
		sandbox->officer.text);
	(void)snprintf(ca, sizeof(ca), "ZEGEL_SANDBOX_CA=%s", sandbox->ca.text);
	if (child_spawn(&spec, &sandbox->signals, &child) != STATUS_OK)
		return EXIT_CODE_SANDBOX;
	return wait_for_command(sandbox, &child);
}

/* The path is of plain characters (sandbox_dir_open), so quotes are enough. */
static int stay(struct sandbox *sandbox)
{
	output_format("export ZEGEL_SOCKET='%s'\nexport ZEGEL_OFFICER_SOCKET='%s'\n"
		      "export ZEGEL_SANDBOX_CA='%s'\n",
		sandbox->socket.text, sandbox->officer.text, sandbox->ca.text);
	if (output_finish(name, EXIT_CODE_OK) != EXIT_CODE_OK)
		return EXIT_CODE_SANDBOX;
	say_hint(name, "the key is called sandbox; interrupt me to end it");
	if (child_wait(&sandbox->agent, &sandbox->signals, CHILD_FOR_EVER) ==
		CHILD_SIGNALLED)
		return EXIT_CODE_OK;
	say_error(name, "UNAVAILABLE", "zegeld ended");
	sandbox_dir_show(sandbox->dir, "zegeld.log");
	return EXIT_CODE_SANDBOX;
}

static int run(int argc, char **argv)
{
	CLEANUP(sandbox_close)
	struct sandbox sandbox = {
		.signals.fd = FD_NONE, .agent = CHILD_INIT, .dir = ""};
	struct options options = {.key_type = "rsa:2048"};
	const int code = read_options(argc, argv, &options);
	enum status status;

	if (code != EXIT_CODE_OK)
		return code;
	status = sandbox_open(&sandbox, &options);
	if (status == STATUS_STOPPING)
		return EXIT_SIGNAL_BASE + sandbox.signals.caught;
	if (status != STATUS_OK)
		return EXIT_CODE_SANDBOX;
	if (options.command == NULL)
		return stay(&sandbox);
	return run_command(&sandbox, options.command);
}

static const char help[] =
	"Usage: zegel sandbox [--key-type TYPE] [--verbose] [-- CMD …]\n"
	"Run CMD with a throw-away agent on SoftHSM, whose key is called sandbox and "
	"has a\n"
	"test certificate. Without CMD: print the variables and stay until "
	"interrupted.\n\n"
	"  --key-type TYPE  rsa:2048 (default), rsa:3072, rsa:4096, ec:p256, ec:p384;\n"
	"                   the profile dsgo-auth is for RSA only\n"
	"  --verbose        show the agent's log\n\n"
	"CMD finds ZEGEL_SOCKET, ZEGEL_OFFICER_SOCKET, and in ZEGEL_SANDBOX_CA the "
	"path of the test root's "
	"PEM.\n"
	"Exits with CMD's code (128 + n when signal n killed it), 125 when the "
	"sandbox\n"
	"itself fails, 126 or 127 when CMD cannot be run or found. Nothing stays "
	"behind,\n"
	"except a folder zegel-sandbox-* when the sandbox itself is killed with "
	"SIGKILL.\n";

const struct command sandbox_command = {
	.name = name,
	.summary = "a throw-away agent for trying and testing",
	.help = help,
	.run = run,
};
