/* SPDX-License-Identifier: Apache-2.0 */
#include "chain_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct subject seal_subject = {"NTRNL-12345678", NULL, USAGE, "CA:FALSE"};
static const struct subject ca_subject = {
	NULL, NULL, "critical,keyCertSign", "CA:TRUE"};

static void add_text(X509_NAME *name, const char *field, const char *value)
{
	if (value == NULL)
		return;
	assert_int_equal(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
				 (const unsigned char *)value, -1, -1, 0),
		1);
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *make(
	const struct subject *subject, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by)
{
	X509 *made = X509_new();
	X509_NAME *name = X509_get_subject_name(made);

	assert_int_equal(X509_set_version(made, 2), 1);
	add_text(name, "C", "NL");
	add_text(name, "O", "Test");
	add_text(name, "organizationIdentifier", subject->organization_identifier);
	add_text(name, "serialNumber", subject->serial_number);
	add_text(name, "CN", issuer == NULL ? "root" : "seal");
	X509_gmtime_adj(X509_getm_notBefore(made), -60);
	X509_gmtime_adj(X509_getm_notAfter(made), 3600);
	X509_set_pubkey(made, key);
	X509_set_issuer_name(
		made, X509_get_subject_name(issuer == NULL ? made : issuer));
	add_extension(made, NID_key_usage, subject->key_usage);
	add_extension(made, NID_basic_constraints, subject->constraints);
	assert_true(X509_sign(made, by, EVP_sha256()) > 0);
	return made;
}

void write_chain(const struct world *world, X509 *first, X509 *second)
{
	FILE *file = fopen(world->path, "w");

	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, first), 1);
	if (second != NULL)
		assert_int_equal(PEM_write_X509(file, second), 1);
	assert_int_equal(fclose(file), 0);
}

void open_world(struct world *world, EVP_PKEY *key, const struct subject *subject)
{
	int fd;

	memcpy(world->path, "/tmp/zegel-chain-XXXXXX", 24);
	fd = mkstemp(world->path);
	assert_true(fd >= 0);
	(void)close(fd);
	world->ca_key = EVP_EC_gen("P-256");
	world->key = key;
	world->ca = make(&ca_subject, world->ca_key, NULL, world->ca_key);
	world->leaf = make(subject, world->key, world->ca, world->ca_key);
	write_chain(world, world->leaf, world->ca);
}

void close_world(struct world *world)
{
	X509_free(world->leaf);
	X509_free(world->ca);
	EVP_PKEY_free(world->key);
	EVP_PKEY_free(world->ca_key);
	(void)unlink(world->path);
}
