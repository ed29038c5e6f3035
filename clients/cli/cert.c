/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel cert: the certificates of a key, in the forms that others ask for.
 */
#include <getopt.h>
#include <string.h>

#include <openssl/pem.h>

#include "ask.h"
#include "command.h"
#include "holder.h"
#include "jwk.h"
#include "key_json.h"
#include "ossl.h"
#include "output.h"
#include "say.h"
#include "util/base64.h"
#include "util/buf.h"

static const char name[] = "cert";

enum {
	PEM_MAX = 262144,
	NAME_TEXT_MAX = 4096,
};

enum form {
	FORM_SUMMARY,
	FORM_PEM,
	FORM_CHAIN,
	FORM_JWK,
	FORM_FINGERPRINTS,
};

struct options {
	enum form form;
	bool is_json;
	const char *key;
};

static const struct option long_options[] = {
	{"pem", no_argument, NULL, FORM_PEM},
	{"chain", no_argument, NULL, FORM_CHAIN},
	{"jwk", no_argument, NULL, FORM_JWK},
	{"fingerprints", no_argument, NULL, FORM_FINGERPRINTS},
	{"json", no_argument, NULL, 'j'},
	{NULL, 0, NULL, 0},
};

static int read_options(int argc, char **argv, struct options *options)
{
	int found;

	while ((found = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (found == '?' || found == ':')
			return say_bad_option(name, found, argv);
		if (found == 'j') {
			options->is_json = true;
			continue;
		}
		if (options->form != FORM_SUMMARY && options->form != (enum form)found)
			return say_usage(name, "--pem, --chain, --jwk and "
					       "--fingerprints exclude each other");
		options->form = (enum form)found;
	}
	if (argc - optind != 1)
		return say_usage(name, "the name of one key is wanted");
	options->key = argv[optind];
	return EXIT_CODE_OK;
}

struct view {
	const struct zegel_description *description; /* borrows */
	X509 *leaf;                                  /* borrows */
	struct holder holder;
};

static enum status append_pem(struct buf *out, const struct zegel_certificate *from)
{
	const unsigned char *at = from->der;
	CLEANUP(ossl_x509_freep)
	X509 *certificate = d2i_X509(NULL, &at, (long)from->der_len);
	CLEANUP(ossl_bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (certificate == NULL || bio == NULL ||
		PEM_write_bio_X509(bio, certificate) != 1)
		return STATUS_CRYPTO;
	len = BIO_get_mem_data(bio, &text);
	return buf_append(out, (struct bytes){(const uint8_t *)text, (size_t)len});
}

/* The first n certificates. */
static enum status append_chain(
	struct buf *out, const struct zegel_description *description, size_t n)
{
	for (size_t i = 0; i < n && i < description->n_chain; i++)
		TRY(append_pem(out, &description->chain[i]));
	return STATUS_OK;
}

static json_t *new_pem(const struct view *view, size_t n)
{
	CLEANUP(buf_deinit) struct buf pem = BUF_INIT(PEM_MAX);

	if (append_chain(&pem, view->description, n) != STATUS_OK)
		return NULL;
	return json_stringn((const char *)pem.p, pem.len);
}

static json_t *new_jwk(const struct view *view)
{
	json_t *jwk = NULL;

	if (jwk_new(view->leaf, view->description, &jwk) != STATUS_OK)
		return NULL;
	return jwk;
}

static const char *identifier_of(const struct view *view)
{
	if (view->description->key.identifier != NULL)
		return view->description->key.identifier;
	return view->holder.did[0] != '\0' ? view->holder.did : view->holder.eori;
}

struct fingerprints {
	char lower[KEY_JSON_HEX_MAX];
	char upper[KEY_JSON_HEX_MAX];
	struct buf x5t;
};

static void fingerprints_deinit(struct fingerprints *prints)
{
	buf_deinit(&prints->x5t);
}

static bool make_fingerprints(const struct view *view, struct fingerprints *out)
{
	const uint8_t *sha256 = view->description->key.certificate_sha256;

	key_json_hex(sha256, out->lower);
	memcpy(out->upper, out->lower, sizeof(out->upper));
	for (char *c = out->upper; *c != '\0'; c++) {
		if (*c >= 'a')
			*c = (char)(*c - 'a' + 'A');
	}
	return base64url_encode(&out->x5t, (struct bytes){sha256, 32}) == STATUS_OK;
}

static json_t *new_fingerprints(const struct view *view)
{
	CLEANUP(fingerprints_deinit)
	struct fingerprints prints = {.x5t = BUF_INIT(64)};

	if (!make_fingerprints(view, &prints))
		return NULL;
	return json_pack("{s:s, s:s, s:s%, s:s}", "sha256_lower", prints.lower,
		"sha256_upper", prints.upper, "x5t#S256", (const char *)prints.x5t.p,
		prints.x5t.len, "identifier", identifier_of(view));
}

static json_t *new_json(const struct view *view, enum form form)
{
	const size_t n = view->description->n_chain;

	switch (form) {
	case FORM_PEM:
		return json_pack("{s:o}", "pem", new_pem(view, 1));
	case FORM_CHAIN:
		return json_pack("{s:o}", "chain", new_pem(view, n));
	case FORM_JWK:
		return new_jwk(view);
	case FORM_FINGERPRINTS:
		return new_fingerprints(view);
	case FORM_SUMMARY:
		break;
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "key",
		key_json_new(&view->description->key), "fingerprints",
		new_fingerprints(view), "jwk", new_jwk(view), "chain",
		new_pem(view, n));
}

static void print_name(const char *label, const X509_NAME *of)
{
	CLEANUP(ossl_bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char text[NAME_TEXT_MAX];
	int n;

	/* RFC 2253 escapes every control character: a name cannot drive a terminal. */
	if (bio == NULL || X509_NAME_print_ex(bio, of, 0,
				   XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
		return;
	n = BIO_read(bio, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	output_format("%-12s  ", label);
	output_foreign(text);
	output_format("\n");
}

static void print_list(const char *label, const char *const *texts, size_t n)
{
	output_format("%-12s ", label);
	for (size_t i = 0; i < n; i++)
		output_format(" %s", texts[i]);
	output_format("\n");
}

static int print_summary(const struct view *view)
{
	const struct zegel_key *key = &view->description->key;
	EVP_PKEY *public_key = X509_get0_pubkey(view->leaf);
	char from[ASK_TIME_MAX], until[ASK_TIME_MAX], hex[KEY_JSON_HEX_MAX];

	ask_time_to_text(key->not_before, from);
	ask_time_to_text(key->not_after, until);
	key_json_hex(key->certificate_sha256, hex);
	output_format("%-12s  %s\n%-12s  %s\n", "key", key->name, "state",
		ask_state_name(key->state));
	print_list("profiles", key->profiles, key->n_profiles);
	print_list("algorithms", key->algorithms, key->n_algorithms);
	output_format("%-12s  %s\n", "identifier", identifier_of(view));
	print_name("subject", X509_get_subject_name(view->leaf));
	print_name("issuer", X509_get_issuer_name(view->leaf));
	output_format("%-12s  %s to %s (%lld days left)\n", "valid", from, until,
		(long long)key_json_days_left(key));
	output_format("%-12s  %s %d bits\n", "public key",
		public_key == NULL ? "?" : EVP_PKEY_get0_type_name(public_key),
		public_key == NULL ? 0 : EVP_PKEY_get_bits(public_key));
	output_format("%-12s  %s\n", "sha256", hex);
	output_format("%-12s  %zu certificates\n", "chain", view->description->n_chain);
	return output_finish(name, EXIT_CODE_OK);
}

static int print_fingerprints(const struct view *view)
{
	CLEANUP(fingerprints_deinit)
	struct fingerprints prints = {.x5t = BUF_INIT(64)};

	if (!make_fingerprints(view, &prints)) {
		say_error(name, "INTERNAL", "out of memory");
		return EXIT_CODE_INTERNAL;
	}
	output_format("%-12s  %s\n%-12s  %s\n%-12s  %.*s\n%-12s  %s\n", "sha256",
		prints.lower, "SHA256", prints.upper, "x5t#S256", (int)prints.x5t.len,
		(const char *)prints.x5t.p, "identifier", identifier_of(view));
	return output_finish(name, EXIT_CODE_OK);
}

static int print_pem(const struct view *view, size_t n)
{
	CLEANUP(buf_deinit) struct buf pem = BUF_INIT(PEM_MAX);

	if (append_chain(&pem, view->description, n) != STATUS_OK) {
		say_error(name, "INTERNAL", "a certificate cannot be written as PEM");
		return EXIT_CODE_INTERNAL;
	}
	output_bytes(buf_get(&pem));
	return output_finish(name, EXIT_CODE_OK);
}

static int print_view(const struct view *view, const struct options *options)
{
	if (options->is_json || options->form == FORM_JWK)
		return output_finish_json(
			name, new_json(view, options->form), EXIT_CODE_OK);
	switch (options->form) {
	case FORM_PEM:
		return print_pem(view, 1);
	case FORM_CHAIN:
		return print_pem(view, view->description->n_chain);
	case FORM_FINGERPRINTS:
		return print_fingerprints(view);
	case FORM_JWK:
	case FORM_SUMMARY:
		break;
	}
	return print_summary(view);
}

static int run(int argc, char **argv)
{
	CLEANUP(ask_closep) struct zegel *zegel = NULL;
	CLEANUP(ask_description_freep) struct zegel_description *description = NULL;
	CLEANUP(ossl_x509_freep) X509 *leaf = NULL;
	struct zegel_error error = {.status = ZEGEL_INTERNAL};
	struct options options = {.form = FORM_SUMMARY};
	const int code = read_options(argc, argv, &options);
	const unsigned char *at;

	if (code != EXIT_CODE_OK)
		return code;
	if (zegel_open(NULL, 0, &zegel, &error) != ZEGEL_OK ||
		zegel_describe_key(zegel, options.key, &description, &error) !=
			ZEGEL_OK)
		return ask_fail(name, &error);
	if (description->n_chain > 0) {
		at = description->chain[0].der;
		leaf = d2i_X509(NULL, &at, (long)description->chain[0].der_len);
	}
	if (leaf == NULL) {
		say_error(name, "INTERNAL", "the agent gave no certificate");
		return EXIT_CODE_INTERNAL;
	}
	return print_view(
		&(struct view){description, leaf, holder_from_certificate(leaf)},
		&options);
}

static const char help[] =
	"Usage: zegel cert NAME [--pem|--chain|--jwk|--fingerprints] [--json]\n"
	"Show the certificates of a key; by default a summary.\n\n"
	"  --pem            the seal certificate as PEM\n"
	"  --chain          all certificates as PEM, the seal's first\n"
	"  --jwk            the public key as JWK (RFC 7517) with x5c and x5t#S256\n"
	"  --fingerprints   SHA-256 in hexadecimal (lower and upper case), x5t#S256 "
	"and\n"
	"                   the identifier\n"
	"  --json           the same as JSON; alone: everything\n";

const struct command cert_command = {
	.name = name,
	.summary = "show the certificates of a key",
	.help = help,
	.run = run,
};
