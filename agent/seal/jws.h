/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What JWS profiles share (RFC 7515 3.1, 5.1): a protected header that is encoded and
 * hashed once for each key, or made for one seal, and the compact serialization.
 *
 * Thread: main
 */
#ifndef ZEGEL_SEAL_JWS_H
#define ZEGEL_SEAL_JWS_H

#include <openssl/evp.h>

#include "util/buf.h"
#include "util/defs.h"

enum {
	JWS_HEAD_MAX = 40 * 1024,
	JWS_MAX = 64 * 1024 - 512, /* a seal, so that its answer fits in a frame */
};

/* BASE64URL(header) and the '.' behind it, and the hash after it. */
struct jws_head {
	struct buf text;
	EVP_MD_CTX *midstate; /* owns */
	EVP_MD_CTX *working;  /* owns; reused for each seal */
};

/* header: JSON. gives */
MUST_CHECK enum status jws_head_new(
	struct bytes header, const EVP_MD *hash, struct jws_head **out);
void jws_head_freep(struct jws_head **head);

/* The hash of the signing input H.P; digest has room for the hash. */
MUST_CHECK enum status jws_hash(
	const struct jws_head *head, struct bytes encoded_payload, uint8_t *digest);

/* Appends H.P of a header (JSON) that only this seal has. */
MUST_CHECK enum status jws_append_input(
	struct buf *out, struct bytes header, struct bytes payload);
/* The hash of H.P; digest has room for it. */
MUST_CHECK enum status jws_hash_input(
	struct bytes input, const EVP_MD *hash, uint8_t *digest);
/* How long H.P.S becomes. */
size_t jws_get_len(size_t input_len, size_t signature_len);
/* Appends H.P.S: input is H.P, or P when H. is there already. */
MUST_CHECK enum status jws_append_signed(
	struct buf *out, struct bytes input, struct bytes signature);

/* Appends H.P.S. */
MUST_CHECK enum status jws_append_compact(struct buf *out, const struct jws_head *head,
	struct bytes encoded_payload, struct bytes signature);

#endif
