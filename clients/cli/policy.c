/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel policy explain: what would happen to a request, and why, without sealing. Its exit
 * code is that of the word that the client would hear.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "command.h"
#include "input.h"
#include "officer.h"
#include "output.h"
#include "say.h"
#include "util/buf.h"
#include "util/fd.h"

static const char name[] = "policy";

enum {
	CLAIMS_MAX = 16384,
	PAYLOAD_MAX = 32768,
};

struct options {
	const char *client;
	const char *key;
	const char *profile;
	const char *audience;
	const char *claims;  /* path or "-" */
	const char *payload; /* path or "-" */
	const char *typ;
	bool is_json;
};

static const struct option long_options[] = {
	{"client", required_argument, NULL, 'c'},
	{"key", required_argument, NULL, 'k'},
	{"profile", required_argument, NULL, 'p'},
	{"aud", required_argument, NULL, 'a'},
	{"claims", required_argument, NULL, 'C'},
	{"payload", required_argument, NULL, 'P'},
	{"typ", required_argument, NULL, 't'},
	{"json", no_argument, NULL, 'j'},
	{NULL, 0, NULL, 0},
};

static void take_option(struct options *options, int found)
{
	const char **const places[] = {
		['c'] = &options->client,
		['k'] = &options->key,
		['p'] = &options->profile,
		['a'] = &options->audience,
		['C'] = &options->claims,
		['P'] = &options->payload,
		['t'] = &options->typ,
	};

	if (found == 'j')
		options->is_json = true;
	else
		*places[found] = optarg;
}

static int read_options(int argc, char **argv, struct options *options)
{
	int found;

	while ((found = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (found == '?' || found == ':')
			return say_bad_option(name, found, argv);
		take_option(options, found);
	}
	if (optind < argc)
		return say_usage(name, "%s: no argument is wanted", argv[optind]);
	if (options->client == NULL || options->key == NULL || options->profile == NULL)
		return say_usage(name,
			"--client NAME, --key NAME and --profile NAME are needed");
	return EXIT_CODE_OK;
}

/* out is emptied first; nothing is read without a path. */
static int read_part(const char *path, struct buf *out, protobuf_c_boolean *has,
	ProtobufCBinaryData *place)
{
	if (path == NULL)
		return EXIT_CODE_OK;
	if (input_read(name, path, out) != STATUS_OK)
		return EXIT_CODE_DATA;
	*has = true;
	*place = officer_bytes(buf_get(out));
	return EXIT_CODE_OK;
}

static const char *word_of(const Zegel__Officer__V1__ExplainResult *result)
{
	return zegel_status_name((enum zegel_status)result->status);
}

static int exit_code_of(const Zegel__Officer__V1__ExplainResult *result)
{
	return ask_exit_code(result->status <= ZEGEL_INTERNAL
				     ? (enum zegel_status)result->status
				     : ZEGEL_INTERNAL);
}

/* protobuf-c gives NULL for what is empty. */
static json_t *new_text(ProtobufCBinaryData bytes)
{
	return json_stringn(bytes.len == 0 ? "" : (const char *)bytes.data, bytes.len);
}

static json_t *new_json(const Zegel__Officer__V1__ExplainResult *result)
{
	return json_pack("{s:b, s:s, s:o, s:o, s:o}", "allowed",
		(int)(result->status == ZEGEL_OK), "status", word_of(result), "rule",
		new_text(result->rule), "nearest", new_text(result->nearest), "text",
		new_text(result->text));
}

static int tell(
	const Zegel__Officer__V1__ExplainResult *result, const struct options *options)
{
	if (options->is_json)
		return output_finish_json(name, new_json(result), exit_code_of(result));
	for (size_t i = 0; i < result->text.len; i++) {
		const char one[] = {(char)result->text.data[i], '\0'};

		if (one[0] == '\n')
			output_format("\n");
		else
			output_foreign(one);
	}
	return output_finish(name, exit_code_of(result));
}

static int ask_and_tell(
	const struct options *options, Zegel__Officer__V1__Explain *explain)
{
	CLEANUP(officer_closep) struct officer *officer = NULL;
	CLEANUP(officer_answer_deinit)
	struct officer_answer answer = {.fd = FD_NONE};
	Zegel__Officer__V1__Request request = ZEGEL__OFFICER__V1__REQUEST__INIT;
	int code;

	request.what_case = ZEGEL__OFFICER__V1__REQUEST__WHAT_EXPLAIN;
	request.explain = explain;
	code = officer_open(name, &officer);
	if (code == EXIT_CODE_OK)
		code = officer_ask(officer, &request,
			ZEGEL__OFFICER__V1__RESPONSE__WHAT_EXPLAIN, &answer);
	return code == EXIT_CODE_OK ? tell(answer.response->explain, options) : code;
}

static int explain(int argc, char **argv)
{
	CLEANUP(buf_deinit) struct buf claims = BUF_INIT(CLAIMS_MAX);
	CLEANUP(buf_deinit) struct buf payload = BUF_INIT(PAYLOAD_MAX);
	Zegel__Officer__V1__Explain question = ZEGEL__OFFICER__V1__EXPLAIN__INIT;
	struct options options = {.client = NULL};
	int code = read_options(argc, argv, &options);

	if (code == EXIT_CODE_OK)
		code = read_part(options.claims, &claims, &question.has_claims,
			&question.claims);
	if (code == EXIT_CODE_OK)
		code = read_part(options.payload, &payload, &question.has_payload,
			&question.payload);
	if (code != EXIT_CODE_OK)
		return code;
	question.client = officer_text(options.client);
	question.key = officer_text(options.key);
	question.profile = officer_text(options.profile);
	question.has_audience = options.audience != NULL;
	if (options.audience != NULL)
		question.audience = officer_text(options.audience);
	question.has_typ = options.typ != NULL;
	if (options.typ != NULL)
		question.typ = officer_text(options.typ);
	return ask_and_tell(&options, &question);
}

static int run(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "explain") != 0)
		return say_usage(name, "expected: zegel policy explain …");
	return explain(argc - 1, argv + 1);
}

static const char help[] =
	"Usage: zegel policy explain --client NAME --key NAME --profile NAME [--aud "
	"ID]\n"
	"         [--claims FILE] [--payload FILE] [--typ TYPE] [--json]\n"
	"Say what would happen to such a request and why, rule by rule, by the rules "
	"that\n"
	"are in force. Nothing is sealed.\n\n"
	"  --client NAME   a client section; \"\" is a stranger\n"
	"  --aud ID        dsgo-auth: the receiver\n"
	"  --claims FILE   dsgo-auth: further claims, one JSON object; - is standard "
	"input\n"
	"  --payload FILE  jws: what would be sealed\n"
	"  --typ TYPE      jws: its typ\n\n"
	"For officers: members of the group zegel-officers, and root.\n"
	"Exits 0 when it would be sealed, 77 when it is refused or the token is "
	"locked, "
	"65\n"
	"when the request itself is no good, 69 when no token can do it now or there "
	"is "
	"no\nagent. How busy the agent is does not count.\n";

const struct command policy_command = {
	.name = name,
	.summary = "say what a rule would decide, and why",
	.help = help,
	.run = run,
};
