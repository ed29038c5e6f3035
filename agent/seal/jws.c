/* SPDX-License-Identifier: Apache-2.0 */
#include "jws.h"

#include <stdlib.h>

#include "util/base64.h"

void jws_head_freep(struct jws_head **pointer)
{
	struct jws_head *head = *pointer;

	if (head == NULL)
		return;
	buf_deinit(&head->text);
	EVP_MD_CTX_free(head->midstate);
	EVP_MD_CTX_free(head->working);
	freep(pointer);
}

enum status jws_head_new(struct bytes header, const EVP_MD *hash, struct jws_head **out)
{
	CLEANUP(jws_head_freep) struct jws_head *head = calloc(1, sizeof(*head));

	if (head == NULL)
		return STATUS_NO_MEMORY;
	head->text = BUF_INIT(JWS_HEAD_MAX);
	TRY(base64url_encode(&head->text, header));
	TRY(buf_append_text(&head->text, "."));
	head->midstate = EVP_MD_CTX_new();
	head->working = EVP_MD_CTX_new();
	if (head->midstate == NULL || head->working == NULL)
		return STATUS_NO_MEMORY;
	if (EVP_DigestInit_ex2(head->midstate, hash, NULL) != 1 ||
		EVP_DigestUpdate(head->midstate, head->text.p, head->text.len) != 1)
		return STATUS_CRYPTO;
	*out = TAKE(head);
	return STATUS_OK;
}

enum status jws_hash(
	const struct jws_head *head, struct bytes encoded_payload, uint8_t *digest)
{
	if (EVP_MD_CTX_copy_ex(head->working, head->midstate) != 1 ||
		EVP_DigestUpdate(
			head->working, encoded_payload.p, encoded_payload.len) != 1 ||
		EVP_DigestFinal_ex(head->working, digest, NULL) != 1)
		return STATUS_CRYPTO;
	return STATUS_OK;
}

enum status jws_append_input(struct buf *out, struct bytes header, struct bytes payload)
{
	TRY(base64url_encode(out, header));
	TRY(buf_append_text(out, "."));
	return base64url_encode(out, payload);
}

enum status jws_hash_input(struct bytes input, const EVP_MD *hash, uint8_t *digest)
{
	return EVP_Digest(input.p, input.len, digest, NULL, hash, NULL) == 1
		       ? STATUS_OK
		       : STATUS_CRYPTO;
}

size_t jws_get_len(size_t input_len, size_t signature_len)
{
	return input_len + 1 + (signature_len * 4 + 2) / 3;
}

enum status jws_append_signed(
	struct buf *out, struct bytes input, struct bytes signature)
{
	TRY(buf_append(out, input));
	TRY(buf_append_text(out, "."));
	return base64url_encode(out, signature);
}

enum status jws_append_compact(struct buf *out, const struct jws_head *head,
	struct bytes encoded_payload, struct bytes signature)
{
	TRY(buf_append(out, buf_get(&head->text)));
	return jws_append_signed(out, encoded_payload, signature);
}
