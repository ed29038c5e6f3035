/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/text.h"

enum {
	DEADLINE_DEFAULT_S = 60,
	DEADLINE_MAX_S = 3600,
	TOKEN_LABEL_MAX = 32, /* PKCS#11: a fixed field */
};

enum option_bit {
	MODULE = 1 << 0,
	URI = 1 << 1,
	LABEL = 1 << 2,
	ID = 1 << 3,
	TYPE = 1 << 4,
	IN = 1 << 5,
	PIN_FD = 1 << 6,
	SO_PIN_FD = 1 << 7,
	DEADLINE = 1 << 8,
};

static const struct option long_options[] = {
	{"module", required_argument, NULL, MODULE},
	{"uri", required_argument, NULL, URI},
	{"label", required_argument, NULL, LABEL},
	{"id", required_argument, NULL, ID},
	{"type", required_argument, NULL, TYPE},
	{"in", required_argument, NULL, IN},
	{"pin-fd", required_argument, NULL, PIN_FD},
	{"so-pin-fd", required_argument, NULL, SO_PIN_FD},
	{"deadline", required_argument, NULL, DEADLINE},
	/* Else getopt would take them for --pin-fd, and we a PIN for a descriptor. */
	{"pin", required_argument, NULL, '?'},
	{"so-pin", required_argument, NULL, '?'},
	{NULL, 0, NULL, 0},
};

struct grammar {
	const char *name;
	enum options_command command;
	unsigned required;
	unsigned optional;
	const char *usage;
};

static const struct grammar grammars[] = {
	{"init", OPTIONS_INIT, MODULE | LABEL | PIN_FD | SO_PIN_FD, DEADLINE,
		"init --module FILE --label NAME --so-pin-fd N --pin-fd N"},
	{"keygen", OPTIONS_KEYGEN, MODULE | URI | LABEL | TYPE | PIN_FD, ID | DEADLINE,
		"keygen --module FILE --uri URI --pin-fd N --type TYPE --label NAME"},
	{"certificate", OPTIONS_CERTIFICATE, MODULE | URI | LABEL | ID | IN | PIN_FD,
		DEADLINE,
		"certificate --module FILE --uri URI --pin-fd N --label NAME --id HEX "
		"--in FILE"},
	{"--help", OPTIONS_HELP, 0, 0, "--help"},
};

static const char help[] =
	"Usage:\n"
	"  zegel-enrol init --module FILE --label NAME --so-pin-fd N --pin-fd N\n"
	"      Initialise the first uninitialised token, set its PINs, print its URI.\n"
	"  zegel-enrol keygen --module FILE --uri URI --pin-fd N --type TYPE\n"
	"                     --label NAME [--id HEX]\n"
	"      Make a key pair that can sign and nothing else, print the public key.\n"
	"      TYPE is rsa:2048, rsa:3072, rsa:4096, ec:p256 or ec:p384.\n"
	"  zegel-enrol certificate --module FILE --uri URI --pin-fd N --label NAME\n"
	"                          --id HEX --in FILE\n"
	"      Store the first certificate of a PEM file beside its key.\n"
	"All take --deadline SECONDS (60): no step may hang for longer.\n"
	"A PIN is read from a descriptor: 3</path/of/pin with --pin-fd 3.\n"
	"Exits with 0, 64 (usage), 65 (bad data), 69 (no such module or token), 70 "
	"(internal),\n"
	"75 (deadline) or 77 (the token refused the PIN).\n";

const char *options_help(void)
{
	return help;
}

static enum status refuse(const char *expected)
{
	log_event(LOG_ERR, "wrong use", "expected=\"%s\"", expected);
	return STATUS_USAGE;
}

static bool hex_to_nibble(char c, uint8_t *out)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	if (at == NULL)
		return false;
	*out = (uint8_t)((at - digits) & 0xf);
	return true;
}

static enum status read_id(const char *text, struct options *out)
{
	const size_t len = strlen(text);

