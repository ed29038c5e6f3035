/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made here with OpenSSL, written to a file, read as the agent reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chain_fixture.h"
#include "seal/chain.h"

static void assert_identifier(const struct subject *subject, const char *expected)
{
	CLEANUP(chain_freep) struct chain *chain = NULL;
	struct world world;

	open_world(&world, EVP_EC_gen("P-256"), subject);
	assert_int_equal(chain_load(world.path, true, &chain), STATUS_OK);
	if (expected == NULL)
		assert_null(chain->identifier);
	else
		assert_string_equal(chain->identifier, expected);
	close_world(&world);
}

static void the_identifier_follows_from_the_certificate(void **state)
{
	static const struct subject leading_zeros = {
		"NTRNL-00000001", NULL, USAGE, "CA:FALSE"};
	static const struct subject eori = {
		NULL, "EU.EORI.NL123456789", USAGE, "CA:FALSE"};
	static const struct subject other = {NULL, "EU.EORI.NL", USAGE, "CA:FALSE"};
	static const struct subject blank = {"NTRNL 1", NULL, USAGE, "CA:FALSE"};

	(void)state;
	assert_identifier(&seal_subject, "did:ishare:EU.NL.NTRNL-12345678");
	assert_identifier(&leading_zeros, "did:ishare:EU.NL.NTRNL-00000001");
	assert_identifier(&eori, "EU.EORI.NL123456789");
	assert_identifier(&other, NULL);
	assert_identifier(&blank, NULL);
}

static void the_root_may_be_left_out_of_x5c(void **state)
{
	CLEANUP(chain_freep) struct chain *with = NULL;
	CLEANUP(chain_freep) struct chain *without = NULL;
	struct world world;

	(void)state;
	open_world(&world, EVP_EC_gen("P-256"), &seal_subject);
	assert_int_equal(chain_load(world.path, true, &with), STATUS_OK);
	assert_int_equal(chain_load(world.path, false, &without), STATUS_OK);
	assert_int_equal(with->n_certificates, 2);
	assert_non_null(memmem(with->x5c.p, with->x5c.len, "\",\"", 3));
	assert_null(memmem(without->x5c.p, without->x5c.len, "\",\"", 3));
	close_world(&world);
}

static void assert_refused(EVP_PKEY *key, const struct subject *subject)
{
	struct chain *chain = NULL;
	struct world world;

	open_world(&world, key, subject);
	assert_int_equal(chain_load(world.path, true, &chain), STATUS_BAD_FILE);
	assert_null(chain);
	close_world(&world);
}

static void what_is_no_seal_is_refused(void **state)
{
	static const struct subject ca_leaf = {"NTRNL-1", NULL, USAGE, "CA:TRUE"};
	static const struct subject cert_sign = {
		"NTRNL-1", NULL, USAGE ",keyCertSign", "CA:FALSE"};
	static const struct subject encrypting = {
		"NTRNL-1", NULL, "critical,keyEncipherment", "CA:FALSE"};

	(void)state;
	assert_refused(EVP_EC_gen("P-256"), &ca_leaf);
	assert_refused(EVP_EC_gen("P-256"), &cert_sign);
	assert_refused(EVP_EC_gen("P-256"), &encrypting);
	assert_refused(EVP_RSA_gen(1024), &seal_subject);
	assert_refused(EVP_EC_gen("secp256k1"), &seal_subject);
}

