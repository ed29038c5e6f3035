/* SPDX-License-Identifier: Apache-2.0 */
/* zegel-enrol as its callers meet it: processes, exit codes, and what is on the token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "enrol_fixture.h"

struct path {
	char text[ENROL_PATH_MAX + 32];
};

static struct path path_of(const struct enrol *enrol, const char *name)
{
	struct path path;

	(void)snprintf(path.text, sizeof(path.text), "%s/%s", enrol->dir, name);
	return path;
}

static bool is_one_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return end != NULL && end != text && end[1] == '\0';
}

static void refuses(
	struct enrol *enrol, int code, const char *fault, const char *const *args)
{
	const struct run run = enrol_run(enrol, fault, ENROL_PIN, args);

	if (run.code != code)
		print_error("%s", run.err);
	assert_int_equal(run.code, code);
	assert_string_equal(run.out, "");
	assert_true(is_one_line(run.err));
}

static bool has(
	const struct enrol *enrol, CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE type)
{
	uint8_t value = 0xff;

	assert_int_equal(enrol_read(enrol, class, type, &value, sizeof(value)),
		sizeof(CK_BBOOL));
	assert_true(value == CK_TRUE || value == CK_FALSE);
	return value == CK_TRUE;
}

static void init_prints_the_uri_of_a_token_that_takes_the_pin(void **state)
{
	static const char head[] = "pkcs11:token=made;serial=";
	struct enrol *enrol = *state;

	enrol_init(enrol, "made");
	assert_memory_equal(enrol->uri, head, sizeof(head) - 1);
	assert_true(strlen(enrol->uri) > sizeof(head));
	assert_int_equal(enrol_count(enrol, CKO_PRIVATE_KEY, NULL), 0);
}

static void init_refuses_a_label_that_a_token_has(void **state)
{
	struct enrol *enrol = *state;
	const char *const args[] = {"init", "--module", enrol->module, "--label",
		"twice", "--so-pin-fd", "3", "--pin-fd", "4", NULL};

	enrol_init(enrol, "twice");
	refuses(enrol, 65, NULL, args);
}

static void init_refuses_a_short_pin_and_makes_no_token(void **state)
{
	struct enrol *enrol = *state;
	const char *const args[] = {"init", "--module", enrol->module, "--label",
		"short", "--so-pin-fd", "3", "--pin-fd", "4", NULL};
	const struct run run = enrol_run(enrol, NULL, "123", args);

	assert_int_equal(run.code, 65);
	assert_true(is_one_line(run.err));
	/* The label is free. */
	enrol_init(enrol, "short");
}

