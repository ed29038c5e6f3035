/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which configuration this is, as one number: SHA-256 over every text as it was read.
 * Name and text of each stand behind their lengths (8 bytes, big-endian), so that no two
 * different sets of files give the same bytes to hash.
 */
#include "internal.h"

#include <string.h>

enum status config_hash_init(struct config_hash *hash)
{
	*hash = (struct config_hash){.ctx = EVP_MD_CTX_new()};
	if (hash->ctx == NULL)
		return STATUS_NO_MEMORY;
	if (EVP_DigestInit_ex(hash->ctx, EVP_sha256(), NULL) != 1)
		return STATUS_CRYPTO;
	return STATUS_OK;
}

void config_hash_deinit(struct config_hash *hash)
{
	EVP_MD_CTX_free(hash->ctx);
	hash->ctx = NULL;
}

static enum status put(struct config_hash *hash, struct bytes bytes)
{
	uint8_t len[8];

	for (size_t i = 0; i < sizeof(len); i++)
		len[i] = (uint8_t)((uint64_t)bytes.len >> (56 - 8 * i));
	if (EVP_DigestUpdate(hash->ctx, len, sizeof(len)) != 1 ||
		EVP_DigestUpdate(hash->ctx, bytes.p, bytes.len) != 1)
		return STATUS_CRYPTO;
	return STATUS_OK;
}

enum status config_hash_put(
	struct config_hash *hash, const struct config_source *source)
{
	TRY(put(hash, bytes_from_text(source->name)));
	return put(hash, source->text);
}

enum status config_hash_finish(struct config_hash *hash, uint8_t out[CONFIG_HASH_LEN])
{
	if (EVP_DigestFinal_ex(hash->ctx, out, NULL) != 1)
		return STATUS_CRYPTO;
	return STATUS_OK;
}
