/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel: the command line for developers and officers. One table of subcommands; each is
 * a room of its own. Data goes to standard output, words to standard error, and the exit
 * code says what happened (command.h).
 */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "command.h"
#include "output.h"
#include "say.h"
#include "util/defs.h"

static const struct command *const commands[] = {
	&seal_command,
	&verify_command,
	&keys_command,
	&cert_command,
	&status_command,
	&whoami_command,
	&audit_command,
	&sandbox_command,
	&policy_command,
	&reload_command,
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

static int print_overview(void)
{
	output_format("Usage: zegel COMMAND [OPTIONS]\n"
		      "Ask the local sealing agent for seals, and look at them.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		output_format("  %-8s  %s\n", commands[i]->name, commands[i]->summary);
	output_format("  %-8s  %s\n\n", "help",
		"this page; zegel help COMMAND for one of them");
	output_format(
		"The agent's socket is $ZEGEL_SOCKET, else "
		"/run/zegel/zegel.sock.\n"
		"Exit codes: 0 done, 1 verify or audit says no, 64 usage, 65 bad data "
		"or\n"
		"unsupported, 69 unavailable, 70 internal, 75 try again, 77 denied or "
		"locked.\n");
	return output_finish("help", EXIT_CODE_OK);
}

static int print_help(const struct command *command)
{
	output_format("%s", command->help);
	return output_finish("help", EXIT_CODE_OK);
}

/* Behind "--" it is another program's. */
static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

static int run_help(int argc, char **argv)
{
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;

	if (command != NULL)
		return print_help(command);
	if (argc > 1)
		return say_usage("help", "there is no command %s", argv[1]);
	return print_overview();
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct command *command = find_command(name);

	/* A configuration file of OpenSSL could load code of others into this process. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) {
		say_error("main", "INTERNAL", "OpenSSL cannot start");
		return EXIT_CODE_INTERNAL;
	}
	if (command != NULL && wants_help(argc - 1, argv + 1))
		return print_help(command);
	if (command != NULL)
		return command->run(argc - 1, argv + 1);
	if (strcmp(name, "--version") == 0) {
		output_format("zegel %s\n", ZEGEL_VERSION);
		return output_finish("--version", EXIT_CODE_OK);
	}
	if (strcmp(name, "help") == 0)
		return run_help(argc - 1, argv + 1);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return print_overview();
	if (argc > 1)
		say_error("main", "USAGE", "there is no command %s", name);
	else
		say_error("main", "USAGE", "which command?");
	say_hint("main", "zegel help lists them");
	return EXIT_CODE_USAGE;
}
