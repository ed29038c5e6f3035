/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel seal: asks the agent for one finished seal and prints it, and nothing else.
 *
 * An option of another profile is refused here: passed on in silence, its user would
 * believe that it is in the seal.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "command.h"
#include "input.h"
#include "output.h"
#include "say.h"
#include "util/base64.h"
#include "util/buf.h"
#include "util/text.h"

static const char name[] = "seal";

enum {
	CLAIMS_MAX = 16384, /* bytes; the agent's own limits */
	PAYLOAD_MAX = 32768,
	DIGEST_MAX = 64,
	TIMEOUT_MAX_S = 60,
	SEAL_TEXT_MAX = 65536,
};

struct options {
	const char *profile;
	const char *key;
	const char *algorithm;
	const char *audience;
	const char *claims_path;
	const char *digest;
	const char *payload_path;
	const char *typ;
	const char *cty;
	uint64_t timeout_s; /* 0: the library's default */
	bool has_not_before;
	bool has_x5c;
	bool is_raw;
	bool is_json;
};

static const struct option long_options[] = {
	{"profile", required_argument, NULL, 'p'},
	{"key", required_argument, NULL, 'k'},
	{"algorithm", required_argument, NULL, 'g'},
	{"aud", required_argument, NULL, 'a'},
	{"claims", required_argument, NULL, 'c'},
	{"nbf", no_argument, NULL, 'n'},
	{"digest", required_argument, NULL, 'd'},
	{"raw", no_argument, NULL, 'r'},
	{"payload", required_argument, NULL, 'l'},
	{"typ", required_argument, NULL, 'y'},
	{"cty", required_argument, NULL, 'e'},
	{"x5c", no_argument, NULL, 'x'},
	{"timeout", required_argument, NULL, 't'},
	{"json", no_argument, NULL, 'j'},
	{NULL, 0, NULL, 0},
};

static bool set_option(struct options *options, int found)
{
	switch (found) {
	case 'p':
		options->profile = optarg;
		return true;
	case 'k':
		options->key = optarg;
		return true;
	case 'g':
		options->algorithm = optarg;
		return true;
	case 'a':
		options->audience = optarg;
		return true;
	case 'c':
		options->claims_path = optarg;
		return true;
	case 'n':
		options->has_not_before = true;
		return true;
	case 'd':
		options->digest = optarg;
		return true;
	case 'r':
		options->is_raw = true;
		return true;
	case 'l':
		options->payload_path = optarg;
		return true;
	case 'y':
		options->typ = optarg;
		return true;
	case 'e':
		options->cty = optarg;
		return true;
	case 'x':
		options->has_x5c = true;
		return true;
	case 'j':
		options->is_json = true;
		return true;
	case 't':
		return text_to_number(optarg, TIMEOUT_MAX_S, &options->timeout_s) &&
		       options->timeout_s > 0;
	default:
		return false;
	}
}

/* Words and EXIT_CODE_USAGE when the options do not fit each other. */
static int check_options(const struct options *options)
{
	const bool is_auth = strcmp(options->profile, "dsgo-auth") == 0;
	const bool is_digest = strcmp(options->profile, "digest") == 0;
	const bool is_jws = strcmp(options->profile, "jws") == 0;
	const bool is_known = is_auth || is_digest || is_jws;
	const bool has_auth = options->audience != NULL ||
			      options->claims_path != NULL || options->has_not_before;
	const bool has_digest = options->digest != NULL || options->is_raw;
	const bool has_jws = options->payload_path != NULL || options->typ != NULL ||
			     options->cty != NULL || options->has_x5c;

	/* What the agent may know and we do not is not ours to judge. */
	if (is_known && !is_auth && has_auth)
		return say_usage(name,
			"--aud, --claims and --nbf belong to the profile dsgo-auth");
	if (is_known && !is_digest && has_digest)
		return say_usage(
			name, "--digest and --raw belong to the profile digest");
	if (is_known && !is_jws && has_jws)
		return say_usage(name,
			"--payload, --typ, --cty and --x5c belong to the profile jws");
	if (is_auth && options->audience == NULL)
		return say_usage(name, "the profile dsgo-auth wants --aud");
	if (is_digest && options->digest == NULL)
		return say_usage(name, "the profile digest wants --digest");
	if (is_jws && options->payload_path == NULL)
		return say_usage(name, "the profile jws wants --payload");
	if (options->is_raw && options->is_json)
		return say_usage(name, "--raw and --json exclude each other");
	return EXIT_CODE_OK;
}

