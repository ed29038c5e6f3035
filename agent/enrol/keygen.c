/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Either a whole key, checked and tried, stays on the token or nothing does: what was
 * made is destroyed when a later step fails. Only a process that is killed in between
 * leaves a key behind, and a next keygen of that name then says that it is there.
 */
#include "keygen.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "card.h"
#include "public.h"
#include "rule.h"
#include "trial.h"
#include "util/log.h"
#include "util/text.h"

enum {
	RANDOM_ID_LEN = 16,
	TEMPLATE_MAX = RULES_MAX + 4,
};

/* Copies: PKCS#11 takes no const. */
struct name {
	char label[NAME_MAX_LEN + 1];
	uint8_t id[OPTIONS_ID_MAX];
	CK_ATTRIBUTE attributes[2]; /* CKA_LABEL, CKA_ID: into this struct */
};

struct pair {
	struct card *card; /* borrows */
	CK_OBJECT_HANDLE public_key;
	CK_OBJECT_HANDLE private_key;
	bool is_made; /* and not yet kept */
};

static void destroy(struct pair *pair, CK_OBJECT_HANDLE object)
{
	CK_RV rv;

	deadline_mark(pair->card->deadline, "C_DestroyObject");
	rv = pair->card->module->C_DestroyObject(pair->card->session, object);
	if (rv != CKR_OK)
		log_event(
			LOG_WARN, "a half-made key stays on the token", "rv=0x%lx", rv);
}

static void pair_deinit(struct pair *pair)
{
	if (!pair->is_made)
		return;
	destroy(pair, pair->private_key);
	destroy(pair, pair->public_key);
}

static enum status name_init(struct name *name, const struct options *options)
{
	size_t id_len = options->id_len;

	(void)snprintf(name->label, sizeof(name->label), "%s", options->label);
	memcpy(name->id, options->id, sizeof(name->id));
	if (id_len == 0) {
		id_len = RANDOM_ID_LEN;
		if (getrandom(name->id, id_len, 0) != (ssize_t)id_len)
			return STATUS_IO;
	}
	name->attributes[0] =
		(CK_ATTRIBUTE){CKA_LABEL, name->label, strlen(name->label)};
	name->attributes[1] = (CK_ATTRIBUTE){CKA_ID, name->id, id_len};
	return STATUS_OK;
}

/* A public key that was left alone counts too: the agent would find two. */
static enum status refuse_taken(struct card *card, const struct name *name)
{
	static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};

	for (size_t i = 0; i < 2 * ARRAY_LEN(classes); i++) {
		CK_OBJECT_CLASS class = classes[i / 2];
		CK_ATTRIBUTE wanted[] = {
			{CKA_CLASS, &class, sizeof(class)}, name->attributes[i % 2]};
		struct card_found found;

		TRY(card_find(card, wanted, ARRAY_LEN(wanted), &found));
		if (found.n == 0)
			continue;
		log_event(LOG_ERR, "expected a name that no key on the token has",
			"taken=%s", i % 2 == 0 ? "label" : "id");
		return STATUS_BAD_FILE;
	}
	return STATUS_OK;
}

static enum status generate(
	const struct kind *kind, const struct name *name, struct pair *pair)
{
	CK_MECHANISM mechanism = {kind->generate, NULL, 0};
	CK_ATTRIBUTE public_half[TEMPLATE_MAX], private_half[TEMPLATE_MAX];
	size_t n_public = rule_to_template(RULE_PUBLIC, public_half);
	size_t n_private = rule_to_template(RULE_PRIVATE, private_half);
	uint8_t exponent[] = {0x01, 0x00, 0x01};
	uint8_t oid[16];
	CK_ULONG bits = kind->bits;
	CK_RV rv;

	for (size_t i = 0; i < ARRAY_LEN(name->attributes); i++) {
		public_half[n_public++] = name->attributes[i];
		private_half[n_private++] = name->attributes[i];
	}
	if (kind->type == CKK_RSA) {
		public_half[n_public++] =
			(CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof(bits)};
		public_half[n_public++] =
			(CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)};
	} else {
		must(kind->oid.len <= sizeof(oid));
		memcpy(oid, kind->oid.p, kind->oid.len);
		public_half[n_public++] =
			(CK_ATTRIBUTE){CKA_EC_PARAMS, oid, kind->oid.len};
	}
	deadline_mark(pair->card->deadline, "C_GenerateKeyPair");
	rv = pair->card->module->C_GenerateKeyPair(pair->card->session, &mechanism,
		public_half, n_public, private_half, n_private, &pair->public_key,
		&pair->private_key);
	if (rv != CKR_OK)
		return card_fail("C_GenerateKeyPair", rv);
	pair->is_made = true;
	return STATUS_OK;
}