static void a_chain_in_the_wrong_order_is_refused(void **state)
{
	struct chain *chain = NULL;
	struct world world;
	FILE *file;

	(void)state;
	open_world(&world, EVP_EC_gen("P-256"), &seal_subject);
	write_chain(&world, world.ca, world.leaf);
	assert_int_equal(chain_load(world.path, true, &chain), STATUS_BAD_FILE);
	write_chain(&world, world.leaf, world.leaf);
	assert_int_equal(chain_load(world.path, true, &chain), STATUS_BAD_FILE);
	file = fopen(world.path, "w");
	assert_non_null(file);
	assert_true(fputs("no certificate\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chain_load(world.path, true, &chain), STATUS_BAD_FILE);
	assert_int_equal(truncate(world.path, 0), 0);
	assert_int_equal(chain_load(world.path, true, &chain), STATUS_BAD_FILE);
	assert_null(chain);
	close_world(&world);
}

/* A software key signs as a worker would: RSA as it is, ECDSA as r and s. */
static size_t sign(EVP_PKEY *key, const struct algorithm *algorithm,
	const uint8_t *digest, uint8_t out[static JOB_SIGNATURE_MAX])
{
	static const char *const names[HASH_COUNT] = {"SHA256", "SHA384", "SHA512"};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	uint8_t made[JOB_SIGNATURE_MAX];
	size_t len = sizeof(made);
	const size_t half = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
	const uint8_t *at = made;
	ECDSA_SIG *pair;

	assert_int_equal(EVP_PKEY_sign_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(
				 context, EVP_get_digestbyname(names[algorithm->hash])),
		1);
	if (algorithm->is_pss) {
		assert_int_equal(
			EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING),
			1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(
					 context, RSA_PSS_SALTLEN_DIGEST),
			1);
	}
	assert_int_equal(
		EVP_PKEY_sign(context, made, &len, digest, algorithm->hash_len), 1);
	EVP_PKEY_CTX_free(context);
	if (algorithm->kind == KEY_RSA) {
		memcpy(out, made, len);
		return len;
	}
	pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
	assert_non_null(pair);
	assert_int_equal(
		BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, (int)half), (int)half);
	assert_int_equal(
		BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + half, (int)half), (int)half);
	ECDSA_SIG_free(pair);
	return 2 * half;
}

static enum status verify(struct chain *chain, const struct algorithm *algorithm,
	const uint8_t *digest, struct bytes signature)
{
	const struct bytes hash = {digest, algorithm->hash_len};

	return chain_verify(chain, algorithm, hash, signature);
}

static void check_algorithm(const struct world *world, struct chain *chain,
	const struct algorithm *algorithm)
{
	uint8_t digest[HASH_LEN_MAX] = {1, 2, 3};
	uint8_t signature[JOB_SIGNATURE_MAX];
	const size_t len = sign(world->key, algorithm, digest, signature);

	/* Twice: the verifier is kept and used again. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(verify(chain, algorithm, digest,
					 (struct bytes){signature, len}),
			STATUS_OK);
	assert_int_equal(len, chain_get_signature_len(chain));
	signature[len / 2] ^= 1;
	assert_int_equal(
		verify(chain, algorithm, digest, (struct bytes){signature, len}),
		STATUS_BAD_SIGNATURE);
	signature[len / 2] ^= 1;
	assert_int_equal(
		verify(chain, algorithm, digest, (struct bytes){signature, len - 1}),
		STATUS_BAD_SIGNATURE);
	digest[0] ^= 1;
	assert_int_equal(
		verify(chain, algorithm, digest, (struct bytes){signature, len}),
		STATUS_BAD_SIGNATURE);
}

static void check_key(EVP_PKEY *key, size_t n_expected)
{
	CLEANUP(chain_freep) struct chain *chain = NULL;
	struct world world;
	size_t n = 0;

	open_world(&world, key, &seal_subject);
	assert_int_equal(chain_load(world.path, true, &chain), STATUS_OK);
	for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
		if (!chain_can(chain, algorithm_get(i)))
			continue;
		check_algorithm(&world, chain, algorithm_get(i));
		n++;
	}
	assert_int_equal(n, n_expected);
	close_world(&world);
}

static void only_a_right_signature_verifies_with_every_algorithm(void **state)
{
	(void)state;
	check_key(EVP_RSA_gen(2048), 6);
	check_key(EVP_EC_gen("P-256"), 1);
	check_key(EVP_EC_gen("P-384"), 1);
	check_key(EVP_EC_gen("P-521"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_identifier_follows_from_the_certificate),
		cmocka_unit_test(the_root_may_be_left_out_of_x5c),
		cmocka_unit_test(what_is_no_seal_is_refused),
		cmocka_unit_test(a_chain_in_the_wrong_order_is_refused),
		cmocka_unit_test(only_a_right_signature_verifies_with_every_algorithm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
