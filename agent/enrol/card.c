/* SPDX-License-Identifier: Apache-2.0 */
#include "card.h"

#include <string.h>

#include <p11-kit/p11-kit.h>

#include "util/log.h"
#include "worker/ckr.h"

enum status card_fail(const char *call, CK_RV rv)
{
	log_event(LOG_ERR, "the module answered with an error",
		"call=%s rv=0x%lx why=\"%s\"", call, rv, p11_kit_strerror(rv));
	return ckr_is_gone(rv) ? STATUS_TOKEN_GONE : STATUS_TOKEN_FAILED;
}

static enum status report(const struct module_trouble *trouble, enum status status)
{
	const struct log_text text = log_text(bytes_from_text(trouble->text));

	log_event(LOG_ERR, "cannot use the module or token",
		"call=\"%s\" rv=0x%lx why=\"%s\"", trouble->call, trouble->rv,
		text.text);
	return status;
}

enum status card_load(struct card *card, const char *module)
{
	struct module_trouble trouble = {.call = ""};
	enum status status;

	deadline_mark(card->deadline, "C_Initialize");
	status = module_load(module, &trouble, &card->module);
	return status == STATUS_OK ? STATUS_OK : report(&trouble, status);
}

enum status card_find_token(struct card *card, const char *uri)
{
	struct module_trouble trouble = {.call = ""};
	enum status status;

	deadline_mark(card->deadline, "C_GetTokenInfo");
	status = slot_find(card->module, uri, &trouble, &card->slot);
	return status == STATUS_OK ? STATUS_OK : report(&trouble, status);
}

enum status card_open_session(struct card *card)
{
	CK_RV rv;

	deadline_mark(card->deadline, "C_OpenSession");
	rv = card->module->C_OpenSession(card->slot.id,
		CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &card->session);
	return rv == CKR_OK ? STATUS_OK : card_fail("C_OpenSession", rv);
}

/* The last try is a human's, with the vendor's own tool: it would lock the token. */
static bool may_try(const struct card *card, CK_USER_TYPE user)
{
	const CK_FLAGS never = user == CKU_SO
				       ? CKF_SO_PIN_LOCKED | CKF_SO_PIN_FINAL_TRY
				       : CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY;

	return (card->slot.info.flags & never) == 0;
}

enum status card_try_pin(struct card *card, CK_USER_TYPE user, const struct secret *pin)
{
	enum status status;
	CK_RV rv;

	if (!may_try(card, user)) {
		log_event(LOG_ERR, "expected a PIN with more than one try left",
			"flags=0x%lx", card->slot.info.flags);
		return STATUS_DENIED;
	}
	deadline_mark(card->deadline, "C_Login");
	rv = card->module->C_Login(card->session, user, pin->p, pin->len);
	if (rv == CKR_OK)
		return STATUS_OK;
	status = card_fail("C_Login", rv);
	/* Modules name a wrong PIN in many ways: all but a token that is away. */
	return ckr_is_removed(rv) ? status : STATUS_DENIED;
}

enum status card_login(struct card *card, CK_USER_TYPE user, int pin_fd)
{
	CLEANUP(secret_deinit) struct secret pin = SECRET_INIT;
	enum status status;

	deadline_mark(card->deadline, "reading the PIN");
	status = secret_read(&pin, pin_fd);
	if (status != STATUS_OK) {
		log_event(LOG_ERR, "expected a PIN of 1 to 256 bytes", "fd=%d", pin_fd);
		return status;
	}
	return card_try_pin(card, user, &pin);
}

enum status card_open(
	struct card *card, const char *module, const char *uri, int pin_fd)
{
	TRY(card_load(card, module));
	TRY(card_find_token(card, uri));
	TRY(card_open_session(card));
	return card_login(card, CKU_USER, pin_fd);
}

enum status card_find(struct card *card, CK_ATTRIBUTE *wanted, CK_ULONG n_wanted,
	struct card_found *out)
{
	struct card_found found = {.n = 0};
	CK_RV rv, end;

	deadline_mark(card->deadline, "C_FindObjects");
	rv = card->module->C_FindObjectsInit(card->session, wanted, n_wanted);
	if (rv != CKR_OK)
		return card_fail("C_FindObjectsInit", rv);
	/* A module may give fewer than asked for; only none means the end. */
	while (rv == CKR_OK && found.n < CARD_FOUND_MAX) {
		const CK_ULONG room = CARD_FOUND_MAX - found.n;
		CK_ULONG n = 0;

		rv = card->module->C_FindObjects(
			card->session, found.handles + found.n, room, &n);
		if (n == 0 || n > room)
			break;
		found.n += n;
	}
	end = card->module->C_FindObjectsFinal(card->session);
	if (rv != CKR_OK || end != CKR_OK)
		return card_fail("C_FindObjects", rv != CKR_OK ? rv : end);
	*out = found;
	return STATUS_OK;
}

enum status card_read(
	struct card *card, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute)
{
	const CK_ULONG room = attribute->ulValueLen;
	CK_RV rv;

	deadline_mark(card->deadline, "C_GetAttributeValue");
	rv = card->module->C_GetAttributeValue(card->session, object, attribute, 1);
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE)
		return STATUS_NOT_FOUND;
	if (rv != CKR_OK)
		return card_fail("C_GetAttributeValue", rv);
	if (attribute->ulValueLen == 0 ||
		attribute->ulValueLen == CK_UNAVAILABLE_INFORMATION)
		return STATUS_NOT_FOUND;
	if (attribute->ulValueLen > room)
		return card_fail("C_GetAttributeValue", CKR_BUFFER_TOO_SMALL);
	return STATUS_OK;
}
