/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libp11 finds the module initialised and its own new session logged in, since both hold
 * for the whole process: it never gets a PIN, of which it would keep a copy, and never a
 * URI. Not called, on purpose: PKCS11_open_session(), PKCS11_release_all_slots() and
 * PKCS11_CTX_unload() close every session and so log out, or finalise the module. What
 * it holds goes with the process.
 */
#include "shelf.h"

#include <stdio.h>
#include <string.h>

#include <libp11.h>
#include <openssl/err.h>

#include "util/log.h"
#include "util/text.h"
#include "worker/place.h"

enum {
	FIELD_MAX = 33, /* the longest of CK_TOKEN_INFO, and a NUL */
};

static enum status fail(const char *call)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	log_event(LOG_ERR, "libp11 cannot store the certificate",
		"call=%s code=%d why=\"%s\"", call, ERR_get_CKR_code(),
		log_text(bytes_from_text(why == NULL ? "not said" : why)).text);
	return STATUS_TOKEN_FAILED;
}

static bool is_field(const unsigned char *field, size_t field_len, const char *text)
{
	char trimmed[FIELD_MAX];

	slot_trim(field, field_len, trimmed);
	return text != NULL && strcmp(trimmed, text) == 0;
}

static bool is_token(const PKCS11_SLOT *slot, const CK_TOKEN_INFO *info)
{
	const PKCS11_TOKEN *token = slot->token;

	return token != NULL && token->initialized != 0 &&
	       is_field(info->label, sizeof(info->label), token->label) &&
	       is_field(info->serialNumber, sizeof(info->serialNumber),
		       token->serialnr) &&
	       is_field(info->model, sizeof(info->model), token->model) &&
	       is_field(info->manufacturerID, sizeof(info->manufacturerID),
		       token->manufacturer);
}

/* libp11 does not show slot numbers: by what the token says of itself, and only one. */
static enum status find_token(
	const struct card *card, PKCS11_CTX *context, PKCS11_TOKEN **out)
{
	PKCS11_SLOT *slots = NULL;
	PKCS11_TOKEN *token = NULL;
	unsigned n_slots = 0, n_found = 0;

	if (PKCS11_enumerate_slots(context, &slots, &n_slots) != 0)
		return fail("PKCS11_enumerate_slots");
	for (unsigned i = 0; i < n_slots; i++) {
		if (!is_token(&slots[i], &card->slot.info))
			continue;
		token = slots[i].token;
		n_found++;
	}
	if (n_found != 1) {
		log_event(LOG_ERR, "expected one token with this label and serial",
			"found=%u", n_found);
		return STATUS_TOKEN_FAILED;
	}
	*out = token;
	return STATUS_OK;
}

enum status shelf_put(
	struct card *card, const struct options *options, X509 *certificate)
{
	uint8_t id[OPTIONS_ID_MAX];
	char label[NAME_MAX_LEN + 1];
	PKCS11_TOKEN *token = NULL;
	PKCS11_CTX *context;
	struct place place;

	memcpy(id, options->id, sizeof(id));
	(void)snprintf(label, sizeof(label), "%s", options->label);
	deadline_mark(card->deadline, "libp11");
	if (place_judge(options->module, &place) != STATUS_OK)
		return fail("place_judge");
	context = PKCS11_CTX_new();
	if (context == NULL)
		return STATUS_NO_MEMORY;
	ERR_clear_error();
	if (PKCS11_CTX_load(context, place.path) != 0)
		return fail("PKCS11_CTX_load");
	TRY(find_token(card, context, &token));
	deadline_mark(card->deadline, "PKCS11_store_certificate");
	ERR_clear_error();
	if (PKCS11_store_certificate(
		    token, certificate, label, id, options->id_len, NULL) != 0)
		return fail("PKCS11_store_certificate");
	return STATUS_OK;
}