static int read_options(int argc, char **argv, struct options *options)
{
	int found;

	while ((found = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (found == '?' || found == ':')
			return say_bad_option(name, found, argv);
		if (!set_option(options, found))
			return say_usage(
				name, "--timeout is 1 to %d seconds", TIMEOUT_MAX_S);
	}
	if (optind < argc)
		return say_usage(name, "%s: no argument is wanted", argv[optind]);
	if (options->profile == NULL || options->key == NULL)
		return say_usage(name, "--profile and --key are required");
	return check_options(options);
}

static bool read_nibble(char c, uint8_t *out)
{
	static const char digits[] = "0123456789abcdef";
	const char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	const char *at = lower == '\0' ? NULL : strchr(digits, lower);

	*out = at == NULL ? 0 : (uint8_t)(at - digits);
	return at != NULL;
}

static bool read_hex(const char *text, uint8_t out[static DIGEST_MAX], size_t *out_len)
{
	const size_t len = strlen(text);
	uint8_t high, low;

	if (len == 0 || len % 2 != 0 || len / 2 > DIGEST_MAX)
		return false;
	for (size_t i = 0; i < len; i += 2) {
		if (!read_nibble(text[i], &high) || !read_nibble(text[i + 1], &low))
			return false;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	*out_len = len / 2;
	return true;
}

/* The claims as a C string; the text borrows from claims. */
static int read_claims(const char *path, struct buf *claims, const char **out)
{
	if (input_read(name, path, claims) != STATUS_OK)
		return EXIT_CODE_DATA;
	/* The library takes a C string: a NUL would hide what is behind it. */
	if (claims->len == 0 || memchr(claims->p, '\0', claims->len) != NULL) {
		say_error(name, "INVALID", "the claims are empty or hold a NUL byte");
		return EXIT_CODE_DATA;
	}
	if (buf_get_text(claims, out) != STATUS_OK) {
		say_error(name, "INTERNAL", "out of memory");
		return EXIT_CODE_INTERNAL;
	}
	return EXIT_CODE_OK;
}

static int print_json(const struct zegel_seal *seal, const char *data)
{
	char thumbprint[2 * sizeof(seal->certificate_sha256) + 1];
	json_t *json;

	for (size_t i = 0; i < sizeof(seal->certificate_sha256); i++)
		(void)snprintf(
			thumbprint + 2 * i, 3, "%02x", seal->certificate_sha256[i]);
	json = json_pack("{s:s, s:s, s:s}", seal->text != NULL ? "seal" : "signature",
		seal->text != NULL ? seal->text : data, "algorithm", seal->algorithm,
		"certificate_sha256", thumbprint);
	if (json != NULL && seal->jti != NULL &&
		json_object_update_new(json,
			json_pack("{s:s, s:I, s:I}", "jti", seal->jti, "issued_at",
				(json_int_t)seal->issued_at, "expires_at",
				(json_int_t)seal->expires_at)) != 0) {
		json_decref(json);
		json = NULL;
	}
	return output_finish_json(name, json, EXIT_CODE_OK);
}

static int print_seal(const struct options *options, const struct zegel_seal *seal)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(SEAL_TEXT_MAX);
	const struct bytes data = {seal->data, seal->data_len};
	const char *encoded = "";

	if (options->is_raw) {
		output_bytes(data);
		return output_finish(name, EXIT_CODE_OK);
	}
	if (seal->text == NULL && (base64_encode(&text, data) != STATUS_OK ||
					  buf_get_text(&text, &encoded) != STATUS_OK)) {
		say_error(name, "INTERNAL", "out of memory");
		return EXIT_CODE_INTERNAL;
	}
	if (options->is_json)
		return print_json(seal, encoded);
	output_format("%s\n", seal->text != NULL ? seal->text : encoded);
	return output_finish(name, EXIT_CODE_OK);
}

static int ask_for_seal(
	const struct options *options, const struct zegel_seal_request *request)
{
	CLEANUP(ask_closep) struct zegel *zegel = NULL;
	CLEANUP(ask_seal_freep) struct zegel_seal *seal = NULL;
	struct zegel_error error = {.status = ZEGEL_INTERNAL};

	if (zegel_open(NULL, (uint32_t)options->timeout_s * 1000, &zegel, &error) !=
			ZEGEL_OK ||
		zegel_seal(zegel, request, &seal, &error) != ZEGEL_OK)
		return ask_fail(name, &error);
	return print_seal(options, seal);
}

/* Any bytes, none as well; borrows from payload. */
static int read_payload(
	const char *path, struct buf *payload, struct zegel_seal_request *request)
{
	static const uint8_t nothing;

	if (input_read(name, path, payload) != STATUS_OK)
		return EXIT_CODE_DATA;
	request->payload = payload->len == 0 ? &nothing : payload->p;
	request->payload_len = payload->len;
	return EXIT_CODE_OK;
}

static int run(int argc, char **argv)
{
	CLEANUP(buf_deinit) struct buf claims = BUF_INIT(CLAIMS_MAX);
	CLEANUP(buf_deinit) struct buf payload = BUF_INIT(PAYLOAD_MAX);
	struct options options = {.profile = NULL};
	struct zegel_seal_request request = {.size = sizeof(request)};
	uint8_t digest[DIGEST_MAX];
	int code = read_options(argc, argv, &options);

	if (code == EXIT_CODE_OK && options.claims_path != NULL)
		code = read_claims(options.claims_path, &claims, &request.claims);
	if (code == EXIT_CODE_OK && options.payload_path != NULL)
		code = read_payload(options.payload_path, &payload, &request);
	if (code != EXIT_CODE_OK)
		return code;
	if (options.digest != NULL) {
		if (!read_hex(options.digest, digest, &request.digest_len))
			return say_usage(name, "--digest is the hash in hexadecimal");
		request.digest = digest;
	}
	request.key = options.key;
	request.profile = options.profile;
	request.algorithm = options.algorithm;
	request.audience = options.audience;
	request.not_before = options.has_not_before;
	request.typ = options.typ;
	request.cty = options.cty;
	request.x5c = options.has_x5c;
	return ask_for_seal(&options, &request);
}

static const char help[] =
	"Usage: zegel seal --profile PROFILE --key NAME [OPTIONS]\n"
	"Ask the agent for one seal and print it.\n\n"
	"  --profile PROFILE    dsgo-auth (a DSGO token), jws (a plain JWS) or\n"
	"                       digest (a raw signature)\n"
	"  --key NAME           one that `zegel keys` lists\n"
	"  --algorithm ALG      RFC 7518 name; default: the profile's or the key's\n"
	"  --timeout SECONDS    1 to 60; default 10\n"
	"  --json               the seal with what is known about it\n\n"
	"Profile dsgo-auth:\n"
	"  --aud ID             the receiver's identifier; required\n"
	"  --claims FILE        further claims, one JSON object; - is standard input\n"
	"  --nbf                also set nbf = iat\n\n"
	"Profile jws:\n"
	"  --payload FILE       any bytes, at most 32768; - is standard input; needed\n"
	"  --typ TYPE           what the whole is, a media type; without it you are\n"
	"                       DENIED what could pass as a token\n"
	"  --cty TYPE           what the payload is, a media type\n"
	"  --x5c                put the certificate chain into the header\n\n"
	"Profile digest:\n"
	"  --digest HEX         the hash to sign; required\n"
	"  --raw                print the bytes themselves; default: base64\n";

const struct command seal_command = {
	.name = name,
	.summary = "ask for a seal and print it",
	.help = help,
	.run = run,
};
