/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms a seal can have: one row for each profile, one composer file each. A composer
 * is pure: what it is given decides every byte of what it makes.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_FORM_H
#define ZEGEL_SEAL_FORM_H

#include "algorithm.h"
#include "chain.h"
#include "jws.h"
#include "request.h"
#include "util/buf.h"
#include "util/defs.h"

enum {
	FORM_COUNT = 3,
	JTI_LEN = 36, /* a UUID of version 4 (RFC 9562 5.4) */
	DRAFT_TEXT_MAX = 128 * 1024,
};

/* What a composer works from. Borrows all. */
struct form_input {
	const struct seal_request *request;
	const struct algorithm *algorithm; /* never NULL here */
	const EVP_MD *hash;                /* that of the algorithm */
	const struct chain *chain;         /* of the key on the token that will sign */
	const char *identifier;            /* iss and sub; NULL when there is none */
	const struct jws_head *head;       /* NULL when the form has none */
	const char *jti;
	int64_t now_s; /* floor of the real time, taken just now */
};

/* What is to be signed, and what is kept to make the seal of the signature. */
struct draft {
	uint8_t digest[HASH_LEN_MAX];
	size_t digest_len;
	/*
	 * For a JWS: BASE64URL of the claims, which stand behind the form's head; the whole
	 * of H.P when the form has none.
	 */
	struct buf text;
	bool has_times;
	int64_t issued_at;
	int64_t expires_at;
	char jti[JTI_LEN + 1]; /* "" when the seal has none */
};

struct form {
	const char *name;
	size_t index; /* 0 to FORM_COUNT - 1 */
	enum request_input input;
	const char *algorithm; /* name of the only one it takes; NULL: any of the key */
	bool has_identifier;   /* iss and sub must be known */
	/*
	 * The protected header as JSON, made once for a key on a token; NULL when the form
	 * has none, or one that depends on the request.
	 */
	enum status (*header)(struct buf *out, const struct chain *chain,
		const struct algorithm *algorithm);
	/* draft->text is empty at the start. */
	enum status (*compose)(struct draft *draft, const struct form_input *input);
	enum status (*assemble)(struct buf *out, const struct draft *draft,
		const struct jws_head *head, struct bytes signature);
};

/* NULL when there is none of this name. */
const struct form *form_find(struct bytes name);
/* Row index, 0 to FORM_COUNT - 1. */
const struct form *form_get(size_t index);

/* One row each, in form_<name>.c. */
extern const struct form form_dsgo_auth;
extern const struct form form_digest;
/* No client can name it: the agent's own seal over its record (checkpoint.h). */
extern const struct form form_checkpoint;
extern const struct form form_jws;

/* A new random jti; IO when the system gives no randomness. */
MUST_CHECK enum status form_make_jti(char out[static JTI_LEN + 1]);

#endif