static void judge_abilities(const struct enrol *enrol)
{
	static const struct {
		CK_OBJECT_CLASS class;
		CK_ATTRIBUTE_TYPE type;
		bool expected;
	} rows[] = {
		{CKO_PRIVATE_KEY, CKA_TOKEN, true},
		{CKO_PRIVATE_KEY, CKA_PRIVATE, true},
		{CKO_PRIVATE_KEY, CKA_SENSITIVE, true},
		{CKO_PRIVATE_KEY, CKA_EXTRACTABLE, false},
		{CKO_PRIVATE_KEY, CKA_SIGN, true},
		{CKO_PRIVATE_KEY, CKA_DECRYPT, false},
		{CKO_PRIVATE_KEY, CKA_UNWRAP, false},
		{CKO_PRIVATE_KEY, CKA_DERIVE, false},
		{CKO_PRIVATE_KEY, CKA_SIGN_RECOVER, false},
		{CKO_PRIVATE_KEY, CKA_NEVER_EXTRACTABLE, true},
		{CKO_PRIVATE_KEY, CKA_ALWAYS_SENSITIVE, true},
		{CKO_PRIVATE_KEY, CKA_LOCAL, true},
		{CKO_PUBLIC_KEY, CKA_TOKEN, true},
		{CKO_PUBLIC_KEY, CKA_VERIFY, true},
		{CKO_PUBLIC_KEY, CKA_ENCRYPT, false},
		{CKO_PUBLIC_KEY, CKA_WRAP, false},
		{CKO_PUBLIC_KEY, CKA_VERIFY_RECOVER, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
			has(enrol, rows[i].class, rows[i].type), rows[i].expected);
}

static void judge_name(const struct enrol *enrol, CK_OBJECT_CLASS class)
{
	uint8_t value[64];

	assert_int_equal(enrol_read(enrol, class, CKA_LABEL, value, sizeof(value)), 4);
	assert_memory_equal(value, "seal", 4);
	assert_int_equal(enrol_read(enrol, class, CKA_ID, value, sizeof(value)), 2);
	assert_memory_equal(value, "\x0a\xf1", 2);
}

/* CKA_VALUE of the certificate is the file's, and its public key the printed one. */
static void judge_certificate(struct enrol *enrol, const struct run *made)
{
	const struct path file = path_of(enrol, "leaf.pem");
	const char *const args[] = {"certificate", "--module", enrol->module, "--uri",
		enrol->uri, "--pin-fd", "4", "--label", "seal", "--id", "0af1", "--in",
		file.text, NULL};
	CLEANUP(enrol_key_freep) EVP_PKEY *key = enrol_key_from_pem(made->out);
	uint8_t der[ENROL_TEXT_MAX];
	const uint8_t *at = der;
	X509 *stored;
	struct run run;
	size_t len;

	enrol_write_certificate(made->out, file.text);
	run = enrol_run(enrol, NULL, ENROL_PIN, args);
	assert_string_equal(run.err, "");
	assert_string_equal(run.out, "");
	assert_int_equal(run.code, 0);
	assert_int_equal(enrol_count_logins(enrol), 1);
	len = enrol_read(enrol, CKO_CERTIFICATE, CKA_VALUE, der, sizeof(der));
	stored = d2i_X509(NULL, &at, (long)len);
	assert_non_null(stored);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(stored), key), 1);
	X509_free(stored);
	judge_name(enrol, CKO_CERTIFICATE);
}

static void make_all(struct enrol *enrol, const char *type, int bits)
{
	const struct run run = enrol_keygen(enrol, type, "seal", "0aF1");
	CLEANUP(enrol_key_freep) EVP_PKEY *key = enrol_key_from_pem(run.out);

	assert_int_equal(run.code, 0);
	assert_true(is_one_line(run.err));
	assert_non_null(key);
	assert_int_equal(EVP_PKEY_get_bits(key), bits);
	assert_int_equal(EVP_PKEY_is_a(key, "RSA"), bits > 1024);
	assert_int_equal(strncmp(run.out, "-----BEGIN PUBLIC KEY-----\n", 27), 0);
	judge_abilities(enrol);
	judge_name(enrol, CKO_PRIVATE_KEY);
	judge_name(enrol, CKO_PUBLIC_KEY);
	judge_certificate(enrol, &run);
}

static void each_kind_of_key_is_made_and_certified(void **state)
{
	static const struct {
		const char *type;
		const char *token;
		int bits;
	} rows[] = {
		{"rsa:2048", "kind-1", 2048},
		{"rsa:3072", "kind-2", 3072},
		{"rsa:4096", "kind-3", 4096},
		{"ec:p256", "kind-4", 256},
		{"ec:p384", "kind-5", 384},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enrol_init(*state, rows[i].token);
		make_all(*state, rows[i].type, rows[i].bits);
	}
}

static void keygen_thinks_of_an_id_when_none_is_given(void **state)
{
	struct enrol *enrol = *state;
	uint8_t of_private[64], of_public[64];
	struct run run;

	enrol_init(enrol, "no-id");
	run = enrol_keygen(enrol, "ec:p256", "seal", NULL);
	assert_int_equal(run.code, 0);
	assert_int_equal(enrol_read(enrol, CKO_PRIVATE_KEY, CKA_ID, of_private,
				 sizeof(of_private)),
		16);
	assert_int_equal(
		enrol_read(enrol, CKO_PUBLIC_KEY, CKA_ID, of_public, sizeof(of_public)),
		16);
	assert_memory_equal(of_private, of_public, 16);
}

