/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkpoint of the record: a signed note as in C2SP (c2sp.org/signed-note), whose text
 * says which line was the last and what its hash was:
 *
 *   zegel/audit
 *   1500
 *   CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
 *
 *   — NAME BASE64(4 bytes of key id, signature)
 *
 * More lines may stand between hash and blank line, and more signatures behind ours:
 * those of keys that the caller does not know are passed over. The signature is of the
 * text with its last newline: RS256 is PKCS#1 v1.5 as DER has it, ES256, ES384 and ES512
 * are r and s one behind the other (RFC 7518), each with the digest of its name. The key
 * id is the first 4 bytes of
 *   SHA-256(NAME, 0x0a, 0xff, "zegel-RS256" or whichever, SubjectPublicKeyInfo in DER)
 *
 * Thread: any
 */
#ifndef ZEGEL_CLI_NOTE_H
#define ZEGEL_CLI_NOTE_H

#include <openssl/evp.h>

#include "util/buf.h"
#include "util/defs.h"

enum {
	NOTE_MAX = 65536, /* bytes */
	NOTE_SIGNATURES_MAX = 16,
	NOTE_HASH_LEN = 32,
	NOTE_KEY_ID_LEN = 4,
};

#define NOTE_ORIGIN "zegel/audit"

struct note_signature {
	struct bytes name;  /* borrows from the file */
	struct bytes value; /* borrows from the note; key id first */
};

struct note {
	struct bytes text; /* what is signed; borrows from the file */
	uint64_t seq;
	uint8_t hash[NOTE_HASH_LEN];
	struct note_signature signatures[NOTE_SIGNATURES_MAX];
	size_t n_signatures;
	struct buf values; /* owns */
};

#define NOTE_INIT ((struct note){.values = BUF_INIT(NOTE_MAX)})

void note_deinit(struct note *note);

/* Into a note that is NOTE_INIT. BAD_FILE, and in *why a constant sentence; NO_MEMORY. */
MUST_CHECK enum status note_read(
	struct note *note, struct bytes file, const char **why);

/* "RS256"; NULL when notes are not signed by such keys. */
const char *note_algorithm(EVP_PKEY *key);
/* KEY_ALGORITHM, or CRYPTO. */
MUST_CHECK enum status note_key_id(
	EVP_PKEY *key, struct bytes name, uint8_t out[static NOTE_KEY_ID_LEN]);
/*
 * Whether the key signed the note: NOT_FOUND when no signature says so, BAD_SIGNATURE when
 * one does and it is not so; KEY_ALGORITHM, NO_MEMORY or CRYPTO.
 */
MUST_CHECK enum status note_verify(const struct note *note, EVP_PKEY *key);

#endif
