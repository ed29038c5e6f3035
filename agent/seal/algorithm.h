/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The algorithms as rows (RFC 7518 3.1), and the hashes they need, fetched once: an
 * implicit fetch takes OpenSSL's locks at every call.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_ALGORITHM_H
#define ZEGEL_SEAL_ALGORITHM_H

#include <openssl/evp.h>

#include "token/job.h"
#include "util/defs.h"

enum {
	ALGORITHM_COUNT = 9,
	HASH_LEN_MAX = 64,
};

enum hash {
	HASH_SHA256 = 0,
	HASH_SHA384 = 1,
	HASH_SHA512 = 2,
	HASH_COUNT = 3,
};

enum key_kind {
	KEY_RSA,
	KEY_P256,
	KEY_P384,
	KEY_P521,
	KEY_OTHER,
};

struct algorithm {
	const char *name; /* "RS256" */
	enum hash hash;
	size_t hash_len;
	enum key_kind kind; /* what key it takes */
	bool is_pss;
	enum job_operation operation;
	size_t index; /* 0 to ALGORITHM_COUNT - 1 */
};

/* NULL when there is none of this name. */
const struct algorithm *algorithm_find(struct bytes name);
/* Row index, 0 to ALGORITHM_COUNT - 1. */
const struct algorithm *algorithm_get(size_t index);
/* What a key signs with when nothing was asked for; NULL for KEY_OTHER. */
const struct algorithm *algorithm_get_default(enum key_kind kind);

struct hashes {
	EVP_MD *md[HASH_COUNT]; /* owns */
};

MUST_CHECK enum status hashes_init(struct hashes *hashes);
void hashes_deinit(struct hashes *hashes);

#endif
