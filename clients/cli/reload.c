/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel reload: the agent reads its configuration again. Exits 0 when the new rules are in
 * force, 65 when nothing has changed because the file has errors, 69 when the reload could
 * not be recorded.
 */
#include <getopt.h>

#include "command.h"
#include "officer.h"
#include "output.h"
#include "say.h"
#include "util/fd.h"

static const char name[] = "reload";

enum {
	HASH_SHOWN = 8, /* bytes: enough to tell two configurations apart by eye */
};

static void say_errors(ProtobufCBinaryData errors)
{
	size_t at = 0;

	while (at < errors.len) {
		size_t len = 0;

		while (at + len < errors.len && errors.data[at + len] != '\n')
			len++;
		say_error(name, "INVALID", "%.*s", (int)len,
			(const char *)errors.data + at);
		at += len + 1;
	}
}

static int tell(const Zegel__Officer__V1__ReloadResult *result)
{
	if (!result->is_done) {
		say_errors(result->errors);
		say_hint(name,
			"nothing has changed; zegeld --check-config tries a file");
		return EXIT_CODE_DATA;
	}
	output_format("reloaded: configuration ");
	for (size_t i = 0; i < HASH_SHOWN && i < result->config_sha256.len; i++)
		output_format("%02x", result->config_sha256.data[i]);
	output_format("…\n");
	return output_finish(name, EXIT_CODE_OK);
}

static int run(int argc, char **argv)
{
	static const struct option none[] = {{NULL, 0, NULL, 0}};
	CLEANUP(officer_closep) struct officer *officer = NULL;
	CLEANUP(officer_answer_deinit)
	struct officer_answer answer = {.fd = FD_NONE};
	Zegel__Officer__V1__Request request = ZEGEL__OFFICER__V1__REQUEST__INIT;
	Zegel__Officer__V1__Reload reload = ZEGEL__OFFICER__V1__RELOAD__INIT;
	const int found = getopt_long(argc, argv, ":", none, NULL);
	int code;

	if (found != -1)
		return say_bad_option(name, found, argv);
	if (optind < argc)
		return say_usage(name, "%s: no argument is wanted", argv[optind]);
	request.what_case = ZEGEL__OFFICER__V1__REQUEST__WHAT_RELOAD;
	request.reload = &reload;
	code = officer_open(name, &officer);
	if (code == EXIT_CODE_OK)
		code = officer_ask(officer, &request,
			ZEGEL__OFFICER__V1__RESPONSE__WHAT_RELOAD, &answer);
	return code == EXIT_CODE_OK ? tell(answer.response->reload) : code;
}

static const char help[] =
	"Usage: zegel reload\n"
	"Let the agent read its configuration again: clients, rules and limits "
	"change for\n"
	"new requests, all of them or none. Tokens, keys, sockets and the place of "
	"the\nrecord need a restart.\n\n"
	"For officers: members of the group zegel-officers, and root. The socket is\n"
	"$ZEGEL_OFFICER_SOCKET, else /run/zegel/officer.sock.\n"
	"Exits 0 when the new rules are in force; 65 when the file has errors, 69 when "
	"the\nreload could not be recorded, and in both nothing has changed; 77 when "
	"you "
	"are no\nofficer.\n";

const struct command reload_command = {
	.name = name,
	.summary = "let the agent read its rules again",
	.help = help,
	.run = run,
};
