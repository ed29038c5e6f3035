/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel verify: judges one token, check by check. Needs no agent.
 */
#include <getopt.h>
#include <string.h>

#include "command.h"
#include "input.h"
#include "judge.h"
#include "jwt.h"
#include "ossl.h"
#include "output.h"
#include "report.h"
#include "say.h"
#include "trust.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/text.h"

static const char name[] = "verify";

enum {
	TRUST_MAX = 4 * 1024 * 1024, /* bytes of PEM */
	SKEW_MAX_S = 300,
	REPORT_TEXT_MAX = 32768,
};

/* The last second of the year 9999. */
static const uint64_t now_max = 253402300799;

struct options {
	const char *profile;
	const char *trust_path;
	const char *audience;
	const char *issuer;
	const char *token; /* NULL: standard input */
	uint64_t now;
	uint64_t skew;
	bool has_now;
	bool is_json;
};

static const struct option long_options[] = {
	{"profile", required_argument, NULL, 'p'},
	{"trust", required_argument, NULL, 't'},
	{"aud", required_argument, NULL, 'a'},
	{"iss", required_argument, NULL, 'i'},
	{"now", required_argument, NULL, 'n'},
	{"skew", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{NULL, 0, NULL, 0},
};

static bool set_option(struct options *options, int found)
{
	switch (found) {
	case 'p':
		options->profile = optarg;
		return true;
	case 't':
		options->trust_path = optarg;
		return true;
	case 'a':
		options->audience = optarg;
		return true;
	case 'i':
		options->issuer = optarg;
		return true;
	case 'n':
		options->has_now = true;
		return text_to_number(optarg, now_max, &options->now);
	case 's':
		return text_to_number(optarg, SKEW_MAX_S, &options->skew);
	case 'j':
		options->is_json = true;
		return true;
	default:
		return false;
	}
}

static int read_options(int argc, char **argv, struct options *options)
{
	int found;

	while ((found = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (found == '?' || found == ':')
			return say_bad_option(name, found, argv);
		if (!set_option(options, found))
			return say_usage(name,
				"--now is seconds since the epoch, --skew 0 to %d",
				SKEW_MAX_S);
	}
	if (argc - optind > 1)
		return say_usage(name, "one token at a time");
	options->token = optind < argc ? argv[optind] : "-";
	if (options->profile == NULL || options->trust_path == NULL)
		return say_usage(name, "--profile and --trust are required");
	if (strcmp(options->profile, "dsgo-auth") != 0) {
		say_error(name, "UNSUPPORTED",
			"only the profile dsgo-auth can be judged");
		return EXIT_CODE_DATA;
	}
	return EXIT_CODE_OK;
}

static int load_trust(const char *path, X509_STORE **out)
{
	CLEANUP(buf_deinit) struct buf pem = BUF_INIT(TRUST_MAX);
	const char *why = "out of memory";
	enum status status;

	if (input_read(name, path, &pem) != STATUS_OK)
		return EXIT_CODE_DATA;
	status = trust_load(buf_get(&pem), out, &why);
	if (status == STATUS_OK)
		return EXIT_CODE_OK;
	say_error(name, status == STATUS_BAD_FILE ? "INVALID" : "INTERNAL",
		"the trust in %s is not usable: %s", path, why);
	return status == STATUS_BAD_FILE ? EXIT_CODE_DATA : EXIT_CODE_INTERNAL;
}

/* Every token begins with eyJ, the base64url of {": so a token and a path cannot meet. */
static int load_token(const char *from, struct buf *out)
{
	if (strncmp(from, "eyJ", 3) != 0)
		return input_read(name, from, out) == STATUS_OK ? EXIT_CODE_OK
								: EXIT_CODE_DATA;
	if (buf_append_text(out, from) == STATUS_OK)
		return EXIT_CODE_OK;
	say_error(name, "INVALID", "the token is longer than %d bytes", JWT_TOKEN_MAX);
	return EXIT_CODE_DATA;
}

static int print_report(const struct report *report, bool is_json, int64_t now)
{
	const int code = report_is_valid(report) ? EXIT_CODE_OK : EXIT_CODE_NO;
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(REPORT_TEXT_MAX);
	json_t *json;

	if (is_json) {
		json = report_to_json(report);
		if (json_object_set_new(json, "profile", json_string("dsgo-auth")) !=
				0 ||
			json_object_set_new(json, "now", json_integer(now)) != 0) {
			json_decref(json);
			json = NULL;
		}
		return output_finish_json(name, json, code);
	}
	if (report_to_text(report, &text) != STATUS_OK) {
		say_error(name, "INTERNAL", "out of memory");
		return EXIT_CODE_INTERNAL;
	}
	output_bytes(buf_get(&text));
	return output_finish(name, code);
}

static int run(int argc, char **argv)
{
	/* One newline is forgiven; a longer input is not read to its end. */
	CLEANUP(buf_deinit) struct buf token = BUF_INIT(JWT_TOKEN_MAX + 2);
	CLEANUP(ossl_store_freep) X509_STORE *trust = NULL;
	struct options options = {.profile = NULL};
	struct judge_spec spec;
	struct report report;
	int code = read_options(argc, argv, &options);

	if (code == EXIT_CODE_OK)
		code = load_trust(options.trust_path, &trust);
	if (code == EXIT_CODE_OK)
		code = load_token(options.token, &token);
	if (code != EXIT_CODE_OK)
		return code;
	if (token.len > 0 && token.p[token.len - 1] == '\n')
		token.len--;
	spec = (struct judge_spec){
		.trust = trust,
		.audience = options.audience,
		.issuer = options.issuer,
		.now = options.has_now ? (int64_t)options.now : clock_real_s(),
		.skew = (int64_t)options.skew,
	};
	if (judge_token(&spec, buf_get(&token), &report) != STATUS_OK) {
		say_error(name, "INTERNAL", "out of memory, or OpenSSL failed");
		return EXIT_CODE_INTERNAL;
	}
	return print_report(&report, options.is_json, spec.now);
}

static const char help[] =
	"Usage: zegel verify --profile dsgo-auth --trust CA.pem [OPTIONS] "
	"[TOKEN|FILE|-]\n"
	"Judge one token, check by check. Exits 0 when it is valid, 1 when it is "
	"not.\n\n"
	"  --trust CA.pem   the CA certificates that you trust; nothing else is "
	"trusted\n"
	"  --aud ID         who must be the receiver; default: anyone\n"
	"  --iss ID         who must be the issuer; default: whom the certificate "
	"names\n"
	"  --now SECONDS    judge as if it were then (since the epoch)\n"
	"  --skew SECONDS   how far clocks may differ, 0 to 300; default 0\n"
	"  --json           the result of each check\n\n"
	"An argument that begins with eyJ is the token itself, any other a file; "
	"without\n"
	"one, or with -, the token comes from standard input. One newline may follow "
	"it.\n\n"
	"Not asked, because it needs a network or a memory: revocation, the DSGO "
	"trusted\n"
	"list, the participant registry, and whether the jti was seen before.\n";

const struct command verify_command = {
	.name = name,
	.summary = "judge a seal, check by check",
	.help = help,
	.run = run,
};
