/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes are asked for one at a time: a module that does not know one of a list may
 * fail the whole list. CKA_ALLOWED_MECHANISMS is not asked for at all, since modules
 * answer it in ways that make callers fail.
 */
#include "key.h"

#include <string.h>

#include <p11-kit/uri.h>

enum {
	FOUND_MAX = 2, /* a second one is enough to refuse */
	ID_MAX = 256,
	POINT_MAX = 3 + 1 + 2 * 66, /* DER of P-521 */
};

static void uri_freep(P11KitUri **uri)
{
	p11_kit_uri_free(*uri);
	*uri = NULL;
}

static void spoil(
	struct key *key, enum job_key_state state, const char *attribute, CK_RV rv)
{
	key->state = state;
	key->attribute = attribute;
	key->rv = rv;
}

/* CKR_ATTRIBUTE_TYPE_INVALID when the object does not have or show it. */
static CK_RV read_attribute(
	const struct key_place *place, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute)
{
	const CK_ULONG room = attribute->ulValueLen;
	const CK_RV rv = place->module->C_GetAttributeValue(
		place->session, object, attribute, 1);

	if (rv == CKR_ATTRIBUTE_SENSITIVE)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (rv != CKR_OK)
		return rv;
	if (attribute->ulValueLen == 0 ||
		attribute->ulValueLen == CK_UNAVAILABLE_INFORMATION)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	return attribute->ulValueLen <= room ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

struct rule {
	CK_ATTRIBUTE_TYPE attribute;
	const char *name;
	CK_BBOOL expected;
	bool may_be_absent;
};

static const struct rule rules[] = {
	{CKA_SIGN, "CKA_SIGN", CK_TRUE, false},
	{CKA_SENSITIVE, "CKA_SENSITIVE", CK_TRUE, false},
	{CKA_EXTRACTABLE, "CKA_EXTRACTABLE", CK_FALSE, false},
	{CKA_DECRYPT, "CKA_DECRYPT", CK_FALSE, true},
	{CKA_UNWRAP, "CKA_UNWRAP", CK_FALSE, true},
	{CKA_DERIVE, "CKA_DERIVE", CK_FALSE, true},
	/* A key that wants its PIN at every signature: not supported yet. */
	{CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE", CK_FALSE, true},
};

static void judge(const struct key_place *place, struct key *key)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct rule *rule = &rules[i];
		CK_BBOOL value = CK_FALSE;
		CK_ATTRIBUTE attribute = {rule->attribute, &value, sizeof(value)};
		const CK_RV rv = read_attribute(place, key->handle, &attribute);

		if (rv == CKR_ATTRIBUTE_TYPE_INVALID && rule->may_be_absent)
			continue;
		if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID) {
			spoil(key, JOB_KEY_ERROR, rule->name, rv);
			return;
		}
		if (rv != CKR_OK ||
			(value != CK_FALSE) != (rule->expected != CK_FALSE)) {
			spoil(key, JOB_KEY_BAD_ATTRIBUTE, rule->name, rv);
			return;
		}
	}
}

struct curve {
	struct bytes oid; /* CKA_EC_PARAMS, DER */
	uint32_t field_len;
};

#define OID(bytes)                                                                     \
	{                                                                              \
		(const uint8_t *)(bytes), sizeof(bytes) - 1                            \
	}

static const struct curve curves[] = {
	{OID("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), 32}, /* P-256 */
	{OID("\x06\x05\x2b\x81\x04\x00\x22"), 48},             /* P-384 */
	{OID("\x06\x05\x2b\x81\x04\x00\x23"), 66},             /* P-521 */
};

static uint32_t field_len_of(struct bytes oid)
{
	for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
		if (bytes_is_equal(curves[i].oid, oid))
			return curves[i].field_len;
	}
	return 0;
}

static CK_RV find(const struct key_place *place, CK_ATTRIBUTE *wanted,
	CK_ULONG n_wanted, CK_OBJECT_HANDLE *found, CK_ULONG *n_found)
{
	CK_RV rv = place->module->C_FindObjectsInit(place->session, wanted, n_wanted);
	CK_RV end;

	*n_found = 0;
	if (rv != CKR_OK)
		return rv;
	/* A module may give fewer than asked for; only none means the end. */
	while (rv == CKR_OK && *n_found < FOUND_MAX) {
		CK_ULONG n = 0;

		rv = place->module->C_FindObjects(
			place->session, found + *n_found, FOUND_MAX - *n_found, &n);
		if (n == 0 || n > FOUND_MAX - *n_found)
			break;
		*n_found += n;
	}
	end = place->module->C_FindObjectsFinal(place->session);
	return rv != CKR_OK ? rv : end;
}

/* The one public key with the private key's id; CK_INVALID_HANDLE without. */
static CK_OBJECT_HANDLE find_public(
	const struct key_place *place, const struct key *key)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_KEY_TYPE type = key->type == JOB_KEY_EC ? CKK_EC : CKK_RSA;
	uint8_t id[ID_MAX];
	CK_ATTRIBUTE wanted[] = {
		{CKA_ID, id, sizeof(id)},
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_KEY_TYPE, &type, sizeof(type)},
	};
	CK_OBJECT_HANDLE found[FOUND_MAX];
	CK_ULONG n_found = 0;

	if (read_attribute(place, key->handle, &wanted[0]) != CKR_OK ||
		find(place, wanted, ARRAY_LEN(wanted), found, &n_found) != CKR_OK ||
		n_found != 1)
		return CK_INVALID_HANDLE;
	return found[0];
}

