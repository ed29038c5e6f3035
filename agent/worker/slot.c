/* SPDX-License-Identifier: Apache-2.0 */
#include "slot.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

enum {
	TRIES = 6, /* SoftHSM: of processes that start at once most see no token at first */
	PAUSE_MS = 90,
};

static void uri_freep(P11KitUri **uri)
{
	p11_kit_uri_free(*uri);
	*uri = NULL;
}

static enum status fail(
	struct module_trouble *trouble, enum status status, const char *text)
{
	(void)snprintf(trouble->text, sizeof(trouble->text), "%s", text);
	return status;
}

void slot_trim(const unsigned char *field, size_t field_len, char *out)
{
	/* Some modules pad with NULs, against the standard. */
	const size_t end = strnlen((const char *)field, field_len);
	const size_t len = p11_kit_space_strlen(field, end);

	memcpy(out, field, len);
	out[len] = '\0';
}

enum status slot_list(CK_FUNCTION_LIST *module, struct module_trouble *trouble,
	CK_SLOT_ID *ids, CK_ULONG *n_ids)
{
	CK_ULONG n = SLOTS_MAX;

	*trouble = (struct module_trouble){.call = "C_GetSlotList"};
	/* SoftHSM takes new slots in only when it is asked for their number. */
	trouble->rv = module->C_GetSlotList(CK_TRUE, NULL, &n);
	if (trouble->rv == CKR_OK) {
		n = SLOTS_MAX;
		trouble->rv = module->C_GetSlotList(CK_TRUE, ids, &n);
	}
	if (trouble->rv != CKR_OK)
		return fail(
			trouble, STATUS_TOKEN_FAILED, p11_kit_strerror(trouble->rv));
	*n_ids = n <= SLOTS_MAX ? n : SLOTS_MAX;
	return STATUS_OK;
}

static enum status find_once(CK_FUNCTION_LIST *module, const P11KitUri *uri,
	struct module_trouble *trouble, struct slot *out)
{
	CK_SLOT_ID ids[SLOTS_MAX];
	CK_ULONG n_ids = 0;
	size_t n_found = 0;

	TRY(slot_list(module, trouble, ids, &n_ids));
	*trouble = (struct module_trouble){.call = "find token"};
	for (CK_ULONG i = 0; i < n_ids; i++) {
		CK_TOKEN_INFO info;

		memset(&info, 0, sizeof(info));
		/* A token that cannot say who it is cannot be the one. */
		if (module->C_GetTokenInfo(ids[i], &info) != CKR_OK ||
			(info.flags & CKF_TOKEN_INITIALIZED) == 0 ||
			p11_kit_uri_match_token_info(uri, &info) != 1)
			continue;
		*out = (struct slot){.id = ids[i], .info = info};
		n_found++;
	}
	if (n_found == 0)
		return fail(trouble, STATUS_NOT_FOUND, "no token fits the URI");
	if (n_found > 1)
		return fail(trouble, STATUS_BAD_CONFIG,
			"two tokens fit the URI; expected one: give serial and token");
	return STATUS_OK;
}

enum status slot_find(CK_FUNCTION_LIST *module, const char *uri,
	struct module_trouble *trouble, struct slot *out)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000L * 1000L};
	CLEANUP(uri_freep) P11KitUri *parsed = p11_kit_uri_new();
	enum status status = STATUS_NOT_FOUND;

	*trouble = (struct module_trouble){.call = "token URI"};
	if (parsed == NULL)
		return fail(trouble, STATUS_NO_MEMORY, "out of memory");
	if (p11_kit_uri_parse(uri, P11_KIT_URI_FOR_TOKEN, parsed) != P11_KIT_URI_OK ||
		p11_kit_uri_any_unrecognized(parsed))
		return fail(trouble, STATUS_BAD_CONFIG,
			"expected an RFC 7512 URI with token, serial, model or "
			"manufacturer and nothing else");
	if (p11_kit_uri_get_pin_value(parsed) != NULL)
		return fail(trouble, STATUS_BAD_CONFIG, "a URI must not hold a PIN");
	for (size_t i = 0; i < TRIES && status == STATUS_NOT_FOUND; i++) {
		if (i > 0)
			(void)nanosleep(&pause, NULL);
		status = find_once(module, parsed, trouble, out);
	}
	return status;
}