	if (len == 0 || len % 2 != 0 || len / 2 > sizeof(out->id))
		return refuse("--id of 2 to 64 hexadecimal digits, an even number");
	for (size_t i = 0; i < len / 2; i++) {
		uint8_t high, low;

		if (!hex_to_nibble(text[2 * i], &high) ||
			!hex_to_nibble(text[2 * i + 1], &low))
			return refuse("--id of hexadecimal digits only");
		out->id[i] = (uint8_t)(high << 4 | low);
	}
	out->id_len = len / 2;
	return STATUS_OK;
}

static enum status read_fd(const char *text, int *out)
{
	uint64_t number;

	if (!text_to_number(text, INT_MAX, &number) || number == STDOUT_FILENO ||
		number == STDERR_FILENO)
		return refuse("the number of a descriptor: 0, or 3 and up");
	*out = (int)number;
	return STATUS_OK;
}

static enum status read_label(const char *text, struct options *out)
{
	const size_t max =
		out->command == OPTIONS_INIT ? TOKEN_LABEL_MAX : NAME_MAX_LEN;

	if (!text_is_name(bytes_from_text(text)) || strlen(text) > max)
		return refuse("--label of 1 to 64 (of a token: 32) characters of "
			      "A-Z a-z 0-9 . _ -");
	out->label = text;
	return STATUS_OK;
}

static enum status read_deadline(const char *text, struct options *out)
{
	uint64_t number;

	if (!text_to_number(text, DEADLINE_MAX_S, &number) || number == 0)
		return refuse("--deadline of 1 to 3600 seconds");
	out->deadline_s = (unsigned)number;
	return STATUS_OK;
}

static enum status read_type(const char *text, struct options *out)
{
	out->kind = kind_from_name(text);
	if (out->kind == NULL)
		return refuse("--type rsa:2048, rsa:3072, rsa:4096, ec:p256 or "
			      "ec:p384");
	return STATUS_OK;
}

static enum status read_one(enum option_bit bit, struct options *out)
{
	switch (bit) {
	case MODULE:
		out->module = optarg;
		return STATUS_OK;
	case URI:
		out->uri = optarg;
		return STATUS_OK;
	case IN:
		out->file = optarg;
		return STATUS_OK;
	case LABEL:
		return read_label(optarg, out);
	case ID:
		return read_id(optarg, out);
	case TYPE:
		return read_type(optarg, out);
	case PIN_FD:
		return read_fd(optarg, &out->pin_fd);
	case SO_PIN_FD:
		return read_fd(optarg, &out->so_pin_fd);
	case DEADLINE:
		return read_deadline(optarg, out);
	}
	return STATUS_USAGE;
}

static const struct grammar *find_grammar(const char *name)
{
	for (size_t i = 0; name != NULL && i < ARRAY_LEN(grammars); i++) {
		if (strcmp(grammars[i].name, name) == 0)
			return &grammars[i];
	}
	return NULL;
}

enum status options_read(int argc, char **argv, struct options *out)
{
	const struct grammar *grammar = find_grammar(argc < 2 ? NULL : argv[1]);
	struct options options = {.pin_fd = FD_NONE,
		.so_pin_fd = FD_NONE,
		.deadline_s = DEADLINE_DEFAULT_S};
	int found;

	if (grammar == NULL)
		return refuse("init, keygen, certificate or --help");
	options.command = grammar->command;
	opterr = 0;
	/* The command stands where getopt expects the program's name. */
	while ((found = getopt_long(argc - 1, argv + 1, "+", long_options, NULL)) !=
		-1) {
		const unsigned bit = (unsigned)found;

		if (found == '?' || (options.given & bit) != 0 ||
			((grammar->required | grammar->optional) & bit) == 0)
			return refuse(grammar->usage);
		options.given |= bit;
		TRY(read_one((enum option_bit)bit, &options));
	}
	if (optind != argc - 1 || (grammar->required & ~options.given) != 0)
		return refuse(grammar->usage);
	*out = options;
	return STATUS_OK;
}