static bool read_modulus(
	const struct key_place *place, CK_OBJECT_HANDLE object, struct key *key)
{
	uint8_t modulus[JOB_PUBLIC_MAX + 1];
	CK_ATTRIBUTE attribute = {CKA_MODULUS, modulus, sizeof(modulus)};
	size_t zeros = 0;

	if (object == CK_INVALID_HANDLE ||
		read_attribute(place, object, &attribute) != CKR_OK)
		return false;
	while (zeros < attribute.ulValueLen && modulus[zeros] == 0)
		zeros++;
	if (attribute.ulValueLen - zeros > sizeof(key->public_key))
		return false;
	key->public_len = (uint32_t)(attribute.ulValueLen - zeros);
	memcpy(key->public_key, modulus + zeros, key->public_len);
	return key->public_len > 0;
}

/* CKA_EC_POINT is a DER OCTET STRING around the point; some modules give it bare. */
static void read_point(
	const struct key_place *place, CK_OBJECT_HANDLE object, struct key *key)
{
	uint8_t point[POINT_MAX];
	CK_ATTRIBUTE attribute = {CKA_EC_POINT, point, sizeof(point)};
	const CK_ULONG wanted_len = 1 + 2 * (CK_ULONG)key->field_len;
	CK_ULONG head_len;

	if (object == CK_INVALID_HANDLE ||
		read_attribute(place, object, &attribute) != CKR_OK ||
		attribute.ulValueLen < wanted_len)
		return;
	head_len = attribute.ulValueLen - wanted_len;
	if ((head_len != 0 && point[0] != 0x04) || head_len > 3 ||
		point[head_len] != 0x04)
		return;
	key->public_len = (uint32_t)wanted_len;
	memcpy(key->public_key, point + head_len, wanted_len);
}

static void read_public(const struct key_place *place, struct key *key)
{
	uint8_t oid[16];
	CK_ATTRIBUTE attribute = {CKA_EC_PARAMS, oid, sizeof(oid)};
	CK_RV rv;

	if (key->type == JOB_KEY_RSA) {
		if (!read_modulus(place, key->handle, key))
			(void)read_modulus(place, find_public(place, key), key);
		return;
	}
	rv = read_attribute(place, key->handle, &attribute);
	if (rv == CKR_OK)
		key->field_len =
			field_len_of((struct bytes){oid, attribute.ulValueLen});
	if (key->field_len == 0) {
		spoil(key, JOB_KEY_BAD_ATTRIBUTE, "CKA_EC_PARAMS", rv);
		return;
	}
	read_point(place, find_public(place, key), key);
}

static void read_type(const struct key_place *place, struct key *key)
{
	CK_KEY_TYPE type = 0;
	CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof(type)};
	const CK_RV rv = read_attribute(place, key->handle, &attribute);

	if (rv == CKR_OK && type == CKK_RSA)
		key->type = JOB_KEY_RSA;
	else if (rv == CKR_OK && type == CKK_EC)
		key->type = JOB_KEY_EC;
	else
		spoil(key, JOB_KEY_BAD_ATTRIBUTE, "CKA_KEY_TYPE", rv);
}

/* Label and id of the URI; the URI is a private key's and fits the token we are on. */
static bool read_uri(const struct key_place *place, P11KitUri *uri, const char *text,
	CK_ATTRIBUTE *wanted, CK_ULONG *n_wanted)
{
	static const CK_ATTRIBUTE_TYPE names[] = {CKA_LABEL, CKA_ID};
	const CK_ATTRIBUTE *class;

	if (uri == NULL ||
		p11_kit_uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, uri) !=
			P11_KIT_URI_OK ||
		p11_kit_uri_any_unrecognized(uri) ||
		p11_kit_uri_get_pin_value(uri) != NULL ||
		p11_kit_uri_match_token_info(uri, place->token) != 1)
		return false;
	class = p11_kit_uri_get_attribute(uri, CKA_CLASS);
	if (class != NULL && *(const CK_OBJECT_CLASS *)class->pValue != CKO_PRIVATE_KEY)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const CK_ATTRIBUTE *given = p11_kit_uri_get_attribute(uri, names[i]);

		if (given != NULL)
			wanted[(*n_wanted)++] = *given;
	}
	/* "Any key" is not a name. */
	return *n_wanted > 1;
}

void key_find(const struct key_place *place, const char *text, struct key *key)
{
	CLEANUP(uri_freep) P11KitUri *uri = p11_kit_uri_new();
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[3] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_OBJECT_HANDLE found[FOUND_MAX];
	CK_ULONG n_wanted = 1, n_found = 0;
	CK_RV rv;

	*key = (struct key){.handle = CK_INVALID_HANDLE, .attribute = ""};
	if (!read_uri(place, uri, text, wanted, &n_wanted)) {
		spoil(key, JOB_KEY_ERROR, "uri", CKR_OK);
		return;
	}
	rv = find(place, wanted, n_wanted, found, &n_found);
	if (rv != CKR_OK) {
		spoil(key, JOB_KEY_ERROR, "", rv);
		return;
	}
	if (n_found != 1) {
		spoil(key, n_found == 0 ? JOB_KEY_NOT_FOUND : JOB_KEY_NOT_UNIQUE, "",
			CKR_OK);
		return;
	}
	key->handle = found[0];
	read_type(place, key);
	if (key->state == JOB_KEY_USABLE)
		judge(place, key);
	if (key->state == JOB_KEY_USABLE)
		read_public(place, key);
}

bool key_is_same(const struct key *a, const struct key *b)
{
	return a->state == b->state && a->type == b->type &&
	       a->field_len == b->field_len &&
	       bytes_is_equal((struct bytes){a->public_key, a->public_len},
		       (struct bytes){b->public_key, b->public_len});
}

uint32_t key_signature_len(const struct key *key)
{
	return key->type == JOB_KEY_EC ? 2 * key->field_len : key->public_len;
}