static void keygen_refuses_a_label_or_id_that_a_key_has(void **state)
{
	struct enrol *enrol = *state;
	struct run run;

	enrol_init(enrol, "taken");
	assert_int_equal(enrol_keygen(enrol, "ec:p256", "one", "01").code, 0);
	run = enrol_keygen(enrol, "ec:p256", "one", "02");
	assert_int_equal(run.code, 65);
	assert_non_null(strstr(run.err, "taken=label"));
	run = enrol_keygen(enrol, "ec:p256", "two", "01");
	assert_int_equal(run.code, 65);
	assert_non_null(strstr(run.err, "taken=id"));
	assert_int_equal(enrol_count(enrol, CKO_PRIVATE_KEY, NULL), 1);
	assert_int_equal(enrol_keygen(enrol, "ec:p256", "two", "02").code, 0);
}

static void keygen_leaves_nothing_of_a_key_that_is_not_as_asked(void **state)
{
	static const struct {
		const char *fault;
		int code;
	} rows[] = {{"extractable", 69}, {"decrypt", 69}, {"signature", 70}};
	struct enrol *enrol = *state;
	const char *const args[] = {"keygen", "--module", enrol->module, "--uri",
		enrol->uri, "--pin-fd", "4", "--type", "rsa:2048", "--label", "seal",
		NULL};

	enrol_init(enrol, "disobedient");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		refuses(enrol, rows[i].code, rows[i].fault, args);
		assert_int_equal(enrol_count(enrol, CKO_PRIVATE_KEY, NULL), 0);
		assert_int_equal(enrol_count(enrol, CKO_PUBLIC_KEY, NULL), 0);
	}
}

static void keygen_prints_nothing_but_the_key_for_a_module_that_speaks(void **state)
{
	struct enrol *enrol = *state;
	const char *const args[] = {"keygen", "--module", enrol->module, "--uri",
		enrol->uri, "--pin-fd", "4", "--type", "ec:p256", "--label", "seal",
		NULL};
	struct run run;

	enrol_init(enrol, "noisy");
	run = enrol_run(enrol, "noisy", ENROL_PIN, args);
	assert_int_equal(run.code, 0);
	assert_int_equal(strncmp(run.out, "-----BEGIN PUBLIC KEY-----\n", 27), 0);
	assert_non_null(strstr(run.err, "a module speaks"));
}

static void a_wrong_pin_is_tried_once(void **state)
{
	struct enrol *enrol = *state;
	const char *const args[] = {"keygen", "--module", enrol->module, "--uri",
		enrol->uri, "--pin-fd", "4", "--type", "ec:p256", "--label", "seal",
		NULL};
	struct run run;

	enrol_init(enrol, "pin");
	run = enrol_run(enrol, NULL, "pin-wrong", args);
	assert_int_equal(run.code, 77);
	assert_string_equal(run.out, "");
	assert_true(is_one_line(run.err));
	assert_null(strstr(run.err, "pin-wrong"));
	assert_int_equal(enrol_count_logins(enrol), 1);
	assert_int_equal(enrol_count(enrol, CKO_PRIVATE_KEY, NULL), 0);
}

static void a_pin_is_not_tried_when_it_could_lock_the_token(void **state)
{
	struct enrol *enrol = *state;
	const char *const args[] = {"keygen", "--module", enrol->module, "--uri",
		enrol->uri, "--pin-fd", "4", "--type", "ec:p256", "--label", "seal",
		NULL};

	enrol_init(enrol, "final");
	refuses(enrol, 77, "final try", args);
	assert_int_equal(enrol_count_logins(enrol), 0);
	refuses(enrol, 77, "locked", args);
	assert_int_equal(enrol_count_logins(enrol), 0);
}

