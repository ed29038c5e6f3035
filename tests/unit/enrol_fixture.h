/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zegel-enrol as a process, on a SoftHSM of its own, and a look at the token afterwards
 * through the module itself.
 */
#ifndef ZEGEL_TEST_ENROL_FIXTURE_H
#define ZEGEL_TEST_ENROL_FIXTURE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>

#include "util/defs.h"

#define ENROL_SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"
#define ENROL_SO_PIN  "so-97531864"
#define ENROL_PIN     "pin-24681357"

enum {
	ENROL_PATH_MAX = 256,
	ENROL_TEXT_MAX = 8192,
};

/* The folder of this test program; module is enrol_module.c, where it may be loaded. */
struct enrol {
	char dir[ENROL_PATH_MAX];
	char module[ENROL_PATH_MAX + 16];
	char count[ENROL_PATH_MAX + 16];
	char uri[ENROL_PATH_MAX]; /* of the token that enrol_init() made last */
};

struct run {
	int code;
	char out[ENROL_TEXT_MAX];
	char err[ENROL_TEXT_MAX];
};

int enrol_set_up(void **state);
int enrol_tear_down(void **state);

/* Arguments end with NULL; PINs on descriptors 3 and 4. fault and pin: NULL for none. */
struct run enrol_run(struct enrol *enrol, const char *fault, const char *pin,
	const char *const *args);
/* A new token; its URI is then in enrol->uri. */
void enrol_init(struct enrol *enrol, const char *label);
/* keygen with the right PIN. */
struct run enrol_keygen(
	struct enrol *enrol, const char *type, const char *label, const char *id);
size_t enrol_count_logins(const struct enrol *enrol);

/* PEM of a certificate for the PEM public key, by a new authority, in a file. */
void enrol_write_certificate(const char *public_pem, const char *path);
/* CLEANUP(enrol_key_freep) */
void enrol_key_freep(EVP_PKEY **key);
EVP_PKEY *enrol_key_from_pem(const char *pem);

/* How many objects of a class the token holds, with this id unless it is NULL. */
size_t enrol_count(const struct enrol *enrol, CK_OBJECT_CLASS class, const char *id);
/* Fails the test when the only such object has no such attribute. Gives its length. */
size_t enrol_read(const struct enrol *enrol, CK_OBJECT_CLASS class,
	CK_ATTRIBUTE_TYPE type, uint8_t *value, size_t room);

#endif
