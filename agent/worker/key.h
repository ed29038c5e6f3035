/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private key by its URI, and whether it is fit to seal with: a key that may also
 * decrypt or leave the token is not used (T17).
 *
 * Thread: that of the session
 */
#ifndef ZEGEL_WORKER_KEY_H
#define ZEGEL_WORKER_KEY_H

#include <p11-kit/pkcs11.h>

#include "token/job.h"

/* Where to look; borrows for the call. */
struct key_place {
	CK_FUNCTION_LIST *module;
	CK_SESSION_HANDLE session;
	const CK_TOKEN_INFO *token;
};

struct key {
	CK_OBJECT_HANDLE handle; /* of the session that looked */
	enum job_key_state state;
	enum job_key_type type;
	const char *attribute; /* a constant: which is wrong, or "" */
	CK_RV rv;
	uint32_t field_len;  /* EC */
	uint32_t public_len; /* 0: the token does not show it */
	uint8_t public_key[JOB_PUBLIC_MAX];
};

/* Fills all of key; what went wrong is in state. */
void key_find(const struct key_place *place, const char *uri, struct key *key);
/* Whether two looks have found the same key. */
bool key_is_same(const struct key *a, const struct key *b);
/* How long every signature of the key is; 0 when the token does not let us know. */
uint32_t key_signature_len(const struct key *key);

#endif