static void a_module_that_hangs_is_left_at_the_deadline(void **state)
{
	struct enrol *enrol = *state;
	const char *const args[] = {"keygen", "--module", enrol->module, "--uri",
		enrol->uri, "--pin-fd", "4", "--type", "ec:p256", "--label", "seal",
		"--deadline", "1", NULL};
	struct run run;

	enrol_init(enrol, "hang");
	run = enrol_run(enrol, "hang", ENROL_PIN, args);
	assert_int_equal(run.code, 75);
	assert_true(is_one_line(run.err));
	assert_non_null(strstr(run.err, "C_Login"));
}

static void certificate_may_come_twice_but_not_another(void **state)
{
	struct enrol *enrol = *state;
	const struct path one = path_of(enrol, "one.pem");
	const struct path two = path_of(enrol, "two.pem");
	const char *args[] = {"certificate", "--module", enrol->module, "--uri",
		enrol->uri, "--pin-fd", "4", "--label", "seal", "--id", "01", "--in",
		one.text, NULL};
	struct run run;

	enrol_init(enrol, "renewed");
	run = enrol_keygen(enrol, "ec:p256", "seal", "01");
	assert_int_equal(run.code, 0);
	enrol_write_certificate(run.out, one.text);
	enrol_write_certificate(run.out, two.text);
	assert_int_equal(enrol_run(enrol, NULL, ENROL_PIN, args).code, 0);
	run = enrol_run(enrol, NULL, ENROL_PIN, args);
	assert_int_equal(run.code, 0);
	assert_non_null(strstr(run.err, "already"));
	args[12] = two.text;
	refuses(enrol, 65, NULL, args);
	assert_int_equal(enrol_count(enrol, CKO_CERTIFICATE, NULL), 1);
}

static void certificate_of_another_key_is_not_stored(void **state)
{
	struct enrol *enrol = *state;
	const struct path file = path_of(enrol, "other.pem");
	const char *args[] = {"certificate", "--module", enrol->module, "--uri",
		enrol->uri, "--pin-fd", "4", "--label", "seal", "--id", "01", "--in",
		file.text, NULL};
	struct run run;

	enrol_init(enrol, "other");
	assert_int_equal(enrol_keygen(enrol, "ec:p256", "seal", "01").code, 0);
	run = enrol_keygen(enrol, "rsa:2048", "another", "02");
	assert_int_equal(run.code, 0);
	enrol_write_certificate(run.out, file.text);
	refuses(enrol, 65, NULL, args);
	args[10] = "03"; /* no such key */
	refuses(enrol, 69, NULL, args);
	args[10] = "02";
	args[12] = enrol->module; /* no certificate */
	refuses(enrol, 65, NULL, args);
	assert_int_equal(enrol_count(enrol, CKO_CERTIFICATE, NULL), 0);
}

