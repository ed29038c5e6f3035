/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C_InitToken and C_InitPIN are called here and not through libp11 0.4.12, because its
 *   - PKCS11_init_token() hands a C string to C_InitToken(), which reads 32 bytes: the
 *     label must be padded with spaces by the caller;
 *   - PKCS11_init_pin() waits for ever when C_OpenSession() fails;
 *   - PKCS11_login() keeps the PIN in ordinary memory.
 *
 * A slot number does not survive this: SoftHSM gives the token another one, so the new
 * token is found again by its label, which no other token may have.
 */
#include "init.h"

#include <stdio.h>
#include <string.h>

#include "card.h"
#include "util/log.h"
#include "util/secret.h"
#include "util/text.h"

enum {
	FIELD_MAX = 33, /* the longest of CK_TOKEN_INFO, and a NUL */
};

struct pins {
	struct secret so;
	struct secret user;
};

static void pins_deinit(struct pins *pins)
{
	secret_deinit(&pins->so);
	secret_deinit(&pins->user);
}

static enum status read_pins(
	const struct options *options, struct deadline *deadline, struct pins *pins)
{
	enum status status;

	deadline_mark(deadline, "reading the PINs");
	status = secret_read(&pins->so, options->so_pin_fd);
	if (status == STATUS_OK)
		status = secret_read(&pins->user, options->pin_fd);
	if (status != STATUS_OK)
		log_event(LOG_ERR, "expected two PINs of 1 to 256 bytes",
			"so_fd=%d fd=%d", options->so_pin_fd, options->pin_fd);
	return status;
}

static bool has_label(const CK_TOKEN_INFO *info, const char *label)
{
	char trimmed[FIELD_MAX];

	slot_trim(info->label, sizeof(info->label), trimmed);
	return strcmp(trimmed, label) == 0;
}

/* The first slot whose token is not initialised. */
static enum status find_empty(struct card *card, const char *label)
{
	struct module_trouble trouble = {.call = ""};
	CK_SLOT_ID ids[SLOTS_MAX];
	CK_ULONG n_ids = 0;
	bool is_found = false;

	deadline_mark(card->deadline, "C_GetTokenInfo");
	if (slot_list(card->module, &trouble, ids, &n_ids) != STATUS_OK)
		return card_fail("C_GetSlotList", trouble.rv);
	for (CK_ULONG i = 0; i < n_ids; i++) {
		struct slot slot = {.id = ids[i]};
		bool is_initialised;

		if (card->module->C_GetTokenInfo(slot.id, &slot.info) != CKR_OK)
			continue;
		is_initialised = (slot.info.flags & CKF_TOKEN_INITIALIZED) != 0;
		if (is_initialised && has_label(&slot.info, label)) {
			log_event(LOG_ERR, "expected a label that no token has",
				"label=%s", label);
			return STATUS_BAD_FILE;
		}
		if (!is_initialised && !is_found) {
			card->slot = slot;
			is_found = true;
		}
	}
	if (is_found)
		return STATUS_OK;
	log_event(LOG_ERR, "expected a token that is not initialised", "slots=%lu",
		n_ids);
	return STATUS_NOT_FOUND;
}

/* Before, since a token without a user PIN is of no use to anybody. */
static enum status judge_pins(const struct card *card, const struct pins *pins)
{
	const CK_ULONG min = card->slot.info.ulMinPinLen;
	const CK_ULONG max = card->slot.info.ulMaxPinLen;

	/* Zeros: the module does not say. */
	if (max == 0 || max < min || max == CK_UNAVAILABLE_INFORMATION)
		return STATUS_OK;
	if (pins->so.len >= min && pins->so.len <= max && pins->user.len >= min &&
		pins->user.len <= max)
		return STATUS_OK;
	log_event(LOG_ERR, "expected PINs as long as the token takes",
		"min=%lu max=%lu", min, max);
	return STATUS_BAD_FILE;
}

static enum status init_token(
	struct card *card, const char *label, const struct pins *pins)
{
	unsigned char padded[sizeof(card->slot.info.label)];
	const size_t len = strlen(label);
	CK_RV rv;

	must(len <= sizeof(padded));
	memset(padded, ' ', sizeof(padded));
	memcpy(padded, label, len);
	deadline_mark(card->deadline, "C_InitToken");
	rv = card->module->C_InitToken(card->slot.id, pins->so.p, pins->so.len, padded);
	if (rv == CKR_OK)
		return STATUS_OK;
	(void)card_fail("C_InitToken", rv);
	return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED ||
			       rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE
		       ? STATUS_DENIED
		       : STATUS_TOKEN_FAILED;
}

static enum status find_new(struct card *card, const char *label)
{
	char uri[sizeof("pkcs11:token=") + FIELD_MAX];

	/* A name has no character that an URI would have to escape. */
	(void)snprintf(uri, sizeof(uri), "pkcs11:token=%s", label);
	return card_find_token(card, uri);
}

static enum status init_pin(struct card *card, const struct pins *pins)
{
	CK_RV rv;

	TRY(card_open_session(card));
	TRY(card_try_pin(card, CKU_SO, &pins->so));
	deadline_mark(card->deadline, "C_InitPIN");
	rv = card->module->C_InitPIN(card->session, pins->user.p, pins->user.len);
	if (rv != CKR_OK) {
		(void)card_fail("C_InitPIN", rv);
		return STATUS_DENIED;
	}
	deadline_mark(card->deadline, "C_Logout");
	(void)card->module->C_Logout(card->session);
	return STATUS_OK;
}

/* RFC 7512 2.3: all but the unreserved characters is escaped. */
static enum status append_escaped(struct buf *out, const char *field)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *field != '\0'; field++) {
		if (strchr(plain, *field) != NULL)
			TRY(buf_append_format(out, "%c", *field));
		else
			TRY(buf_append_format(out, "%%%02X", (uint8_t)*field));
	}
	return STATUS_OK;
}

static enum status append_uri(
	const CK_TOKEN_INFO *info, const char *label, struct buf *out)
{
	char serial[FIELD_MAX];

	slot_trim(info->serialNumber, sizeof(info->serialNumber), serial);
	TRY(buf_append_text(out, "pkcs11:token="));
	TRY(append_escaped(out, label));
	if (serial[0] != '\0') {
		TRY(buf_append_text(out, ";serial="));
		TRY(append_escaped(out, serial));
	}
	return buf_append_text(out, "\n");
}

enum status init_run(
	const struct options *options, struct deadline *deadline, struct buf *out)
{
	CLEANUP(pins_deinit) struct pins pins = {SECRET_INIT, SECRET_INIT};
	struct card card = {.deadline = deadline};
	enum status status;

	TRY(read_pins(options, deadline, &pins));
	TRY(card_load(&card, options->module));
	TRY(find_empty(&card, options->label));
	TRY(judge_pins(&card, &pins));
	TRY(init_token(&card, options->label, &pins));
	status = find_new(&card, options->label);
	if (status == STATUS_OK)
		status = init_pin(&card, &pins);
	if (status != STATUS_OK) {
		log_event(LOG_WARN, "the token is initialised but has no user PIN",
			"label=%s", options->label);
		return status;
	}
	return append_uri(&card.slot.info, options->label, out);
}