static enum status judge_name(
	struct card *card, CK_OBJECT_HANDLE object, const struct name *name)
{
	for (size_t i = 0; i < ARRAY_LEN(name->attributes); i++) {
		const CK_ATTRIBUTE *wanted = &name->attributes[i];
		uint8_t value[NAME_MAX_LEN + OPTIONS_ID_MAX];
		CK_ATTRIBUTE shown = {wanted->type, value, sizeof(value)};
		const enum status status = card_read(card, object, &shown);

		if (status != STATUS_OK && status != STATUS_NOT_FOUND)
			return status;
		if (status == STATUS_OK && shown.ulValueLen == wanted->ulValueLen &&
			memcmp(value, wanted->pValue, wanted->ulValueLen) == 0)
			continue;
		log_event(LOG_ERR, "the token made another key than was asked for",
			"attribute=%s",
			wanted->type == CKA_ID ? "CKA_ID" : "CKA_LABEL");
		return STATUS_TOKEN_FAILED;
	}
	return STATUS_OK;
}

static enum status judge(const struct pair *pair, const struct name *name)
{
	TRY(rule_judge(pair->card, pair->private_key, RULE_PRIVATE));
	TRY(rule_judge(pair->card, pair->public_key, RULE_PUBLIC));
	TRY(judge_name(pair->card, pair->private_key, name));
	return judge_name(pair->card, pair->public_key, name);
}

static enum status prove(
	const struct pair *pair, const struct kind *kind, struct buf *out)
{
	CLEANUP(public_freep) EVP_PKEY *key = NULL;
	enum status status;

	status = public_read(pair->card, pair->public_key, &key);
	if (status == STATUS_NOT_FOUND)
		log_event(LOG_ERR, "the token does not show the public key", "type=%s",
			kind->name);
	if (status != STATUS_OK)
		return status;
	if (!public_is_kind(key, kind)) {
		log_event(LOG_ERR, "the token made another key than was asked for",
			"expected=%s bits=%d", kind->name, EVP_PKEY_get_bits(key));
		return STATUS_TOKEN_FAILED;
	}
	TRY(trial_sign(pair->card, pair->private_key, key));
	return public_to_pem(key, out);
}

static void report(const struct name *name, const struct kind *kind)
{
	char hex[2 * OPTIONS_ID_MAX + 1];

	for (size_t i = 0; i < name->attributes[1].ulValueLen; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", name->id[i]);
	log_event(LOG_NOTICE, "made a key", "label=%s id=%s type=%s", name->label, hex,
		kind->name);
}

enum status keygen_run(
	const struct options *options, struct deadline *deadline, struct buf *out)
{
	struct card card = {.deadline = deadline};
	CLEANUP(pair_deinit) struct pair pair = {.card = &card};
	struct name name;

	TRY(name_init(&name, options));
	TRY(card_open(&card, options->module, options->uri, options->pin_fd));
	TRY(refuse_taken(&card, &name));
	TRY(generate(options->kind, &name, &pair));
	TRY(judge(&pair, &name));
	TRY(prove(&pair, options->kind, out));
	pair.is_made = false;
	report(&name, options->kind);
	return STATUS_OK;
}