static void wrong_use_is_refused(void **state)
{
	static const char *const rows[][14] = {
		{NULL},
		{"destroy", NULL},
		{"init", NULL},
		{"init", "--module", "m", "--label", "l", "--pin-fd", "4", NULL},
		{"init", "--module", "m", "--label", "l", "--so-pin-fd", "3",
			"--pin-fd", "4", "more", NULL},
		{"init", "--module", "m", "--label", "no blanks", "--so-pin-fd", "3",
			"--pin-fd", "4", NULL},
		{"init", "--module", "m", "--label",
			"123456789012345678901234567890123", "--so-pin-fd", "3",
			"--pin-fd", "4", NULL},
		{"init", "--module", "m", "--label", "l", "--so-pin-fd", "3",
			"--pin-fd", "1", NULL},
		{"init", "--module", "m", "--label", "l", "--so-pin-fd", "3", "--pin",
			"2468", NULL},
		{"init", "--module", "m", "--label", "l", "--so-pin", "2468",
			"--pin-fd", "4", NULL},
		{"init", "--module", "m", "--module", "m", "--label", "l",
			"--so-pin-fd", "3", "--pin-fd", "4", NULL},
		{"keygen", "--module", "m", "--uri", "u", "--pin-fd", "4", "--label",
			"l", "--type", "rsa:1024", NULL},
		{"keygen", "--module", "m", "--uri", "u", "--pin-fd", "4", "--type",
			"ec:p256", "--label", "l", "--id", "abc", NULL},
		{"keygen", "--module", "m", "--uri", "u", "--pin-fd", "4", "--type",
			"ec:p256", "--label", "l", "--id", "xy", NULL},
		{"keygen", "--module", "m", "--uri", "u", "--pin-fd", "4", "--type",
			"ec:p256", "--label", "l", "--in", "f", NULL},
		{"certificate", "--module", "m", "--uri", "u", "--pin-fd", "4",
			"--label", "l", "--deadline", "0", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		refuses(*state, 64, NULL, rows[i]);
}

static void a_pin_as_an_argument_is_refused_and_not_repeated(void **state)
{
	const char *const args[] = {"init", "--module", "m", "--label", "l",
		"--so-pin-fd", "3", "--pin", "97531", NULL};
	const struct run run = enrol_run(*state, NULL, ENROL_PIN, args);

	assert_int_equal(run.code, 64);
	assert_null(strstr(run.err, "97531"));
}

static void help_is_printed(void **state)
{
	const char *const args[] = {"--help", NULL};
	const struct run run = enrol_run(*state, NULL, NULL, args);

	assert_int_equal(run.code, 0);
	assert_non_null(strstr(run.out, "zegel-enrol keygen"));
	assert_string_equal(run.err, "");
}

static void what_is_no_module_or_token_is_refused(void **state)
{
	static const struct {
		const char *module; /* NULL: a good one */
		const char *uri;
		int code;
	} rows[] = {
		{"/nonexistent/module.so", "pkcs11:token=t", 69},
		{"module.so", "pkcs11:token=t", 65},
		{"/tmp", "pkcs11:token=t", 65},
		{"/usr/lib/x86_64-linux-gnu/libc.so.6", "pkcs11:token=t", 65},
		{NULL, "pkcs11:token=nobody", 69},
		{NULL, "token=nobody", 65},
		{NULL, "pkcs11:token=bait?pin-value=1234", 65},
		{NULL, "pkcs11:token=bait;object=key", 65},
	};
	struct enrol *enrol = *state;

	enrol_init(enrol, "bait");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const args[] = {"keygen", "--module",
			rows[i].module == NULL ? enrol->module : rows[i].module,
			"--uri", rows[i].uri, "--pin-fd", "4", "--type", "ec:p256",
			"--label", "seal", NULL};

		refuses(enrol, rows[i].code, NULL, args);
		assert_int_equal(enrol_count_logins(enrol), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_prints_the_uri_of_a_token_that_takes_the_pin),
		cmocka_unit_test(init_refuses_a_label_that_a_token_has),
		cmocka_unit_test(init_refuses_a_short_pin_and_makes_no_token),
		cmocka_unit_test(each_kind_of_key_is_made_and_certified),
		cmocka_unit_test(keygen_thinks_of_an_id_when_none_is_given),
		cmocka_unit_test(keygen_refuses_a_label_or_id_that_a_key_has),
		cmocka_unit_test(keygen_leaves_nothing_of_a_key_that_is_not_as_asked),
		cmocka_unit_test(
			keygen_prints_nothing_but_the_key_for_a_module_that_speaks),
		cmocka_unit_test(a_wrong_pin_is_tried_once),
		cmocka_unit_test(a_pin_is_not_tried_when_it_could_lock_the_token),
		cmocka_unit_test(a_module_that_hangs_is_left_at_the_deadline),
		cmocka_unit_test(certificate_may_come_twice_but_not_another),
		cmocka_unit_test(certificate_of_another_key_is_not_stored),
		cmocka_unit_test(wrong_use_is_refused),
		cmocka_unit_test(a_pin_as_an_argument_is_refused_and_not_repeated),
		cmocka_unit_test(help_is_printed),
		cmocka_unit_test(what_is_no_module_or_token_is_refused),
	};

	return cmocka_run_group_tests(tests, enrol_set_up, enrol_tear_down);
}
